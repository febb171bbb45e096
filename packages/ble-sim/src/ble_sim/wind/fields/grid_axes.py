"""The axes of a grid of winds: the part that balloons can reach from a station, and when episodes may begin."""

import itertools
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, SupportsInt

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ble_sim.sky import geodesy
from ble_sim.wind.fields.grid import FORECAST_SECONDS, MAX_DISTANCE, MAX_PRESSURE, MIN_PRESSURE

Start = str | datetime | np.datetime64 | None
"""UTC time at which every episode begins; None draws it."""

LONGEST_STEP = 24 * 3600
"""A longer time between two times of a grid is a gap [s]."""
LARGEST_PRESSURE = 120_000.0
"""Larger numbers are in another unit than Pa."""


class WindGridError(ValueError):
    """Gridded winds that cannot be used; the message names everything that was found, and the remedies.

    Args:
        problems: one or more sentences.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        listed = " ".join(f"({number}) {problem}" for number, problem in enumerate(self.problems, 1))
        return f"{len(self.problems)} things are wrong: {listed}"


@dataclass(frozen=True, eq=False)
class AxisChoice:
    """The points of an axis that are kept.

    Attributes:
        values: the kept points, ascending, each once.
        sources: their indices on the whole axis; a point that the axis repeats has several.
        places: for each of `sources`, its index in `values`; ascending.
        ranks: of each of `sources`; of a repeated point the lowest comes first, and its values are taken.
    """

    values: np.ndarray
    sources: np.ndarray
    places: np.ndarray
    ranks: np.ndarray

    @classmethod
    def of(cls, axis: np.ndarray, kept: np.ndarray, points: np.ndarray, rank: np.ndarray) -> "AxisChoice":
        """Choose from an axis in any order.

        Args:
            axis: the axis, which may repeat points.
            kept: indices in `points`, ascending.
            points: `np.unique(axis)`.
            rank: of each point of `axis`.
        """
        order = np.lexsort((rank, axis))
        ascending = axis[order]
        among = np.isin(ascending, points[kept])
        sources = order[among]
        return cls(points[kept], sources, np.searchsorted(points[kept], ascending[among]), rank[sources])


@dataclass(frozen=True, eq=False)
class GridAxes:
    """The axes of the part of a grid that balloons can reach from a station, all ascending.

    Attributes:
        time: int64[time], seconds since 1970 UTC.
        pressure: float64[pressure], Pa.
        latitude: float64[latitude], degrees north.
        longitude: float64[longitude], degrees east of the station.
        station_latitude: degrees north.
        starts: int64[start], times at which episodes may begin, seconds since 1970 UTC.
        first: int64[start], index of the first time of an episode's forecast.
        window: number of times of a forecast.
        choices: where these points are on the whole grid's axes, in the order time, pressure, latitude, longitude.
    """

    time: np.ndarray
    pressure: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    station_latitude: float
    starts: np.ndarray
    first: np.ndarray
    window: int
    choices: tuple[AxisChoice, AxisChoice, AxisChoice, AxisChoice]

    @property
    def sources(self) -> tuple[np.ndarray, ...]:
        """Indices of the kept points on the whole grid's axes."""
        return tuple(choice.sources for choice in self.choices)


def choose_axes(
    time: ArrayLike | None,
    pressure: ArrayLike | None,
    latitude: ArrayLike | None,
    longitude: ArrayLike | None,
    *,
    station_latitude: float,
    station_longitude: float,
    start: Start,
    rank: ArrayLike = 0,
) -> tuple[GridAxes | None, list[str]]:
    """Choose the reachable part of a grid.

    Args:
        time: datetime64[time], UTC, in any order; a repeated time is allowed.
        pressure: [pressure], Pa, in any order.
        latitude: [latitude], degrees north, in any order.
        longitude: [longitude], degrees east, in any order and from any meridian.
        station_latitude, station_longitude: of the station, degrees.
        start: see `GriddedWindField.from_arrays`.
        rank: int[time], which of equal times is taken before the others: the lowest.

    Returns:
        The axes, or None if one of them is not given (None) or wrong; and what is wrong with each.
    """
    problems: list[str] = []

    def attempt(check: Any, values: ArrayLike | None, *arguments: Any) -> Any:
        if values is None:
            return None
        try:
            return check(values, *arguments)
        except WindGridError as error:
            problems.extend(error.problems)
            return None

    times = attempt(_times, time, start, rank)
    pressures = attempt(_pressures, pressure)
    latitudes = attempt(_latitudes, latitude, station_latitude)
    longitudes = attempt(_longitudes, longitude, station_longitude, station_latitude)
    if times is None or pressures is None or latitudes is None or longitudes is None:
        return None, problems
    choice, starts = times
    first = np.clip(np.searchsorted(choice.values, starts, side="right") - 1, 0, choice.values.size - 2)
    last = np.clip(np.searchsorted(choice.values, starts + FORECAST_SECONDS), 1, choice.values.size - 1)
    window = int((last - first).max()) + 1
    axes = GridAxes(
        time=choice.values,
        pressure=pressures.values,
        latitude=latitudes.values,
        longitude=longitudes.values,
        station_latitude=float(station_latitude),
        starts=starts,
        first=np.minimum(first, choice.values.size - window),
        window=window,
        choices=(choice, pressures, latitudes, longitudes),
    )
    return axes, problems


def stretches(times: np.ndarray) -> np.ndarray:
    """Number the stretches of ascending times without gaps: int[time], 0 for the first.

    A gap is a step longer than a day, or one more than 1.5 times as long as the steps beside it and as the median step.
    """
    steps = np.diff(times)
    usual = np.maximum(np.maximum(np.append(0, steps)[:-1], np.append(steps, 0)[1:]), np.median(steps))
    gaps = (steps > LONGEST_STEP) | (steps > 1.5 * usual)
    return np.append(0, np.cumsum(gaps))


def _times(time: ArrayLike, start: Start, rank: ArrayLike) -> tuple[AxisChoice, np.ndarray]:
    """The kept times and the starts, both int64, seconds since 1970 UTC.

    A stretch that lacks less than one of its steps of 48 hours, such as two whole days, has one start. It gets one
    more time, one step after its last, with the wind of that.
    """
    seconds = _seconds(time)
    points = np.unique(seconds)
    if points.size < 2:
        raise WindGridError(f"time has {_count(points)}: give 48 hours or more.")
    stretch = stretches(points)
    _, begins = np.unique(stretch, return_index=True)
    ends = np.append(begins[1:], points.size) - 1
    within = points + FORECAST_SECONDS <= points[ends][stretch]
    has_start = np.isin(np.arange(begins.size), stretch[within])
    held_until = np.where(has_start | (ends == begins), points[ends], 2 * points[ends] - points[ends - 1])
    within[begins[~has_start & (points[begins] + FORECAST_SECONDS <= held_until)]] = True
    if start is None:
        starts = points[within]
        if not starts.size:
            raise WindGridError(_uncovered(points, begins, ends))
        _warn_of_gaps(points, ends[:-1], starts.size)
    else:
        starts = np.asarray([_start(start, points, points[ends][stretch], held_until[stretch], points[within])])

    place = np.searchsorted(points, starts, side="right") - 1
    number = stretch[place]
    following = np.minimum(np.searchsorted(points, starts + FORECAST_SECONDS), ends[number])
    changes = np.zeros(points.size + 1, np.int64)
    np.add.at(changes, place, 1)
    np.add.at(changes, following + 1, -1)
    choice = AxisChoice.of(
        seconds, np.flatnonzero(np.cumsum(changes[:-1])), points, np.broadcast_to(rank, seconds.shape)
    )
    for one in np.unique(number[starts + FORECAST_SECONDS > points[ends[number]]]):
        choice = _hold(choice, int(points[ends[one]]), int(held_until[one]))
    return choice, starts


def _hold(choice: AxisChoice, moment: int, until: int) -> AxisChoice:
    """Repeat the winds of one time at a later one."""
    place = int(np.searchsorted(choice.values, moment))
    earlier, same, later = (
        np.flatnonzero(mask) for mask in (choice.places <= place, choice.places == place, choice.places > place)
    )
    order = np.concatenate([earlier, same, later])
    return AxisChoice(
        values=np.insert(choice.values, place + 1, until),
        sources=choice.sources[order],
        places=choice.places[order] + np.repeat([0, 1], [earlier.size, same.size + later.size]),
        ranks=choice.ranks[order],
    )


def _start(start: Start, points: np.ndarray, ends: np.ndarray, covered: np.ndarray, within: np.ndarray) -> int:
    """The start as int64 seconds; `ends` and `covered` are, for each time, the last one without a gap."""
    moment = _moment(start)
    if not points[0] <= moment <= points[-1]:
        raise WindGridError(
            f"start is {start}, but the grid goes from {_iso(points[0])} to {_iso(points[-1])}: choose a time within"
            " it."
        )
    place = int(np.searchsorted(points, moment, side="right")) - 1
    if moment + FORECAST_SECONDS > covered[place]:
        allowed = (
            f"choose a time from {_iso(within[0])} to {_iso(within[-1])} with 48 hours after it"
            if within.size
            else "there are no 48 hours without a gap, so add times"
        )
        raise WindGridError(
            f"start is {start}, but the times that follow it without a gap end at {_iso(ends[place])}, before the 48"
            f" hours of an episode do: {allowed}."
        )
    return moment


def _moment(start: Start) -> int:
    """Seconds since 1970 of a UTC time, or of one with an offset from UTC."""
    try:
        moment = datetime.fromisoformat(start.strip()) if isinstance(start, str) else start
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        seconds = np.datetime64(moment).astype("datetime64[s]")  # type: ignore[arg-type]
    except ValueError:
        seconds = np.datetime64("NaT")
    if np.isnat(seconds):
        raise WindGridError(f"start is {start!r}: give a UTC time such as 2012-03-01T06:00.")
    return int(seconds.astype(np.int64))


def _uncovered(points: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> str:
    longest = int(np.argmax(points[ends] - points[begins]))
    hours = (points[ends] - points[begins])[longest] / 3600
    if begins.size == 1:
        return (
            f"time goes from {_iso(points[0])} to {_iso(points[-1])}, {hours:g} hours, but an episode has 48: add"
            " times."
        )
    steps = points[begins[1:]] - points[ends[:-1]]
    return (
        f"time has gaps of up to {_duration(steps.max())}, the first from {_iso(points[ends[0]])} to"
        f" {_iso(points[begins[1]])}, and no 48 hours of an episode lie between them: the longest stretch begins at"
        f" {_iso(points[begins[longest]])} and has {hours:g} hours. Add the times that are missing. (A gap is a step of"
        " more than a day, or of more than 1.5 times the usual.)"
    )


def _warn_of_gaps(points: np.ndarray, before: np.ndarray, starts: int) -> None:
    if before.size:
        widths = points[before + 1] - points[before]
        first = before[0]
        more = f" and {before.size - 1} more, of up to {_duration(widths.max())}" if before.size > 1 else ""
        warnings.warn(
            f"The winds have a gap of {_duration(widths[0])} from {_iso(points[first])} to"
            f" {_iso(points[first + 1])}{more}. No episode flies through a gap: {starts} of {points.size} times are"
            " starts.",
            stacklevel=2,
        )


def _count(points: np.ndarray) -> str:
    return "1 point" if points.size == 1 else f"{points.size} points"


def _duration(seconds: float) -> str:
    return f"{seconds / 86400:.3g} days" if seconds >= 2 * 86400 else f"{seconds / 3600:.3g} hours"


def _iso(seconds: SupportsInt) -> str:
    return str(np.datetime64(int(seconds), "s"))


def _seconds(time: ArrayLike) -> np.ndarray:
    time = np.atleast_1d(np.asarray(time))
    if not np.issubdtype(time.dtype, np.datetime64):
        raise WindGridError(f"time is of type {time.dtype}: give datetime64 values, in UTC.")
    if np.isnat(time).any():
        raise WindGridError(f"time has gaps: {np.isnat(time).sum()} of {time.size} are no time (NaT): leave them out.")
    # Hours stored as floats decode to a little less or more than whole seconds.
    return (time.astype("datetime64[ms]").astype(np.int64) + 500) // 1000


def _points(name: str, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The axis as float64, and its points, ascending, each once."""
    axis = np.atleast_1d(np.asarray(values, np.float64))
    if axis.ndim != 1:
        raise WindGridError(f"{name} has the shape {axis.shape}: give one axis.")
    if not np.isfinite(axis).all():
        raise WindGridError(
            f"{name} has gaps: {(~np.isfinite(axis)).sum()} of {axis.size} points are NaN: leave them out."
        )
    points = np.unique(axis)
    if points.size < 2:
        raise WindGridError(f"{name} has {_count(points)}: give an axis of two points or more.")
    return axis, points


def _pressures(values: ArrayLike) -> AxisChoice:
    axis, points = _points("pressure", values)
    found = f"pressure goes from {points[0]:g} to {points[-1]:g} Pa"
    if points[0] <= 0 or points[-1] > LARGEST_PRESSURE:
        raise WindGridError(
            f"{found}, which no atmosphere has: these numbers are in another unit. Correct the units, or convert the"
            " numbers to Pa."
        )
    if points[-1] <= MIN_PRESSURE:
        raise WindGridError(
            f"{found}, above all balloons. If these are hPa, correct the units, or multiply them by 100."
        )
    if points[0] >= MAX_PRESSURE:
        raise WindGridError(f"{found}, below all balloons: add levels between 5000 and 14000 Pa (50 and 140 hPa).")
    if points[0] > MIN_PRESSURE or points[-1] < MAX_PRESSURE:
        warnings.warn(
            f"The {found}, but balloons fly from 5000 to 14000 Pa (50 to 140 hPa). Beyond the levels the wind is that"
            " of the last level.",
            stacklevel=2,
        )
    return AxisChoice.of(axis, _around(points, MIN_PRESSURE, MAX_PRESSURE), points, np.zeros(axis.size))


def _latitudes(values: ArrayLike, station: float) -> AxisChoice:
    axis, points = _points("latitude", values)
    if not -90.0 <= points[0] <= points[-1] <= 90.0:
        raise WindGridError(f"latitude goes from {points[0]:g} to {points[-1]:g}: give degrees, -90 to 90.")
    _check_inside("latitude", station, points, 0.0)
    south, north, _, _ = _reach(station)
    return AxisChoice.of(axis, _around(points, south, north), points, np.zeros(axis.size))


def _longitudes(values: ArrayLike, station: float, station_latitude: float) -> AxisChoice:
    """Degrees east of the station. The grid may begin at any meridian, and go round the Earth."""
    degrees, _ = _points("longitude", values)
    if np.abs(degrees).max() > 720.0:
        raise WindGridError(f"longitude reaches {np.abs(degrees).max():g}: give degrees.")
    east = np.round((degrees - station) % 360.0, 6) % 360.0
    around = np.unique(east)
    if around.size < 2:
        raise WindGridError("longitude has 1 point: give an axis of two points or more.")
    steps = np.diff(np.append(around, around[0] + 360.0))
    widest = int(np.argmax(steps))
    goes_round = steps[widest] < 1.5 * np.delete(steps, widest).max()
    if goes_round:
        axis = (east + 180.0) % 360.0 - 180.0
    else:
        begin = around[(widest + 1) % around.size]
        axis = (east - begin) % 360.0 + begin
        axis -= 360.0 * np.round((axis.min() + axis.max()) / 720.0)
    points = np.unique(axis)
    _check_inside("longitude", 0.0, points, station)
    _, _, west, end = _reach(station_latitude)
    return AxisChoice.of(axis, _around(points, west, end), points, np.zeros(axis.size))


def _check_inside(name: str, value: float, points: np.ndarray, origin: float) -> None:
    if not points[0] <= value <= points[-1]:
        raise WindGridError(
            f"The station's {name} {value + origin:g} is not in the grid, which goes from {points[0] + origin:g} to"
            f" {points[-1] + origin:g} degrees: choose a station within it (by station_{name}, on a command line"
            f" --wind-field.station-{name}), or a grid around the station."
        )


def _reach(station_latitude: float) -> tuple[float, float, float, float]:
    """South, north, west and east end of the reachable area, degrees; longitudes are east of the station."""
    ends = (-MAX_DISTANCE, 0.0, MAX_DISTANCE)
    rim = jnp.asarray(list(itertools.product(ends, ends)))
    latitude, longitude = jax.vmap(geodesy.position, (None, None, 0, 0))(
        jnp.asarray(float(station_latitude)), jnp.asarray(0.0), rim[:, 0], rim[:, 1]
    )
    return float(latitude.min()), float(latitude.max()), float(longitude.min()), float(longitude.max())


def _around(axis: np.ndarray, low: float, high: float) -> np.ndarray:
    """Indices of the points from `low` to `high` and of the next on either side, at least two."""
    start = np.clip(np.searchsorted(axis, low, side="right") - 1, 0, axis.size - 2)
    stop = np.clip(np.searchsorted(axis, high), start + 1, axis.size - 1)
    return np.arange(start, stop + 1)
