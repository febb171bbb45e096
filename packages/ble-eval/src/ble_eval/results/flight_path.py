"""The path of a flight, and its form in a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ble_eval.errors import UserError


def _no_steps() -> np.ndarray:
    return np.zeros(0)


class ResultFormatError(UserError, ValueError):
    """A record or a file does not hold evaluation results; the message names the place and the reason."""


@dataclass(frozen=True, slots=True, eq=False)
class FlightPath:
    """The balloon after each agent step: float64[steps] for each quantity, empty if nothing was kept.

    The wind is held during a step, so that the way from one point to the next, divided by the time, is the wind.

    Attributes:
        x, y: kilometres east and north of the station.
        pressure: of the air around the balloon (Pa).
        superpressure: pressure inside the envelope above that of the air (Pa).
        elapsed_seconds: time since the start of the episode (s).
        power: charge of the battery as a fraction of its capacity.
        reward: of the step. Files of the original have neither this nor the following columns: None.
        lowest_pressure, highest_pressure: within reach (Pa).
        effective_action: what the safety layers let take effect: 0 down, 1 stay, 2 up.

    Raises:
        ValueError: the columns are not of one length.
    """

    x: np.ndarray = field(default_factory=_no_steps)
    y: np.ndarray = field(default_factory=_no_steps)
    pressure: np.ndarray = field(default_factory=_no_steps)
    superpressure: np.ndarray = field(default_factory=_no_steps)
    elapsed_seconds: np.ndarray = field(default_factory=_no_steps)
    power: np.ndarray = field(default_factory=_no_steps)
    reward: np.ndarray | None = None
    lowest_pressure: np.ndarray | None = None
    highest_pressure: np.ndarray | None = None
    effective_action: np.ndarray | None = None

    def __post_init__(self) -> None:
        if len({column.shape for column in self.columns().values()}) > 1:
            lengths = {name: column.shape for name, column in self.columns().items()}
            raise ValueError(f"The columns of a flight path are not of one length: {lengths}.")

    def columns(self) -> dict[str, np.ndarray]:
        """The columns that there are, by name."""
        named = {column.name: getattr(self, column.name) for column in fields(self)}
        return {name: column for name, column in named.items() if column is not None}

    def __len__(self) -> int:
        return len(self.x)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FlightPath):
            return NotImplemented
        here, there = self.columns(), other.columns()
        return here.keys() == there.keys() and all(np.array_equal(here[name], there[name]) for name in here)

    __hash__ = None  # pyright: ignore[reportAssignmentType] - arrays cannot be hashed

    def points(self) -> list[dict[str, float]]:
        """An object for each point, as records have them.

        Raises:
            ResultFormatError: a number is not finite.
        """
        columns = self.columns()
        for name, column in columns.items():
            if not np.isfinite(column).all():
                raise ResultFormatError(f"{name!r} of the flight path is not finite")
        lists = [
            column.astype(int).tolist() if name == "effective_action" else column.tolist()
            for name, column in columns.items()
        ]
        return [dict(zip(columns, point, strict=True)) for point in zip(*lists, strict=True)]


_NEEDED = tuple(column.name for column in fields(FlightPath) if column.default is not None)
"""Columns that every path has, also those of the original."""
_FURTHER = tuple(column.name for column in fields(FlightPath) if column.default is None)


def path_of_points(points: Sequence[object]) -> FlightPath:
    """The path of the points of a record. Unknown keys are ignored.

    Raises:
        ResultFormatError: a point has no value for a column, or one that is no finite number.
    """
    if not points:
        return FlightPath()
    for point in points:
        if not isinstance(point, Mapping):
            raise ResultFormatError(f"a point of 'flight_path' is an object with keys, not {shown(point)}")
    first: Any = points[0]
    names = [*_NEEDED, *(name for name in _FURTHER if name in first)]
    return FlightPath(**{name: _column(name, points) for name in names})


def _column(name: str, points: Sequence[Any]) -> np.ndarray:
    values = [point.get(name) for point in points]
    if set(map(type, values)) <= {int, float}:
        column = np.array(values, np.float64)
        if np.isfinite(column).all():
            return column
    wrong = next(point for point in points if type(point.get(name)) not in (int, float) or not np.isfinite(point[name]))
    if name not in wrong:
        raise ResultFormatError(f"{name!r} is missing in a point of 'flight_path'")
    raise ResultFormatError(f"{name!r} is {shown(wrong[name])}, not a finite number")


def shown(value: object) -> str:
    """A value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
