"""What is needed to fly a result again, kept beside it as JSON: the settings of the run and the software that
flew it.

Nothing in it depends on the machine, except the platform that computed.
"""

import dataclasses
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ble_eval.command_line.errors import UserError

RECORDED_DISTRIBUTIONS = (
    "ble-sim",
    "ble-env",
    "ble-agents",
    "ble-eval",
    "jax",
    "jaxlib",
    "flax",
    "numpy",
    "gymnasium",
)


@dataclass(frozen=True)
class RunSettings:
    """Everything on the command line that shapes the results.

    Attributes:
        suite: name of the suite, or of the folder for seeds given one by one.
        max_episode_length: steps after which a flight ends.
        num_shards, shard_idx: which part of the seeds is flown.
        agent: registered name.
        agent_options: the agent's own options by name.
        agent_seed: seed of the agent's own randomness.
        checkpoint_dir, checkpoint_idx: checkpoint that the agent is loaded from, or None.
        precision: "float32" or "float64", of the simulation.
        wind_field, observation, reward: registered names of the environment's parts.
        wind_field_options, observation_options, reward_options: their own options by name.
        flight_paths: whether the results hold the paths.
        seeds: seeds of the whole suite; the shard is a part of them.
    """

    suite: str
    max_episode_length: int
    num_shards: int
    shard_idx: int
    agent: str
    agent_options: dict[str, Any]
    agent_seed: int
    checkpoint_dir: str | None
    checkpoint_idx: int | None
    precision: str
    wind_field: str
    wind_field_options: dict[str, Any]
    observation: str
    observation_options: dict[str, Any]
    reward: str
    reward_options: dict[str, Any]
    flight_paths: bool
    seeds: list[int]

    def to_json(self) -> dict[str, Any]:
        """The settings by name, of JSON types only; an option of another type stands as its text."""
        return json.loads(json.dumps(dataclasses.asdict(self), default=str))


def software(parts: Mapping[str, str]) -> dict[str, str]:
    """Versions of everything that takes part in a flight.

    Args:
        parts: what else takes part, by what it is to the run: the origin of a plugin, the platform of JAX.
    """
    versions = {name: version for name in RECORDED_DISTRIBUTIONS if (version := _version(name))}
    return {"python": platform.python_version(), **versions, **parts}


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        return None


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Where two records of settings or software differ, in words; empty when nowhere."""
    keys = [*there, *(key for key in here if key not in there)]
    return "; ".join(
        f"{key} is {_shown(there.get(key))} there and {_shown(here.get(key))} here"
        for key in keys
        if there.get(key) != here.get(key)
    )


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_provenance(path: Path) -> dict[str, Any] | None:
    """The record in a file, None when there is no such file.

    Raises:
        UserError: the file is there but does not hold a record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path}: {error}.") from None
    if not isinstance(record, dict) or not isinstance(record.get("settings"), dict):
        raise UserError(f"{path} is not a record of a run: it has no settings.")
    return record
