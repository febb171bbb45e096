"""Winds on a grid of latitude, longitude, pressure and time, such as a reanalysis.

Between the points of the grid the wind is linear in latitude, longitude, pressure and time. Positions are clamped to
the grid's edges, and to 500 km east, west, north and south of the station as in the benchmark; times are clamped to the
last one. A grid need not be even. u and v point to the east and the north of each place.

The forecast of an episode has 48 hours of the grid. It begins at a given time, or at one of the grid's times drawn from
the episode's key. The sun is that of the episode's sampled date and place, which reset options change, and not that of
the grid.
"""

import hashlib
import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ble_sim.precision import reference_draws
from ble_sim.sky import geodesy
from ble_sim.wind.field import WindField
from ble_sim.wind.fields.grid import FORECAST_SECONDS, MAX_DISTANCE, MAX_PRESSURE, MIN_PRESSURE

MAX_SPEED = 300.0
"""Largest plausible wind [m/s]: larger numbers are in another unit."""


class WindGridError(ValueError):
    """Gridded winds that cannot be used; the message names the cause and the remedy."""


class GridForecast(NamedTuple):
    """The winds of one episode."""

    wind: jax.Array
    """float32[time, latitude, longitude, pressure, (u, v)], m/s"""
    times: jax.Array
    """int32[time], seconds since the start of the episode"""


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
        selection: indices of these points on the whole grid's axes, in the order time, pressure, latitude, longitude.
    """

    time: np.ndarray
    pressure: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    station_latitude: float
    starts: np.ndarray
    first: np.ndarray
    window: int
    selection: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def around(
        cls,
        time: ArrayLike,
        pressure: ArrayLike,
        latitude: ArrayLike,
        longitude: ArrayLike,
        *,
        station_latitude: float,
        station_longitude: float,
        start: str | datetime | np.datetime64 | None,
    ) -> "GridAxes":
        """Choose from the axes of a grid; see `GriddedWindField.from_arrays` for the arguments.

        Raises:
            WindGridError: the axes are unordered, too short, or not around the station and the balloon's pressures.
        """
        times, time_index = _ascending("time", _seconds(time))
        times = times.astype(np.int64)
        pressures, pressure_index = _ascending("pressure", pressure)
        latitudes, latitude_index = _ascending("latitude", latitude)
        longitudes, longitude_index = _ascending_longitudes(longitude, station_longitude)
        _check_pressures(pressures)
        if not -90.0 <= latitudes[0] <= latitudes[-1] <= 90.0:
            raise WindGridError(f"latitude goes from {latitudes[0]:g} to {latitudes[-1]:g}: give degrees, -90 to 90.")
        _check_inside("latitude", station_latitude, latitudes, "")
        _check_inside("longitude", 0.0, longitudes, " east of the station")

        south, north, west, east = _reach(station_latitude)
        kept_pressures = _around(pressures, MIN_PRESSURE, MAX_PRESSURE)
        kept_latitudes = _around(latitudes, south, north)
        kept_longitudes = _around(longitudes, west, east)
        starts = _starts(times, start)
        kept_times = _around(times, starts[0], starts[-1] + FORECAST_SECONDS)
        times = times[kept_times]
        first = np.clip(np.searchsorted(times, starts, side="right") - 1, 0, len(times) - 2)
        last = np.clip(np.searchsorted(times, starts + FORECAST_SECONDS), 1, len(times) - 1)
        window = int((last - first).max()) + 1
        return cls(
            time=times,
            pressure=pressures[kept_pressures],
            latitude=latitudes[kept_latitudes],
            longitude=longitudes[kept_longitudes],
            station_latitude=float(station_latitude),
            starts=starts,
            first=np.minimum(first, len(times) - window),
            window=window,
            selection=(
                time_index[kept_times],
                pressure_index[kept_pressures],
                latitude_index[kept_latitudes],
                longitude_index[kept_longitudes],
            ),
        )


class GriddedWindField(WindField):
    """Forecasts looked up in given winds. Two fields of the same winds and axes are equal.

    A forecast has the winds of 48 hours around the station: for hourly ERA5 of 0.25 degrees, 3 MB for each balloon.

    Args:
        axes: the axes.
        wind: float32[time, latitude, longitude, pressure, (u, v)], m/s.

    Raises:
        WindGridError: the wind has gaps, or is not in m/s.
    """

    def __init__(self, axes: GridAxes, wind: np.ndarray) -> None:
        _check_wind(axes, wind)
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
        start: str | datetime | np.datetime64 | None = None,
    ) -> "GriddedWindField":
        """A field of winds in memory. Axes ascend or descend, with two points or more, evenly or not.

        Args:
            u, v: [time, pressure, latitude, longitude], wind towards the east and the north, m/s.
            time: datetime64[time], UTC.
            pressure: [pressure], Pa.
            latitude: [latitude], degrees north.
            longitude: [longitude], degrees east.
            station_latitude, station_longitude: of the station, within the grid, degrees.
            start: UTC time at which every episode begins. None draws one of `time` for each episode, from its key,
                among those that leave 48 hours, or takes the first if none does.

        Raises:
            WindGridError: the arrays make no wind field.
        """
        axes = GridAxes.around(
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
                raise WindGridError(
                    f"{name} has the shape {np.shape(component)}, but time, pressure, latitude and longitude have"
                    f" {shape} points: transpose it to this order."
                )
        return cls(axes, stack_wind(*(np.asarray(component)[np.ix_(*axes.selection)] for component in (u, v))))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GriddedWindField) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def parameters(self) -> dict[str, jax.Array]:
        begin = self.axes.time[0]
        return {
            "wind": jnp.asarray(self._values),
            "times": jnp.asarray(self.axes.time - begin, jnp.int32),
            "starts": jnp.asarray(self.axes.starts - begin, jnp.int32),
            "first": jnp.asarray(self.axes.first, jnp.int32),
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
        i, time_weight = _cell(times, elapsed, dtype)
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


def stack_wind(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """[time, pressure, latitude, longitude] twice to float32[time, latitude, longitude, pressure, (u, v)]."""
    return np.moveaxis(np.stack([u, v], axis=-1).astype(np.float32), 1, 3)


def _cell(knots: jax.Array, value: jax.Array, dtype: Any) -> tuple[jax.Array, jax.Array]:
    """The cell between ascending knots that contains `value`: its index, and the fraction of it below."""
    below = jnp.sum(knots <= value[..., None], axis=-1, dtype=jnp.int32) - 1
    index = jnp.clip(below, 0, knots.shape[0] - 2)
    width = (knots[index + 1] - knots[index]).astype(dtype)
    return index, jnp.clip((value - knots[index]).astype(dtype) / width, 0.0, 1.0)


def _seconds(time: ArrayLike) -> np.ndarray:
    time = np.asarray(time)
    if not np.issubdtype(time.dtype, np.datetime64):
        raise WindGridError(f"time is of type {time.dtype}: give datetime64 values, in UTC.")
    if np.isnat(time).any():
        raise WindGridError("time has gaps (NaT): leave those times out.")
    return time.astype("datetime64[s]").astype(np.int64)


def _ascending(name: str, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """An axis in ascending order, float64, and the original indices of its points."""
    axis = np.asarray(values, np.float64)
    if axis.ndim != 1 or axis.size < 2:
        raise WindGridError(f"{name} has the shape {axis.shape}: give an axis of two points or more.")
    if not np.isfinite(axis).all():
        raise WindGridError(f"{name} has gaps (NaN): leave those points out.")
    steps = np.diff(axis)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise WindGridError(f"{name} is out of order or repeats a value: sort the grid by {name} and drop duplicates.")
    order = np.argsort(axis)
    return axis[order], order


def _ascending_longitudes(values: ArrayLike, station: float) -> tuple[np.ndarray, np.ndarray]:
    """Degrees east of the station in ascending order, and their original indices. The grid may cross any meridian."""
    longitude = np.asarray(values, np.float64)
    if longitude.size and np.nanmax(np.abs(longitude)) > 360.0:
        raise WindGridError(f"longitude reaches {np.nanmax(np.abs(longitude)):g}: give degrees.")
    axis, order = _ascending("longitude", np.unwrap(longitude, period=360.0) if longitude.ndim else longitude)
    axis = axis - station
    goes_round = axis[-1] - axis[0] + 1.5 * np.diff(axis).max() > 360.0
    if not goes_round:
        return axis - 360.0 * np.round((axis[0] + axis[-1]) / 720.0), order
    axis, place = np.unique((axis + 180.0) % 360.0 - 180.0, return_index=True)
    return axis, order[place]


def _check_pressures(pressures: np.ndarray) -> None:
    found = f"pressure goes from {pressures[0]:g} to {pressures[-1]:g} Pa"
    if pressures[-1] <= MIN_PRESSURE:
        raise WindGridError(f"{found}, above all balloons. If these are hPa, multiply them by 100.")
    if pressures[0] >= MAX_PRESSURE:
        raise WindGridError(f"{found}, below all balloons: add levels between 5000 and 14000 Pa (50 and 140 hPa).")


def _check_inside(name: str, value: float, axis: np.ndarray, suffix: str) -> None:
    if not axis[0] <= value <= axis[-1]:
        raise WindGridError(
            f"The station's {name} is not in the grid, which goes from {axis[0]:g} to {axis[-1]:g} degrees{suffix}:"
            f" choose a station within it, or a grid around the station."
        )


def _check_wind(axes: GridAxes, wind: np.ndarray) -> None:
    gaps = ~np.isfinite(wind)
    if gaps.any():
        i, j, k, level, component = np.argwhere(gaps)[0]
        moment = np.datetime64(int(axes.time[i]), "s")
        raise WindGridError(
            f"{'uv'[component]} has gaps: {gaps.sum()} of {wind.size} values around the station are missing (NaN), the"
            f" first at {moment}, {axes.pressure[level]:g} Pa, latitude {axes.latitude[j]:g}, {axes.longitude[k]:g}"
            " degrees east of the station. Fill them, or choose levels and times without gaps."
        )
    if np.abs(wind).max() > MAX_SPEED:
        raise WindGridError(f"The wind reaches {np.abs(wind).max():g} m/s: give u and v in m/s.")


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


def _starts(times: np.ndarray, start: str | datetime | np.datetime64 | None) -> np.ndarray:
    if start is None:
        leaving_two_days = times[times + FORECAST_SECONDS <= times[-1]]
        return leaving_two_days if leaving_two_days.size else times[:1]
    try:
        moment = int(np.datetime64(start).astype("datetime64[s]").astype(np.int64))
    except ValueError:
        raise WindGridError(f"start is {start!r}: give a UTC time such as 2012-03-01T06:00.") from None
    if not times[0] <= moment <= times[-1]:
        first, last = (np.datetime64(int(time), "s") for time in (times[0], times[-1]))
        raise WindGridError(f"start is {start}, but the grid goes from {first} to {last}: choose a time within it.")
    return np.asarray([moment])
