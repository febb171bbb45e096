"""Limits: how large the TWR50 of a seed can be at least, from the best of the flights that were flown on it.

A file of limits is a JSON object, compressed if its name ends in .json.gz. It has the settings that the limits hold
for, what flew, and two columns: "seeds", ranges such as "0-999" in ascending order, and "twr50", a number for each
seed: the share of the steps of a whole episode after which the balloon is within the station-keeping radius. The limits
of the benchmark are part of ble-eval, in data/limits/SUITE.json.gz.

A flight is a proof that its TWR50 is possible, and not that no more is. So an agent may be above a limit. The best
proofs are flights of plans that were made with the true wind, on the information track `oracle`.
"""

import gzip
import json
import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ble_env.task_parts import TASK_PARTS
from ble_eval.builtins import EPISODE_STEPS
from ble_eval.errors import UserError
from ble_eval.results.files import COMPRESSED_SUFFIX
from ble_eval.results.flight_path import shown
from ble_eval.results.sets import ResultSet
from ble_eval.settings import part_from_json
from ble_eval.suites.suite import seed_ranges, seeds_of_ranges
from ble_sim.files.atomic import json_text, write_bytes
from ble_sim.plugins.options import options_to_json

FOLDER = Path(__file__).parents[1] / "data" / "limits"
"""With SUITE.json.gz for each suite that has limits."""

NEEDED_SETTINGS = {"suite": str, "max_episode_length": int, "wind_field": str, "wind_field_options": dict}
"""Settings that say what limits hold for, with their types."""

KEPT_OF_FLIGHTS = ("command", "information", "settings", "software")
"""What is kept of the records of the flights that gave limits."""

OF_THE_FORECAST = ("forecast_age_hours",)
"""Options of wind fields that change what agents see of the wind, and not the wind."""

(_WIND_FIELD,) = [part for part in TASK_PARTS if part.argument == "wind_field"]


@dataclass(frozen=True)
class Limits:
    """Limits of seeds.

    Attributes:
        seeds: ascending, one at least.
        twr50: the limit of each seed, in [0, 1].
        record: the command, the settings that they hold for, and the records of the flights.

    Raises:
        ValueError: a column or a setting is not as described.
    """

    seeds: tuple[int, ...]
    twr50: tuple[float, ...]
    record: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.seeds:
            raise ValueError("there are no seeds")
        if list(self.seeds) != sorted(set(self.seeds)):
            raise ValueError("the seeds are not in ascending order")
        if len(self.twr50) != len(self.seeds):
            raise ValueError(f"there are {len(self.seeds)} seeds and {len(self.twr50)} limits")
        for seed, limit in zip(self.seeds, self.twr50, strict=True):
            if not (math.isfinite(limit) and 0.0 <= limit <= 1.0):
                raise ValueError(f"the limit of the seed {seed} is {limit}, outside [0, 1]")
        settings = self.record.get("settings")
        if not isinstance(settings, Mapping):
            raise ValueError("the settings are missing")
        for name, kind in NEEDED_SETTINGS.items():
            if not isinstance(settings.get(name), kind):
                raise ValueError(f"the setting {name!r} is {shown(settings.get(name))}, not of type {kind.__name__}")

    @classmethod
    def of_flights(cls, sets: Sequence[ResultSet], command: str) -> "Limits":
        """The best TWR50 of each seed. The steps after a failure count as outside.

        Args:
            sets: flights in the same winds; not all need to have the same seeds.
            command: the command line that makes the limits, for the record.

        Raises:
            UserError: a set has no record beside it, or was flown in other winds.
        """
        found: dict[int, tuple[float, str]] = {}
        settings: dict[str, Any] = {}
        for one in sets:
            settings = settings or _settings_of_limits(one)
            winds = _winds(_settings_of_limits(one))
            if winds != _winds(settings):
                raise UserError(
                    f"{one.path} was flown in other winds ({winds}) than {sets[0].path} ({_winds(settings)}): limits"
                    " hold for one of them. Leave out one of the two."
                )
            for result in one.results:
                share = result.time_within_radius * result.final_timestep / settings["max_episode_length"]
                if result.seed not in found or share > found[result.seed][0]:
                    found[result.seed] = share, one.label
        best_on = Counter(label for _, label in found.values())
        flights = {
            one.label: {"best_on": best_on[one.label], **{key: (one.record or {}).get(key) for key in KEPT_OF_FLIGHTS}}
            for one in sets
        }
        seeds = tuple(sorted(found))
        record = {"command": command, "settings": settings, "flights": flights}
        return cls(seeds, tuple(found[seed][0] for seed in seeds), record)

    @property
    def suite(self) -> str:
        """The suite whose seeds have these limits."""
        return self.record["settings"]["suite"]


def _settings_of_limits(one: ResultSet) -> dict[str, Any]:
    """Of the record of a set of flights, the settings that limits need."""
    if one.record is None:
        raise UserError(f"{one.path} has no record beside it, so it is not known in which winds it was flown.")
    settings = one.record.get("settings", {})
    defaults = {"suite": one.suite, "max_episode_length": EPISODE_STEPS, "wind_field_options": {}}
    return {name: settings.get(name, defaults.get(name)) for name in NEEDED_SETTINGS}


def write_limits(path: Path, limits: Limits) -> None:
    """Write a file of limits. Equal limits are equal files.

    Args:
        path: file to write, compressed if its name ends in .json.gz. Its folder is made where it is missing.
        limits: the limits.

    Raises:
        OSError: the file cannot be written. What was there before stays.
    """
    columns = {"seeds": seed_ranges(limits.seeds), "twr50": limits.twr50}
    content = json_text({**limits.record, **columns}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, gzip.compress(content, mtime=0) if path.name.endswith(COMPRESSED_SUFFIX) else content)


def read_limits(path: Path) -> Limits:
    """The limits in a file.

    Raises:
        UserError: there is no such file, it is damaged, or holds something else.
        OSError: it cannot be read.
    """
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        record = json.loads(content.decode("utf-8"))
        if not isinstance(record, dict):
            raise ValueError(f"it holds {type(record).__name__}, not an object with keys")
        return Limits(_seeds(record.pop("seeds", None)), _column(record.pop("twr50", None)), record)
    except FileNotFoundError:
        raise UserError(f"There is no file of limits {path}.") from None
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is not a file of limits, or is damaged: {error}.") from None


def _seeds(ranges: object) -> tuple[int, ...]:
    if not isinstance(ranges, list) or not all(isinstance(one, str) for one in ranges):
        raise ValueError(f"'seeds' is {shown(ranges)}, not a list of ranges")
    return tuple(seeds_of_ranges(ranges))


def _column(values: object) -> tuple[float, ...]:
    if not isinstance(values, list) or any(isinstance(one, bool) or not isinstance(one, int | float) for one in values):
        raise ValueError(f"'twr50' is {shown(values)}, not a list of numbers")
    return tuple(float(value) for value in values)


def shipped_limits() -> dict[str, Path]:
    """The files of limits that are part of this package, by suite, sorted."""
    files = sorted(FOLDER.glob(f"*{COMPRESSED_SUFFIX}"))
    return {file.name.removesuffix(COMPRESSED_SUFFIX): file for file in files}


@dataclass(frozen=True)
class SeedLimits:
    """The limits of seeds that agents flew.

    Attributes:
        by_seed: the limits, at least one.
        labels: the agents that flew in the winds of the limits.
        source: where the limits are from: suites, or a file.
    """

    by_seed: Mapping[int, float]
    labels: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class FoundLimits:
    """What `find_limits` has found.

    Attributes:
        limits: None if there are none for these agents and seeds.
        notes: lines about agents that flew in other winds than those of the limits.
    """

    limits: SeedLimits | None
    notes: list[str]


def find_limits(sets: Sequence[ResultSet], file: Path | None = None) -> FoundLimits:
    """The limits of the seeds that agents flew, by seed, whatever the suite is called. Where there are two, the larger.

    Results without a record are taken as flown in the benchmark's winds.

    Args:
        sets: the results, all of the same seeds.
        file: a file of limits to take in place of those that are part of this package.

    Raises:
        UserError: the file is damaged, has no limits of these seeds, or no agent flew in its winds.
        OSError: a file cannot be read.
    """
    found: list[tuple[Limits, tuple[str, ...]]] = []
    seeds = set(sets[0].seeds)
    for path in shipped_limits().values() if file is None else [file]:
        limits = read_limits(path)
        if not seeds.isdisjoint(limits.seeds):
            winds = _winds(limits.record["settings"])
            found.append((limits, tuple(one.label for one in sets if _winds_of(one) == winds)))
    if file is not None and not found:
        raise UserError(f"{file} has no limit of a seed that is compared. Leave out --limits, or name another file.")
    if not found:
        return FoundLimits(None, [])
    labels = max((labels for _, labels in found), key=len)
    if file is not None and not labels:
        raise UserError(
            f"No agent flew in the winds of {file}: {_winds(found[0][0].record['settings'])}. Leave out --limits."
        )
    others = [one.label for one in sets if one.label not in labels]
    notes = [f"No regret of {', '.join(others)}: the winds are others than those of the limits."] if others else []
    if not labels:
        return FoundLimits(None, notes)
    used = [limits for limits, flown in found if flown == labels]
    by_seed: dict[int, float] = {}
    for limits in used:
        for seed, limit in zip(limits.seeds, limits.twr50, strict=True):
            if seed in seeds:
                by_seed[seed] = max(limit, by_seed.get(seed, 0.0))
    source = " and ".join(limits.suite for limits in used) if file is None else str(file)
    return FoundLimits(SeedLimits(by_seed, labels, source), notes)


def _winds_of(one: ResultSet) -> str:
    return _winds((one.record or {}).get("settings", {}))


def _winds(settings: Mapping[str, Any]) -> str:
    """What decides how far a limit holds: the true wind and the length of an episode, as text to be compared."""
    try:
        choice = part_from_json(settings, _WIND_FIELD)
        name, options = choice.name, options_to_json(choice.options)
    except ValueError:  # A plugin that is not installed any more: its options as they are.
        name, options = settings["wind_field"], settings.get("wind_field_options", {})
    options = {option: value for option, value in options.items() if option not in OF_THE_FORECAST}
    steps = settings.get("max_episode_length", EPISODE_STEPS)
    return f"{name} {json.dumps(options, sort_keys=True)}, {steps} steps"
