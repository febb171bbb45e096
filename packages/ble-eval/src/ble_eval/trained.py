"""The folder of a training run, or one of its folders of checkpoints, from which an agent is loaded."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ble_agents.create import EXPORTED_SUFFIX, find_agent
from ble_env.task_parts import TASK_PARTS, Choice
from ble_eval.errors import UserError
from ble_eval.settings import SETTINGS_FILE, choice_from_json, part_from_json, training_record

CHECKPOINTS_FOLDER = "checkpoints"
"""In a run's folder: a checkpoint for each of the newest iterations."""
BEST_FOLDER = "best"
"""In a run's folder: a checkpoint for each of the newest validations that was the best so far."""
UNFINISHED_FOLDER = "unfinished"
"""In a run's folder: the iteration in progress."""
LEARNING_CURVE = "learning_curve.jsonl"
"""In a run's folder: the validations."""

CHECKSUMS = "checksums"
"""The folder in a checkpoint of ble-train's agents that shows that it is one."""

_NUMBER = re.compile("0|[1-9][0-9]*")
_OWN_NAME = re.compile(f"({_NUMBER.pattern})([.]checkpoint)?")


def own_checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """The checkpoints that ble-train's agents have written, by number, oldest first.

    They are folders named by the number, or NUMBER.checkpoint where something else has that name. Everything else in
    the folder is somebody else's, links too.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    matches = [match for name in names if (match := _OWN_NAME.fullmatch(name))]
    found = [(int(match[1]), folder / match[0]) for match in matches]
    return sorted(
        (number, path)
        for number, path in found
        if os.path.isdir(path / CHECKSUMS) and not os.path.islink(path)  # False also where it cannot be read
    )


@dataclass(frozen=True)
class ChosenCheckpoint:
    """A checkpoint to load an agent from.

    Attributes:
        folder: the folder that has it.
        number: its number.
        reason: why it is this one, such as "the best of 3 validations, TWR50 0.412".
    """

    folder: Path
    number: int
    reason: str

    def __str__(self) -> str:
        return f"checkpoint {self.number} of {self.folder}, {self.reason}"


def chosen_checkpoint(path: Path, number: int | None = None) -> ChosenCheckpoint:
    """The checkpoint with a number; without one the best of the validations, or the newest if there were none.

    The number of a checkpoint that ble-train's agents have not written is left to the agent.

    Args:
        path: the folder of a training run, or a folder of checkpoints, of which the newest is taken without a number.
        number: of the iteration.

    Raises:
        UserError: there is no such checkpoint; the message says which there are.
        OSError: a folder cannot be read.
    """
    _check_folder(path)
    inner = path / CHECKPOINTS_FOLDER
    folders = [inner, path / BEST_FOLDER] if inner.is_dir() else [path]
    there = {folder: checkpoint_numbers(folder) for folder in folders}
    if number is not None and not any(map(own_checkpoints, folders)):
        return ChosenCheckpoint(folders[0], number, "as asked for")  # Agents of others may name theirs in any way.
    if not any(there.values()):
        raise UserError(_no_checkpoint(path))
    if number is not None:
        for folder, numbers in there.items():
            if number in numbers:
                return ChosenCheckpoint(folder, number, "as asked for")
        known = "; ".join(f"{', '.join(map(str, numbers))} in {folder}" for folder, numbers in there.items() if numbers)
        raise UserError(f"There is no checkpoint {number} in {path}. There are {known}.")
    scores = _validations(path)
    validated = {one: score for one, score in scores.items() if one in there.get(path / BEST_FOLDER, [])}
    if validated:
        best = max(validated, key=lambda one: (validated[one], -one))
        count = f"{len(scores)} validation{'' if len(scores) == 1 else 's'}"
        return ChosenCheckpoint(path / BEST_FOLDER, best, f"the best of {count}, TWR50 {validated[best]:.3f}")
    folder = next(folder for folder, numbers in there.items() if numbers)
    reason = "the newest, since there were no validations" if folder == inner else "the newest"
    return ChosenCheckpoint(folder, max(there[folder]), reason)


def checkpoint_numbers(folder: Path) -> list[int]:
    """The numbers of the checkpoints in a folder, sorted.

    Without any of ble-train's agents, whatever is named by a number alone is a checkpoint.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    numbers = [number for number, _ in own_checkpoints(folder)]
    if not numbers and folder.is_dir():
        entries = [path for path in folder.iterdir() if _NUMBER.fullmatch(path.name)]
        numbers = sorted(int(path.name) for path in entries if not path.is_symlink())
    return numbers


def _check_folder(path: Path) -> None:
    if path.is_dir():
        return
    if path.suffix == EXPORTED_SUFFIX and path.is_file():
        raise UserError(f"{path} is a file. If it is an exported agent, fly it with --agent {path}.")
    if path.exists():
        raise UserError(f"{path} is a file, not the folder of a training run or of checkpoints.")
    raise UserError(f"There is no folder {path}. Give that of a training run, the --base-dir of `ble-train run`.")


def _no_checkpoint(path: Path) -> str:
    unfinished = [folder for folder in path.glob(f"{UNFINISHED_FOLDER}/*/{CHECKPOINTS_FOLDER}") if folder.is_dir()]
    if unfinished:
        return (
            f"{path} has no checkpoint of a finished iteration yet. One from within the first iteration is in"
            f" {unfinished[-1]}."
        )
    if (path / SETTINGS_FILE).is_file():
        return f"{path} is a training run without a checkpoint yet: train on, `ble-train run --base-dir {path}`."
    runs = sorted(file.parent for file in path.glob(f"*/{SETTINGS_FILE}"))
    inside = f" {runs[0]} is one." if runs else ""
    return f"There is no checkpoint in {path}. Give the folder of a training run, with its {SETTINGS_FILE}.{inside}"


def _validations(path: Path) -> dict[int, float]:
    """TWR50 by iteration, of the validations of a training run, as far as they can be read."""
    scores = {}
    try:
        lines = (path / LEARNING_CURVE).read_text(encoding="utf-8").splitlines()
        for line in lines:
            record = json.loads(line)
            scores[int(record["iteration"])] = float(record["twr50"])
    except (OSError, ValueError, TypeError, KeyError):  # What training cannot read it says itself.
        pass
    return scores


def trained_with(path: Path) -> Mapping[str, Choice]:
    """The "agent" and the "observation" of a training run, which an evaluation takes over.

    Its settings.json is looked for in the folder and above, where a run has its checkpoints; without one the result is
    empty.

    Raises:
        UserError: the file does not describe a training run, or its agent or observation is not installed.
    """
    above = path.absolute().parents
    for folder in (path, *(above[:3] if UNFINISHED_FOLDER in path.absolute().parts[-3:] else above[:1])):
        if (file := folder / SETTINGS_FILE).is_file():
            with training_record(file) as record:
                observation = next(part for part in TASK_PARTS if part.argument == "observation")
                return {
                    "agent": choice_from_json(record, "agent", find_agent),
                    "observation": part_from_json(record, observation),
                }
    return {}
