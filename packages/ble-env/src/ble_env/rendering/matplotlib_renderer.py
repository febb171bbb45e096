"""Flights drawn with matplotlib: `pip install "ble-env[render]"`."""

import datetime
import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ble_env.options import MatplotlibOptions
from ble_env.rendering.renderer import Renderer
from ble_sim.constants import SECONDS_PER_DAY

try:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from mpl_toolkits.mplot3d.art3d import Line3D
    from mpl_toolkits.mplot3d.axes3d import Axes3D
except ImportError as error:
    raise ImportError('Drawing flights needs matplotlib: pip install "ble-env[render]"') from error

_SIZE = 15, 10  # inches
_HALF_WIDTH = 150.0  # km
_FLOOR, _CEILING = 15.0, 20.0  # km
_DURATION = 2.0  # days

_PATH = {"color": "tab:blue", "linewidth": 1.5}
_BALLOON = {"color": "tab:red", "marker": "o", "markersize": 8, "linestyle": "none"}
_STEM = {"color": "tab:red", "linewidth": 1.2}
_STATION = {"color": "black", "marker": "x", "markersize": 8, "markeredgewidth": 2, "linestyle": "none"}
_RADIUS = {"color": "black", "linewidth": 1.2, "linestyle": "--"}

_window_numbers = itertools.count(1)


class MatplotlibRenderer(Renderer):
    """Draws the path in three dimensions, and above it a plan view and the battery's charge over the time in UTC.

    The views reach 150 km from the station each way and from 15 to 20 km up; the battery's axis is two days long.
    For a larger radius, or a flight that goes farther or lasts longer, they are two, four, ... times as wide. An
    altitude beyond the box is drawn outside it.

    "rgb_array" needs no display, and does not use pyplot. "human" shows the flight in a window of pyplot, one for each
    renderer, and does not block. A window that the user closes is not opened again before the next flight. Without a
    display pyplot shows nothing.

    Args:
        station_keeping_radius_km: of the circle around the station.
        options: dots per inch of a picture of 15 x 10 inches, so 720 x 480 pixels by default: 1 MB a picture, and
            0.9 GB for all of an episode, as `gymnasium.wrappers.RecordVideo` keeps them in memory.
    """

    def __init__(self, station_keeping_radius_km: float, options: MatplotlibOptions = MatplotlibOptions()) -> None:
        self._radius = station_keeping_radius_km
        self._dpi = options.dpi
        self._canvas: _OffScreen | None = None
        self._window: _Window | None = None
        self._path: list[_Point] = []

    def __getstate__(self) -> dict[str, Any]:
        # Canvases and windows can be neither copied nor pickled: a copy draws on its own.
        return vars(self) | {"_canvas": None, "_window": None}

    @property
    def render_modes(self) -> tuple[str, ...]:
        return "human", "rgb_array"

    def reset(self) -> None:
        self._path = []
        if self._window is not None and not self._window.is_open:
            self._window = None

    def step(self, info: Mapping[str, Any]) -> None:
        self._path.append(_Point.of(info))

    def render(self, mode: str) -> np.ndarray | None:
        if mode not in self.render_modes:
            raise ValueError(f"render mode must be one of {', '.join(self.render_modes)}, got {mode!r}")
        if not self._path:
            raise RuntimeError("there is no flight to draw before the first step: call reset of the environment first")
        if mode == "rgb_array":
            if self._canvas is None:
                self._canvas = _OffScreen(self._radius, self._dpi)
            return self._canvas.draw(self._path)
        if self._window is None:
            self._window = _Window(self._radius, self._dpi)
        self._window.draw(self._path)

    def close(self) -> None:
        """Close this renderer's window. A later `render` opens another."""
        if self._window is not None:
            self._window.close()
        self._canvas = self._window = None


class _Point(NamedTuple):
    """The flight at one moment."""

    x: float
    """km east of the station"""
    y: float
    """km north of the station"""
    altitude: float
    """km"""
    battery: float
    """%"""
    elapsed: float
    """days since the start of the episode"""
    start: float
    """of the episode, days since 1970 UTC"""
    is_inside: bool
    """whether the balloon keeps the station"""

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> "_Point":
        return cls(
            x=info["x"] / 1000.0,
            y=info["y"] / 1000.0,
            altitude=info["altitude"] / 1000.0,
            battery=100.0 * info["battery"],
            elapsed=info["time_elapsed"] / SECONDS_PER_DAY,
            start=float(date2num(np.datetime64(int(info["date_time"] - info["time_elapsed"]), "s"))),
            is_inside=info["inside_radius"],
        )


class _Picture:
    """The artists of a figure: fixed ones, and those that move with the flight."""

    def __init__(self, figure: Figure, radius: float) -> None:
        self._radius = radius
        self._extent: tuple[float, ...] = ()
        self._box = box = Axes3D(figure, (0.0, -0.066, 1.0, 0.904), elev=25, azim=-68)
        figure.add_axes(box)
        self._plan = plan = figure.add_axes((0.06, 0.625, 0.20, 0.30))
        self._battery = battery = figure.add_axes((0.68, 0.725, 0.28, 0.20))

        angle = np.linspace(0.0, 2.0 * np.pi, 181)
        east, north = radius * np.cos(angle), radius * np.sin(angle)
        box.add_line(Line3D(east, north, np.full_like(angle, _FLOOR), **_RADIUS))
        box.add_line(Line3D([0.0], [0.0], [_FLOOR], **_STATION))
        plan.add_line(Line2D(east, north, **_RADIUS))
        plan.add_line(Line2D([0.0], [0.0], **_STATION))
        box.set(xlabel="east [km]", ylabel="north [km]", zlabel="altitude [km]", zlim=(_FLOOR, _CEILING))
        box.set_box_aspect((1.0, 1.0, 0.55))
        plan.set(xlabel="east [km]", ylabel="north [km]", aspect="equal")
        battery.set(xlabel="UTC", ylabel="battery [%]", ylim=(0.0, 100.0))
        locator = AutoDateLocator(tz=datetime.UTC, minticks=3, maxticks=7)
        battery.xaxis.set_major_locator(locator)
        battery.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=datetime.UTC))
        plan.grid(alpha=0.3)
        battery.grid(alpha=0.3)

        self._box_lines = [Line3D([], [], [], **style) for style in (_STEM, _PATH, _BALLOON)]
        # Above the frame and not clipped by it, so that a full battery is seen.
        self._plan_lines, self._battery_lines = (
            [Line2D([], [], zorder=3, clip_on=False, **style) for style in (_PATH, _BALLOON)] for _ in range(2)
        )
        for axes, lines in (box, self._box_lines), (plan, self._plan_lines), (battery, self._battery_lines):
            for line in lines:
                axes.add_line(line)
        # Of one width, so that nothing shifts as the digits change.
        self._text = figure.text(0.5, 0.965, "", ha="center", va="center", fontsize=14, family="monospace")
        self.moving = [*self._box_lines, *self._plan_lines, *self._battery_lines, self._text]

    def update(self, path: list[_Point]) -> bool:
        """Move the artists to the end of a path of at least one point; returns whether the axes changed."""
        now = path[-1]
        x, y, altitude, battery, elapsed, _, is_inside = np.array(path).T
        stem, trace, balloon = self._box_lines
        stem.set_data_3d([now.x, now.x], [now.y, now.y], [_FLOOR, now.altitude])
        trace.set_data_3d(x, y, altitude)
        balloon.set_data_3d([now.x], [now.y], [now.altitude])
        for (trace, balloon), across, up in (
            (self._plan_lines, x, y),
            (self._battery_lines, now.start + elapsed, battery),
        ):
            trace.set_data(across, up)
            balloon.set_data(across[-1:], up[-1:])
        steps_inside = is_inside[1:]  # TWR counts what followed the steps.
        twr = f"{steps_inside.mean():6.1%}" if len(steps_inside) else "     -"
        self._text.set_text(
            f"time {24.0 * now.elapsed:5.1f} h   distance {math.hypot(now.x, now.y):5.1f} km"
            f"   altitude {now.altitude:4.1f} km   TWR{self._radius:g} {twr}"
        )

        reach = max(self._radius, np.abs([x, y]).max())
        extent = _doubled(_HALF_WIDTH, reach), now.start, _doubled(_DURATION, now.elapsed)
        is_changed = extent != self._extent
        if is_changed:
            self._set_extent(*extent)
        return is_changed

    def _set_extent(self, half_width: float, start: float, duration: float) -> None:
        limits = -half_width, half_width
        ticks = np.linspace(*limits, 7)[1:-1]  # At the corners the labels of two axes would lie on each other.
        for axes in (self._box, self._plan):
            axes.set(xlim=limits, ylim=limits, xticks=ticks, yticks=ticks)
        self._battery.set_xlim(start, start + duration)
        self._extent = half_width, start, duration


class _OffScreen:
    """A picture in memory. Drawing the fixed artists takes most of the time: it is done once for all frames."""

    def __init__(self, radius: float, dpi: int) -> None:
        figure = Figure(figsize=_SIZE, dpi=dpi)
        self._canvas = FigureCanvasAgg(figure)
        self._picture = _Picture(figure, radius)
        for artist in self._picture.moving:
            artist.set_animated(True)  # Left out by `draw`.

    def draw(self, path: list[_Point]) -> np.ndarray:
        """Returns uint8[height, width, 3]."""
        if self._picture.update(path):
            self._canvas.draw()
            self._background = self._canvas.copy_from_bbox(self._canvas.figure.bbox)
        self._canvas.restore_region(self._background)
        for artist in self._picture.moving:
            artist.draw(self._canvas.get_renderer())
        rgba = np.asarray(self._canvas.buffer_rgba())
        rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
        for channel in range(3):  # Several times faster than a copy of `rgba[..., :3]`.
            rgb[..., channel] = rgba[..., channel]
        return rgb


class _Window:
    """A picture in a window of pyplot."""

    def __init__(self, radius: float, dpi: int) -> None:
        import matplotlib.pyplot as plt

        # Pyplot reuses its numbers. A name is used once, so that it shows whether this window still exists.
        self._name = f"Balloon {next(_window_numbers)}"
        self._figure = plt.figure(self._name, figsize=_SIZE, dpi=dpi)
        self._picture = _Picture(self._figure, radius)
        self._figure.show()

    @property
    def is_open(self) -> bool:
        import matplotlib.pyplot as plt

        return plt.fignum_exists(self._name)

    def draw(self, path: list[_Point]) -> None:
        """Show it, unless the user has closed the window."""
        if self.is_open:
            self._picture.update(path)
            self._figure.canvas.draw_idle()
            self._figure.canvas.flush_events()

    def close(self) -> None:
        import matplotlib.pyplot as plt

        plt.close(self._figure)


def _doubled(width: float, needed: float) -> float:
    """`width`, doubled until it is at least `needed`."""
    while width < needed:
        width *= 2.0
    return width
