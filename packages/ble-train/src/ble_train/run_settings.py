"""The settings of a training run, kept in its folder as settings.json."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ble_agents.create import find_agent
from ble_env import task_parts
from ble_eval.settings import (
    SETTINGS_FILE,
    RunSettings,
    choice_from_json,
    part_from_json,
    software,
    training_record,
)
from ble_sim.files.atomic import write_json

LENGTHS = ("num_iterations", "num_steps")
"""How a run's length is given. It is not one of the settings, since it may change when the run continues."""


@dataclass(frozen=True)
class TrainingSettings(RunSettings):
    """Everything that shapes what is learned.

    Attributes:
        num_envs: number of environments flown side by side; 1 for the classic loop.
        episodes_per_iteration: of the loop.
        max_episode_length: agent steps after which an episode is cut off.
    """

    num_envs: int
    episodes_per_iteration: int
    max_episode_length: int


def write_settings(folder: Path, settings: TrainingSettings, length: Mapping[str, int]) -> None:
    """Write the settings, the length and the software of a run to its folder.

    Args:
        folder: of the run.
        settings: of the run.
        length: its length, by one of `LENGTHS`.
    """
    record = {**settings.to_json(), **length, "software": software(settings, "ble-train", "optax")}
    write_json(folder / SETTINGS_FILE, record, indent=2)


def read_settings(path: Path) -> tuple[TrainingSettings, dict[str, int]]:
    """Read the settings of a run, and its length by one of `LENGTHS`.

    Args:
        path: the file, or the folder of the run.

    Raises:
        UserError: it cannot be read, holds something else, or names an extension that is not installed.
    """
    with training_record(path / SETTINGS_FILE if path.is_dir() else path) as record:
        values: dict[str, Any] = {
            "agent": choice_from_json(record, "agent", find_agent),
            "task": {part.argument: part_from_json(record, part) for part in task_parts.TASK_PARTS},
        }
        values |= {field.name: record[field.name] for field in fields(TrainingSettings) if field.name not in values}
        return TrainingSettings(**values), {name: record[name] for name in LENGTHS if name in record}
