"""Winds on a grid of latitude, longitude, pressure and time, such as a reanalysis.

Between the points of the grid the wind is linear in latitude, longitude, pressure and time. Positions are clamped to
the grid's edges, and to 500 km east, west, north and south of the station as in the benchmark; times are clamped to
48 hours. A grid need not be even. u and v point to the east and the north of each place.

The forecast of an episode has 48 hours of the grid. It begins at a given time, or at one of the grid's times drawn from
the episode's key, and never reaches over a gap in time. The sun is that of the episode's sampled date and place, which
reset options change, and not that of the grid.
"""

import copy
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ble_sim.precision import reference_draws
from ble_sim.sky import geodesy
from ble_sim.wind.field import WindField
from ble_sim.wind.fields.grid import FORECAST_SECONDS, MAX_DISTANCE
from ble_sim.wind.fields.grid_axes import GridAxes, Start, WindGridError, choose_axes
from ble_sim.wind.forecast_options import ForecastOptions

MAX_SPEED = 300.0
"""Largest plausible wind [m/s]: larger numbers are in another unit, or mark gaps."""
EQUAL_SPEEDS = 0.01
"""Winds that differ by no more are the same [m/s]; packing into 16 bits changes them by less."""
MAX_VALUES = 2**31
"""Numbers in the largest field: 8 GiB of float32."""


class GridForecast(NamedTuple):
    """The winds of one episode."""

    wind: jax.Array
    """float32[time, latitude, longitude, pressure, (u, v)], m/s"""
    times: jax.Array
    """int32[time], seconds since the start of the episode"""


class GriddedWindField(WindField):
    """Forecasts looked up in given winds. Two fields of the same winds and axes are equal.

    A forecast has the winds of 48 hours around the station: for hourly ERA5 of 0.25 degrees, 3 MB for each balloon.

    Args:
        axes: the axes.
        wind: float32[time, latitude, longitude, pressure, (u, v)], m/s.

    Attributes:
        options: how good the forecasts are; see `with_forecasts`.
    """

    def __init__(self, axes: GridAxes, wind: np.ndarray) -> None:
        self.options = ForecastOptions()
        self.axes = axes
        self._values = np.ascontiguousarray(wind, np.float32)
        self._values.setflags(write=False)
        sha = hashlib.sha256(repr((wind.shape, axes.station_latitude, axes.window)).encode())
        for array in (axes.time, axes.pressure, axes.latitude, axes.longitude, axes.starts, axes.first, self._values):
            sha.update(np.ascontiguousarray(array).tobytes())
        self._digest = sha.hexdigest()

    @classmethod
    def from_arrays(
        cls,
        u: ArrayLike,
        v: ArrayLike,
        *,
        time: ArrayLike,
        pressure: ArrayLike,
        latitude: ArrayLike,
        longitude: ArrayLike,
        station_latitude: float = 0.0,
        station_longitude: float = 0.0,
        start: Start = None,
    ) -> "GriddedWindField":
        """A field of winds in memory. Axes have two points or more, in any order, evenly or not.

        A point that is on an axis twice must have the same wind twice, or be missing (NaN) once.

        Args:
            u, v: [time, pressure, latitude, longitude], wind towards the east and the north, m/s.
            time: datetime64[time], UTC.
            pressure: [pressure], Pa.
            latitude: [latitude], degrees north.
            longitude: [longitude], degrees east.
            station_latitude, station_longitude: of the station, within the grid, degrees.
            start: UTC time at which every episode begins. None draws one of `time` for each episode, from its key,
                among those that have 48 hours without a gap after them. A gap is a step longer than a day, or more
                than 1.5 times as long as the steps beside it and as the median step. Where less than one step is
                missing to 48 hours, as in two whole days, the last wind is kept.

        Raises:
            WindGridError: the arrays make no wind field.
        """
        axes, problems = choose_axes(
            time,
            pressure,
            latitude,
            longitude,
            station_latitude=station_latitude,
            station_longitude=station_longitude,
            start=start,
        )
        shape = tuple(np.size(axis) for axis in (time, pressure, latitude, longitude))
        for name, component in (("u", u), ("v", v)):
            if np.shape(component) != shape:
                problems.append(
                    f"{name} has the shape {np.shape(component)}, but time, pressure, latitude and longitude have"
                    f" {shape} points: transpose it to this order."
                )
        if axes is None or problems:
            raise WindGridError(*problems)
        check_size(axes)
        region = np.ix_(*axes.sources)
        return gridded_wind_field(axes, {"u": np.asarray(u)[region], "v": np.asarray(v)[region]})

    def with_forecasts(self, options: ForecastOptions) -> "GriddedWindField":
        """The same winds, with forecasts that are better or worse."""
        other = copy.copy(self)
        other.options = options
        return other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GriddedWindField) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @property
    def _content(self) -> tuple[str, ForecastOptions]:
        return self._digest, self.options

    def digest(self) -> str:
        return self._digest

    def parameters(self) -> dict[str, jax.Array]:
        # Only differences within 48 hours are used, and those are right however int32 wraps. Gaps are cut short, since
        # the times of a window may lie beyond one.
        axes = self.axes
        times = np.append(0, np.cumsum(np.minimum(np.diff(axes.time), FORECAST_SECONDS)))
        before = np.searchsorted(axes.time, axes.starts, side="right") - 1
        return {
            "wind": jnp.asarray(self._values),
            "times": jnp.asarray(times.astype(np.int32)),
            "starts": jnp.asarray((times[before] + axes.starts - axes.time[before]).astype(np.int32)),
            "first": jnp.asarray(axes.first.astype(np.int32)),
        }

    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> GridForecast:
        with reference_draws():
            choice = jax.random.randint(key, (), 0, parameters["starts"].shape[0])
        first, window = parameters["first"][choice], self.axes.window
        return GridForecast(
            wind=jax.lax.dynamic_slice_in_dim(parameters["wind"], first, window),
            times=jax.lax.dynamic_slice_in_dim(parameters["times"], first, window) - parameters["starts"][choice],
        )

    def wind(self, forecast, x, y, pressure, elapsed):
        return self._interpolate(forecast.wind, forecast.times, x, y, pressure, elapsed, ())

    def wind_in_stack(self, forecasts, place, x, y, pressure, elapsed):
        return self._interpolate(forecasts.wind, forecasts.times[place], x, y, pressure, elapsed, (place,))

    def _interpolate(self, values, times, x, y, pressure, elapsed, place):
        """`ble_sim.wind.fields.grid.interpolate` for uneven axes."""
        dtype = jnp.result_type(x)
        x, y = (jnp.clip(distance, -MAX_DISTANCE, MAX_DISTANCE) for distance in (x, y))
        latitude, longitude = geodesy.position(
            jnp.asarray(self.axes.station_latitude, dtype), jnp.zeros((), dtype), x, y
        )
        i, time_weight = _cell(times, jnp.minimum(elapsed, FORECAST_SECONDS), dtype)
        j, latitude_weight = _cell(jnp.asarray(self.axes.latitude, dtype), latitude, dtype)
        k, longitude_weight = _cell(jnp.asarray(self.axes.longitude, dtype), longitude, dtype)

        zero = jnp.zeros_like(i)
        levels = self.axes.pressure.size
        cells = jax.lax.dynamic_slice(values, (*place, i, j, k, zero, zero), (1,) * len(place) + (2, 2, 2, levels, 2))
        corners = cells.reshape(2, 2, 2, levels, 2).astype(dtype)
        along_time = corners[0] + time_weight * (corners[1] - corners[0])
        along_latitude = along_time[0] + latitude_weight * (along_time[1] - along_time[0])
        profile = along_latitude[0] + longitude_weight * (along_latitude[1] - along_latitude[0])  # [pressure, (u, v)]

        level, weight = _cell(jnp.asarray(self.axes.pressure, dtype), pressure, dtype)
        wind = profile[level] + weight[..., None] * (profile[level + 1] - profile[level])
        return wind[..., 0], wind[..., 1]


def gridded_wind_field(axes: GridAxes, components: Mapping[str, np.ndarray], hint: str = "") -> GriddedWindField:
    """A field of winds as they were read at `axes.sources`.

    Args:
        axes: the axes.
        components: u and v by the names that messages give them, [time, pressure, latitude, longitude], m/s.
        hint: what to do about two winds at one time.

    Raises:
        WindGridError: the winds have gaps, or two values at one point, or are not in m/s.
    """
    joined, problems = _checked(axes, components, hint)
    if problems:
        raise WindGridError(*problems)
    return GriddedWindField(axes, np.moveaxis(np.stack(joined, axis=-1), 1, 3))


def component_problems(axes: GridAxes, components: Mapping[str, np.ndarray], hint: str = "") -> list[str]:
    """What `gridded_wind_field` would refuse."""
    return _checked(axes, components, hint)[1]


def _checked(axes: GridAxes, components: Mapping[str, np.ndarray], hint: str) -> tuple[list[np.ndarray], list[str]]:
    """The components with one value for each point, and what is wrong with them."""
    problems: list[str] = []
    joined = [_join_repeats(axes, name, component, problems, hint) for name, component in components.items()]
    for name, component in zip(components, joined, strict=True):
        problems += _gaps(axes, name, component)
        fastest = float(np.max(np.abs(component), initial=0.0, where=np.isfinite(component)))
        if fastest > MAX_SPEED:
            problems.append(
                f"{name} reaches {fastest:g} m/s, which no wind does: these numbers are in another unit, or mark gaps."
                " Correct the units, or convert the numbers to m/s, or mark gaps by NaN or the attribute _FillValue."
            )
    return joined, problems


def check_size(axes: GridAxes) -> None:
    """Refuse to read more than `MAX_VALUES`.

    Raises:
        WindGridError: the part around the station is too large.
    """
    size = 2 * axes.time.size * axes.pressure.size * axes.latitude.size * axes.longitude.size
    if size > MAX_VALUES:
        raise WindGridError(
            f"The winds around the station are {size * 4 / 2**30:.1f} GiB, more than {MAX_VALUES * 4 // 2**30}: select"
            f" fewer of the {axes.time.size} times, for instance one year, or give a start."
        )


def _join_repeats(axes: GridAxes, name: str, component: np.ndarray, problems: list[str], hint: str) -> np.ndarray:
    """Make one point of those that an axis repeats: the first value that is not missing.

    Args:
        axes: the axes.
        name: of the component, for messages.
        component: [time, pressure, latitude, longitude] at `axes.sources`.
        problems: receives what is wrong: two values, of the same rank, at one point.
        hint: what to do about two winds at one time.

    Returns:
        float32[time, pressure, latitude, longitude] at the points of `axes`.
    """
    component = np.asarray(component).astype(np.float32)
    for axis, (choice, quantity) in enumerate(
        zip(axes.choices, ("time", "pressure", "latitude", "longitude"), strict=True)
    ):
        if choice.places.size == choice.values.size:
            continue
        turned = np.moveaxis(component, axis, 0)
        begins = np.searchsorted(choice.places, np.arange(choice.values.size))
        result = turned[begins].copy()
        twice, worst = [], 0.0
        for source in np.setdiff1d(np.arange(choice.places.size), begins):
            place = choice.places[source]
            known, other = result[place], turned[source]
            both = np.isfinite(known) & np.isfinite(other)
            difference = float(np.abs(known - other).max(initial=0.0, where=both))
            if difference > EQUAL_SPEEDS and choice.ranks[source] == choice.ranks[begins[place]]:
                twice.append(place)
                worst = max(worst, difference)
            result[place] = np.where(np.isfinite(known), known, other)
        if twice:
            point = choice.values[twice[0]]
            where = np.datetime64(int(point), "s") if quantity == "time" else f"{point:g}"
            problems.append(
                f"{name} has two values at {len(set(twice))} of {choice.values.size} points along {quantity}, first at"
                f" {quantity} {where}; they differ by up to {worst:.3g} m/s."
                + (hint if quantity == "time" and hint else " Select one of the two.")
            )
        component = np.moveaxis(result, 0, axis)
    return component


def _gaps(axes: GridAxes, name: str, component: np.ndarray) -> list[str]:
    """A sentence about the missing values of a component, [time, pressure, latitude, longitude], if there are any."""
    missing = ~np.isfinite(component)
    if not missing.any():
        return []
    i, level, j, k = np.argwhere(missing)[0]
    times, levels = missing.any(axis=(1, 2, 3)), missing.any(axis=(0, 2, 3))
    return [
        f"{name} has gaps: {missing.sum()} of {missing.size} values around the station are missing (NaN), at"
        f" {times.sum()} of {times.size} times and on {levels.sum()} of {levels.size} levels, the first at"
        f" {np.datetime64(int(axes.time[i]), 's')}, {axes.pressure[level]:g} Pa, latitude {axes.latitude[j]:g},"
        f" {axes.longitude[k]:g} degrees east of the station. Fill them, or leave these times or levels out."
    ]


def _cell(knots: jax.Array, value: jax.Array, dtype: Any) -> tuple[jax.Array, jax.Array]:
    """The cell between ascending knots that contains `value`: its index, and the fraction of it below."""
    below = jnp.sum(knots <= value[..., None], axis=-1, dtype=jnp.int32) - 1
    index = jnp.clip(below, 0, knots.shape[0] - 2)
    width = (knots[index + 1] - knots[index]).astype(dtype)
    return index, jnp.clip((value - knots[index]).astype(dtype) / width, 0.0, 1.0)
