"""The settings and the plan of a training run, kept in its folder as settings.json."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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
from ble_sim.plugins.options import options_from_json, options_to_json

LENGTHS = ("num_iterations", "num_steps", "num_hours")
"""How a run's length is given, by one of these fields of `RunPlan`."""
DEFAULT_ITERATIONS = 200


@dataclass(frozen=True)
class TrainingSettings(RunSettings):
    """Everything that shapes what is learned. It stays the same for the whole run.

    Attributes:
        num_envs: number of environments flown side by side; 1 for the classic loop.
        episodes_per_iteration: of the loop.
        max_episode_length: agent steps after which an episode is cut off.
    """

    num_envs: int
    episodes_per_iteration: int
    max_episode_length: int


@dataclass(frozen=True)
class RunPlan:
    """How long a run is, and what is watched and kept meanwhile. It may change when the run continues.

    Attributes:
        num_iterations, num_steps, num_hours: the length, by one of them.
        evaluation_period: iterations from one validation to the next; 0 for none.
        evaluation_episodes: number of validation episodes.
        checkpoint_minutes: time from one checkpoint within an iteration to the next; 0 for none.
        collectors: names of the collectors.
        collector_options: their options as JSON, by name.
        env_device: JAX platform of the environments; None for JAX's.
        on_device: whether environments and learning are one compiled program.
    """

    num_iterations: int | None = None
    num_steps: int | None = None
    num_hours: float | None = None
    evaluation_period: int = 20
    evaluation_episodes: int = 100
    checkpoint_minutes: float = 10.0
    collectors: tuple[str, ...] = ("tensorboard", "json_lines")
    collector_options: Mapping[str, Any] = field(default_factory=dict)
    env_device: str | None = None
    on_device: bool = False

    @property
    def length(self) -> dict[str, Any]:
        """The length, by one of `LENGTHS`; that of a run without one is the default."""
        given = {name: number for name in LENGTHS if (number := getattr(self, name)) is not None}
        return given or {"num_iterations": DEFAULT_ITERATIONS}


@dataclass(frozen=True)
class RunRecord:
    """What settings.json holds of a run, but for the software.

    Attributes:
        settings: of the run.
        plan: of the run.
        content: digests of what it reads, see `ble_eval.content`.
    """

    settings: TrainingSettings
    plan: RunPlan
    content: Mapping[str, str]


def write_record(folder: Path, record: RunRecord) -> None:
    """Write settings, plan, content and software of a run to its folder."""
    plan = dataclasses.replace(record.plan, **{**dict.fromkeys(LENGTHS), **record.plan.length}, collector_options={})
    values = {
        **record.settings.to_json(),
        "plan": {**options_to_json(plan), "collector_options": dict(record.plan.collector_options)},
        "content": dict(record.content),
        "software": software(record.settings, "ble-train", "optax"),
    }
    write_json(folder / SETTINGS_FILE, values, indent=2)


def read_record(path: Path) -> RunRecord:
    """Read the settings of a run, its plan and its content.

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
        found = dict(record.get("plan", {}))
        collector_options = dict(found.pop("collector_options", {}))
        plan = dataclasses.replace(options_from_json(RunPlan, found), collector_options=collector_options)
        return RunRecord(TrainingSettings(**values), plan, dict(record.get("content", {})))
