"""The result of an episode, and its JSON record.

A record has the keys of the original Balloon Learning Environment's evaluation, so that each can read the files of the
other: the fields of `EvaluationResult`, with `flight_path` a list of objects with the columns of `FlightPath`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ble_eval.results.flight_path import FlightPath, ResultFormatError, path_of_points, shown
from ble_sim.seeds import check_seed

FAILURES = ("out_of_power", "envelope_burst", "zeropressure")
"""The ways in which an episode can fail: fields of `EvaluationResult` and keys of the environment's info."""


_NUMBERS = (bool, int, float)


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The result of one episode.

    Attributes:
        seed: seed of the episode.
        cumulative_reward: sum of the rewards of all steps.
        time_within_radius: share of the steps after which the balloon is within the station-keeping radius (TWR50).
        out_of_power, envelope_burst, zeropressure: whether the episode ended in this failure.
        final_timestep: number of agent steps flown.
        flight_path: a point for each step, or empty.
    """

    seed: int
    cumulative_reward: float
    time_within_radius: float
    out_of_power: bool
    envelope_burst: bool
    zeropressure: bool
    final_timestep: int
    flight_path: FlightPath = field(default_factory=FlightPath)

    @property
    def failed(self) -> bool:
        """Whether the episode ended in a failure."""
        return any(getattr(self, failure) for failure in FAILURES)


def to_json(result: EvaluationResult) -> dict[str, Any]:
    """The record of a result, of JSON types only.

    Raises:
        ResultFormatError: a number is not finite; the message names the seed.
    """
    try:
        return _numbers(result) | {"flight_path": result.flight_path.points()}
    except ResultFormatError as error:
        raise ResultFormatError(f"The result of the seed {result.seed} cannot be kept as JSON: {error}.") from None


def from_json(record: object) -> EvaluationResult:
    """The result of a record. Unknown keys are ignored, and a missing path is an empty one.

    Raises:
        ResultFormatError: a value is missing, of the wrong type, or impossible.
    """
    if not isinstance(record, Mapping):
        raise ResultFormatError(f"a result is an object with keys, not {shown(record)}")
    try:
        seed = check_seed(_integer(record, "seed"))
    except ValueError as error:
        raise ResultFormatError(str(error)) from None
    time_within_radius = _number(record, "time_within_radius")
    if not 0 <= time_within_radius <= 1:
        raise ResultFormatError(f"'time_within_radius' is {time_within_radius}, outside [0, 1]")
    final_timestep = _integer(record, "final_timestep")
    if final_timestep < 1:
        raise ResultFormatError(f"'final_timestep' is {final_timestep}, less than 1")
    path = record.get("flight_path", [])
    if not isinstance(path, list):
        raise ResultFormatError(f"'flight_path' is {shown(path)}, not a list")
    return EvaluationResult(
        seed=seed,
        cumulative_reward=_number(record, "cumulative_reward"),
        time_within_radius=time_within_radius,
        out_of_power=_truth(record, "out_of_power"),
        envelope_burst=_truth(record, "envelope_burst"),
        zeropressure=_truth(record, "zeropressure"),
        final_timestep=final_timestep,
        flight_path=path_of_points(path),
    )


def _numbers(result: EvaluationResult) -> dict[str, Any]:
    """The fields but the path, as Python's own numbers: an environment may give numpy's."""
    record = {one.name: one.type(getattr(result, one.name)) for one in fields(result) if one.type in _NUMBERS}
    for name, number in record.items():
        if not math.isfinite(number):
            raise ResultFormatError(f"{name!r} is {number}, not a finite number")
    return record


def _value(record: Mapping[str, Any], key: str) -> Any:
    if key not in record:
        raise ResultFormatError(f"{key!r} is missing")
    return record[key]


def _number(record: Mapping[str, Any], key: str) -> float:
    value = _value(record, key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ResultFormatError(f"{key!r} is {shown(value)}, not a finite number")
    return float(value)


def _integer(record: Mapping[str, Any], key: str) -> int:
    value = _value(record, key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ResultFormatError(f"{key!r} is {shown(value)}, not an integer")
    return value


def _truth(record: Mapping[str, Any], key: str) -> bool:
    value = _value(record, key)
    if not isinstance(value, bool):
        raise ResultFormatError(f"{key!r} is {shown(value)}, neither true nor false")
    return value
