"""The settings of a run: everything that shapes its results, kept as JSON beside them with the software that ran.

Training runs record theirs by the same base, `RunSettings`. The JSON has a key for each name, such as "wind_field", and
one for its options, "wind_field_options". Nothing in it depends on the machine, except the backend of JAX.
"""

import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ble_agents.create import agent_origin
from ble_env import task_parts
from ble_env.task_parts import Choice, TaskPart
from ble_eval.errors import UserError
from ble_eval.suites.suite import seed_ranges
from ble_sim.plugins import DuplicateNameError, UnknownNameError
from ble_sim.plugins.options import options_from_json, options_to_json
from ble_sim.plugins.registries import AGENTS

SETTINGS_FILE = "settings.json"
"""In the folder of a training run."""

SEEDS_FOLDER = "seeds"
"""Name in place of the suite's if the seeds are given one by one."""

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
    """What every run has: an agent, a task, a precision and a seed.

    Attributes:
        agent: the agent and its options.
        task: the parts of the task, by their arguments in `ble_env.task_parts.TASK_PARTS`.
        precision: "float32" or "float64", of the simulation.
        seed: of the agent's randomness; in training also of the episodes.
    """

    agent: Choice
    task: Mapping[str, Choice]
    precision: str
    seed: int

    def to_json(self) -> dict[str, Any]:
        """The settings by name, of JSON types only."""
        values = {}
        for name, value in vars(self).items():
            for field, setting in (value if name == "task" else {name: value}).items():
                if isinstance(setting, Choice):
                    values |= {field: setting.name, f"{field}_options": options_to_json(setting.options)}
                else:
                    values[field] = setting
        return json.loads(json.dumps(values, default=str))


@dataclass(frozen=True)
class EvaluationSettings(RunSettings):
    """What shapes the results of an evaluation.

    Attributes:
        suite: name and options of the suite; the name is that of the results' folder where seeds are given one by one.
        max_episode_length: agent steps after which an episode ends.
        num_shards, shard_idx: which part of the seeds is flown.
        checkpoint_dir, checkpoint_idx: checkpoint that the agent is loaded from, or None.
        untrained: whether a learner flies without a checkpoint.
        flight_paths: whether the results hold the paths.
        seeds: seeds of the whole suite; the shard is a part of them. In JSON they are ranges, such as ["0-9999"].
    """

    suite: Choice
    max_episode_length: int
    num_shards: int
    shard_idx: int
    checkpoint_dir: str | None
    checkpoint_idx: int | None
    untrained: bool
    flight_paths: bool
    seeds: list[int]

    def to_json(self) -> dict[str, Any]:
        """The settings by name, of JSON types only."""
        return super().to_json() | {"seeds": seed_ranges(self.seeds)}


def software(settings: RunSettings, *distributions: str) -> dict[str, str]:
    """Versions of everything that takes part in a run, by what it is.

    Args:
        settings: of the run.
        distributions: recorded beside `RECORDED_DISTRIBUTIONS`.
    """
    import jax

    versions = {}
    for name in (*RECORDED_DISTRIBUTIONS, *distributions):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # A source tree that is not installed.
            continue
    return {
        "python": platform.python_version(),
        **versions,
        "agent": agent_origin(settings.agent.name),
        **{
            part.registry.kind: part.registry.origin(settings.task[part.argument].name)
            for part in task_parts.TASK_PARTS
        },
        "jax backend": jax.default_backend(),
    }


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The differences between two records of settings or software, a clause for each.

    Options are compared one by one where the names are the same. One that only one of them has is at its default in the
    other, which was written before there was such an option.
    """
    there, here = _completed(there, here), _completed(here, there)
    flat_there, flat_here = (_flat(values, there, here) for values in (there, here))
    keys = [*flat_there, *(key for key in flat_here if key not in flat_there)]
    return [
        f"{key} is {_shown(flat_there.get(key))} there and {_shown(flat_here.get(key))} here"
        for key in keys
        if flat_there.get(key) != flat_here.get(key)
    ]


def _completed(values: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """`values` with the defaults of the options that only `other` has, of parts that both name alike."""
    completed = dict(values)
    registries = {"agent": AGENTS} | {part.argument: part.registry for part in task_parts.TASK_PARTS}
    for field, registry in registries.items():
        options, others = (each.get(f"{field}_options") for each in (values, other))
        if values.get(field) != other.get(field) or not (isinstance(options, Mapping) and isinstance(others, Mapping)):
            continue
        if others.keys() - options.keys() and values[field] in registry.names():
            defaults = options_to_json(registry.get(values[field]).options_type())
            lacking = {name: defaults[name] for name in defaults if name in others and name not in options}
            completed[f"{field}_options"] = {**options, **lacking}
    return completed


def listing(clauses: Sequence[str]) -> str:
    """Clauses as the end of a sentence: one after a colon, several on a line each."""
    if len(clauses) == 1:
        return f": {clauses[0]}."
    return ":\n" + "".join(f"  {clause}\n" for clause in clauses)


def _flat(values: Mapping[str, Any], there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
    """Options as keys of their own, such as "wind field option speed"; those of different extensions are left out."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = key.removesuffix("_options")
        if name == key or not isinstance(value, Mapping):
            flat[key] = value
        elif there.get(name) == here.get(name):
            flat |= {f"{name.replace('_', ' ')} option {option}": setting for option, setting in value.items()}
    return flat


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_provenance(path: Path) -> dict[str, Any] | None:
    """The record beside a result file; None if there is none.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(f"Cannot read {path}: {error}.") from None
    if not isinstance(record, dict) or not isinstance(record.get("settings"), dict):
        raise UserError(f"{path} is not a record of a run: it has no settings.")
    return record


@contextmanager
def training_record(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON object in the settings file of a training run, to be read in the block.

    Raises:
        UserError: the file cannot be read, or the block raises an error for what is in it.
    """
    try:
        yield json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if path.name != SETTINGS_FILE:
            raise UserError(f"There is no {path}: give the folder of a training run, or its {SETTINGS_FILE}.") from None
        raise UserError(f"There is no {path}, so {path.parent} is not the folder of a training run.") from None
    except (UnknownNameError, DuplicateNameError) as error:
        raise UserError(f"{path}: {error}") from error
    except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} does not describe a training run: {error}.") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def choice_from_json(record: Mapping[str, Any], field: str, find: Callable[[str], Any]) -> Choice:
    """A choice in the JSON of settings.

    Args:
        record: the values by name.
        field: such as "agent".
        find: the registration of a name.

    Raises:
        KeyError: the record has no such field.
        ValueError: the name or an option is unknown.
    """
    name = record[field]
    return Choice(name, options_from_json(find(name).options_type, record[f"{field}_options"]))


def part_from_json(record: Mapping[str, Any], part: TaskPart) -> Choice:
    """A part of the task, the benchmark's if the record was written before there was such a part.

    Raises:
        ValueError: the name or an option is unknown.
    """
    defaults = {part.argument: part.default, f"{part.argument}_options": {}}
    return choice_from_json({**defaults, **record}, part.argument, part.registry.get)
