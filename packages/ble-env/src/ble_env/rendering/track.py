"""What is drawn of a flight: a point for its start and one after each step. Nothing here imports a drawing library."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ble_env.rendering.renderer import Renderer
from ble_sim.constants import METERS_PER_KM, SECONDS_PER_HOUR

NO_ACTION = -1
"""The action at the start of a flight."""
_PASCALS_PER_HPA = 100.0
_FIRST_CAPACITY = 64
HALF_WIDTHS = 100.0, 150.0
"""Of maps, km: these times powers of two."""
_MAP_MARGIN = 1.08


class Points(NamedTuple):
    """The moments of a flight so far: arrays [moments], one for the start and one after each step."""

    x: np.ndarray
    """km east of the station"""
    y: np.ndarray
    """km north of the station"""
    distance: np.ndarray
    """km"""
    altitude: np.ndarray
    """km"""
    lowest_altitude: np.ndarray
    """km, within reach; NaN without winds"""
    highest_altitude: np.ndarray
    """km, as `lowest_altitude`"""
    pressure: np.ndarray
    """hPa"""
    lowest_pressure: np.ndarray
    """hPa, within reach"""
    highest_pressure: np.ndarray
    """hPa, within reach"""
    battery: np.ndarray
    """%"""
    solar_power: np.ndarray
    """W; zero at night"""
    wind_u: np.ndarray
    """m/s towards the east, at the balloon"""
    wind_v: np.ndarray
    """m/s towards the north"""
    hours: np.ndarray
    """h since the start of the episode"""
    is_inside: np.ndarray
    """1 within the station-keeping radius, else 0"""
    paused_power: np.ndarray
    """1 where the power layer restricts the agent, else 0; likewise the next two"""
    paused_envelope: np.ndarray
    paused_altitude: np.ndarray
    status: np.ndarray
    """A `ble_sim.state.BalloonStatus`"""
    action: np.ndarray
    """Of the agent; `NO_ACTION` at the start"""
    effective_action: np.ndarray
    """That took effect; `NO_ACTION` at the start"""
    reward: np.ndarray
    """NaN at the start"""
    mean_reward: np.ndarray
    """Of the steps so far; NaN at the start"""
    twr: np.ndarray
    """Share of the steps so far that ended within the radius; NaN at the start"""

    @property
    def is_overruled(self) -> np.ndarray:
        """bool[moments], whether the safety layers changed the agent's action."""
        return self.action != self.effective_action


def map_half_width(flights: Sequence[Points], station_keeping_radius_km: float) -> float:
    """How far a map has to reach from the station each way, in steps, to hold the circle and the flights [km]."""
    needed = 1.2 * station_keeping_radius_km
    for points in flights:
        if len(points.x):
            needed = max(needed, _MAP_MARGIN * float(np.abs([points.x, points.y]).max()))
    return min(doubled(width, needed) for width in HALF_WIDTHS)


def doubled(width: float, needed: float) -> float:
    """`width`, doubled until it is at least `needed`."""
    while width < needed:
        width *= 2.0
    return width


class Track:
    """The points of one flight, which grow while it is in the air.

    One thread may add points while others read: a reader sees whole points only.

    Args:
        name: for legends.
        station_keeping_radius_km: of the task.
    """

    def __init__(self, name: str = "", station_keeping_radius_km: float = 50.0) -> None:
        self.name = name
        self.station_keeping_radius_km = station_keeping_radius_km
        self.start_time = 0
        """Of the episode, seconds since 1970 UTC."""
        self.heights: np.ndarray | None = None
        """Of the levels of `winds`, float[levels], km, equally spaced; None without winds."""
        self.num_flights = 0
        """How often the track has been cleared."""
        self.clear()

    @property
    def is_empty(self) -> bool:
        """Whether the flight has not begun."""
        return self._length == 0

    @property
    def num_steps(self) -> int:
        """Number of steps so far; -1 before the start."""
        return self._length - 1

    def begin(self, info: Mapping[str, Any]) -> None:
        """Forget everything, and add the start of a flight."""
        self.clear()
        self.add(info)

    def clear(self) -> None:
        """Forget everything."""
        self.num_flights += 1
        self._length = 0
        self._values = np.empty((_FIRST_CAPACITY, len(Points._fields)))
        self._winds: np.ndarray | None = None
        self._sums = 0, 0.0, 0  # Steps inside, rewards, steps.

    def add(self, info: Mapping[str, Any]) -> None:
        """Add a moment.

        Args:
            info: of an environment, with `action` and `reward` as `ble_env.Renderer.step` has them, and `winds` if they
                are to be drawn.
        """
        number = self._length
        if number == 0:
            self.start_time = int(info["date_time"] - info["time_elapsed"])
        if number == len(self._values):
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
            if self._winds is not None:
                self._winds = np.concatenate([self._winds, np.full_like(self._winds, np.nan)])
        action, reward = info.get("action"), info.get("reward")
        lowest, highest = self._add_winds(info)
        inside, total, steps = self._sums
        if reward is not None:
            inside, total, steps = self._sums = inside + bool(info["inside_radius"]), total + reward, steps + 1
        moment: dict[str, float] = dict(
            x=info["x"] / METERS_PER_KM,
            y=info["y"] / METERS_PER_KM,
            distance=info["distance"] / METERS_PER_KM,
            altitude=info["altitude"] / METERS_PER_KM,
            lowest_altitude=lowest,
            highest_altitude=highest,
            pressure=info["pressure"] / _PASCALS_PER_HPA,
            lowest_pressure=info["lowest_pressure"] / _PASCALS_PER_HPA,
            highest_pressure=info["highest_pressure"] / _PASCALS_PER_HPA,
            battery=100.0 * info["battery"],
            solar_power=info["solar_power"],
            wind_u=info["wind_u"],
            wind_v=info["wind_v"],
            hours=info["time_elapsed"] / SECONDS_PER_HOUR,
            is_inside=info["inside_radius"],
            paused_power=info["paused_power"],
            paused_envelope=info["paused_envelope"],
            paused_altitude=info["paused_altitude"],
            status=info["status"],
            action=NO_ACTION if action is None else action,
            effective_action=NO_ACTION if action is None else info["effective_action"],
            reward=np.nan if reward is None else reward,
            mean_reward=total / steps if steps else np.nan,
            twr=inside / steps if steps else np.nan,
        )
        self._values[number] = [moment[name] for name in Points._fields]
        self._length = number + 1  # Last, for readers in other threads.

    def points(self, upto: int | None = None) -> Points:
        """The moments so far.

        Args:
            upto: number of steps from the start that they end with; None for all.
        """
        return Points(*self._values[: self._number(upto)].T)

    def winds(self, upto: int | None = None) -> np.ndarray | None:
        """The winds of all levels at the balloon's places: float32[moments, levels, 2], (u, v) in m/s; None if unknown.

        Args:
            upto: see `points`.
        """
        return None if self._winds is None else self._winds[: self._number(upto)]

    def _number(self, upto: int | None) -> int:
        return self._length if upto is None else min(upto + 1, self._length)

    def _add_winds(self, info: Mapping[str, Any]) -> tuple[float, float]:
        """Keep the winds; returns the altitudes within reach (km)."""
        column = info.get("winds")
        if column is None:
            return np.nan, np.nan
        if self._winds is None:
            self.heights = np.asarray(column.height, float) / METERS_PER_KM
            self._winds = np.full((len(self._values), len(self.heights), 2), np.nan, np.float32)
        self._winds[self._length] = column.wind
        # The column is also the table of heights and pressures: a lookup that is good to a metre.
        order = np.argsort(column.pressure)
        logarithms, heights = np.log(np.asarray(column.pressure)[order]), np.asarray(column.height)[order]
        reach = np.log([info["highest_pressure"], info["lowest_pressure"]])
        lowest, highest = np.interp(reach, logarithms, heights) / METERS_PER_KM
        return float(lowest), float(highest)


class TrackRenderer(Renderer):
    """A renderer that keeps the flight as a `Track`. Subclasses draw it.

    Args:
        station_keeping_radius_km: of the circle around the station.
        name: of the flight.
    """

    def __init__(self, station_keeping_radius_km: float, name: str = "") -> None:
        self.track = Track(name, station_keeping_radius_km)

    def reset(self) -> None:
        self.track.clear()

    def step(self, info: Mapping[str, Any]) -> None:
        self.track.add(info)

    def check_render(self, mode: str) -> None:
        """Check that `render` can draw.

        Raises:
            ValueError: `mode` is none of `render_modes`.
            RuntimeError: there is no flight yet.
        """
        if mode not in self.render_modes:
            raise ValueError(f"render mode must be one of {', '.join(self.render_modes)}, got {mode!r}")
        if self.track.is_empty:
            raise RuntimeError("there is no flight to draw before the first step: call reset of the environment first")


class FlightRecorder(TrackRenderer):
    """Draws nothing: `track` is for pictures of several flights, which are drawn elsewhere.

    Args:
        station_keeping_radius_km: of the task.
        name: of the flight.
        shows_winds: whether the track has the winds of all levels.
    """

    def __init__(self, station_keeping_radius_km: float, name: str = "", *, shows_winds: bool = True) -> None:
        super().__init__(station_keeping_radius_km, name)
        self.shows_winds = shows_winds

    @property
    def render_modes(self) -> tuple[str, ...]:
        return ("ansi",)

    def render(self, mode: str) -> str:
        """The number of steps so far."""
        self.check_render(mode)
        return f"{self.track.num_steps} steps"
