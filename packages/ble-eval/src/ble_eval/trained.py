"""The folder of a training run, or one of its folders of checkpoints, from which an agent is loaded."""

from collections.abc import Mapping
from pathlib import Path

from ble_agents.create import find_agent
from ble_env.task_parts import TASK_PARTS, Choice
from ble_eval.errors import UserError
from ble_eval.settings import SETTINGS_FILE, choice_from_json, part_from_json, training_record

CHECKPOINTS_FOLDER = "checkpoints"


def checkpoint_folder(path: Path) -> Path:
    """The folder with the checkpoints of a training run, or `path` itself."""
    inner = path / CHECKPOINTS_FOLDER
    return inner if inner.is_dir() else path


def newest_checkpoint(folder: Path) -> int:
    """The largest number among the names in the folder.

    Raises:
        UserError: there is none.
    """
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
    if not numbers:
        raise UserError(f"There is no numbered checkpoint in {folder}. Give --checkpoint-idx, or another --checkpoint.")
    return max(numbers)


def trained_with(path: Path) -> Mapping[str, Choice]:
    """The "agent" and the "observation" of a training run, which an evaluation takes over.

    Its settings.json is looked for in the folder and in the one above; without one the result is empty.

    Raises:
        UserError: the file does not describe a training run, or its agent or observation is not installed.
    """
    for file in (path / SETTINGS_FILE, path.parent / SETTINGS_FILE):
        if file.is_file():
            with training_record(file) as record:
                observation = next(part for part in TASK_PARTS if part.argument == "observation")
                return {
                    "agent": choice_from_json(record, "agent", find_agent),
                    "observation": part_from_json(record, observation),
                }
    return {}
