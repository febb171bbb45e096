"""What a training run was started with, kept in its folder as config.json."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ble_agents.plugins import find_agent
from ble_env.task_parts import TASK_PARTS, options_field
from ble_eval.command_line.errors import UserError
from ble_sim.plugins.options import options_from_json
from ble_train.files import write_text_atomically

FILE_NAME = "config.json"


@dataclass(frozen=True)
class RunSettings:
    """Everything that shapes what is learned.

    Attributes:
        agent: registered name.
        agent_options: an instance of its `options_type`.
        num_envs: how many environments are flown in lockstep; 1 for the classic loop.
        episodes_per_iteration, max_episode_length: of the loop.
        wind_field, observation, reward: registered names, of the environments' parts.
        wind_field_options, observation_options, reward_options: instances of their `options_type`.
        precision: of the environments.
        seed: of the agent and of the episodes.
    """

    agent: str
    agent_options: Any
    num_envs: int
    episodes_per_iteration: int
    max_episode_length: int
    wind_field: str
    wind_field_options: Any
    observation: str
    observation_options: Any
    reward: str
    reward_options: Any
    precision: str
    seed: int

    def to_json(self) -> dict[str, Any]:
        """The values by name, of JSON's types."""
        return json.loads(json.dumps(dataclasses.asdict(self), default=str))


def write_settings(folder: Path, settings: RunSettings, software: Mapping[str, str]) -> None:
    """Keep a run's configuration, and the versions it runs with, in its folder."""
    record = {**settings.to_json(), "software": dict(software)}
    write_text_atomically(folder / FILE_NAME, json.dumps(record, indent=2) + "\n")


def read_settings(path: Path) -> RunSettings:
    """Read a run's configuration.

    Args:
        path: of the file, or of the folder of a run.

    Raises:
        UserError: it cannot be read, or holds something else.
        UnknownNameError: the agent or a part of the environment is not installed.
    """
    path = path / FILE_NAME if path.is_dir() else path
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values.pop("software", None)
        values["agent_options"] = options_from_json(find_agent(values["agent"]).options_type, values["agent_options"])
        for part in TASK_PARTS:
            options_type, options = TASK_PARTS[part].get(values[part]).options_type, options_field(part)
            values[options] = options_from_json(options_type, values[options])
        return RunSettings(**values)
    except FileNotFoundError:
        raise UserError(f"There is no {path}, so {path.parent} is not the folder of a training run.") from None
    except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} does not describe a training run: {error}.") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def differences(there: RunSettings, here: RunSettings) -> str:
    """Where two configurations differ, in words; empty when nowhere."""
    old, new = _flat(there.to_json()), _flat(here.to_json())
    return "; ".join(
        f"{name} is {old.get(name)!r} there and {new.get(name)!r} here"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    options = {
        f"{part.replace('_', ' ')} option {name}": value
        for part in ("agent", *TASK_PARTS)
        for name, value in values.pop(options_field(part)).items()
    }
    return {**values, **options}
