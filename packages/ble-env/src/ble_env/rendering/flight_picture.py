"""The picture of one flight, or of several in one, with matplotlib. Importing this does not import pyplot."""

import io
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ble_env.options import MatplotlibOptions
from ble_env.rendering.theme import THEMES
from ble_env.rendering.track import HALF_WIDTHS, Points, Track, doubled, map_half_width
from ble_sim.balloon.altitude_control import Action
from ble_sim.constants import SECONDS_PER_HOUR, STEP_SECONDS
from ble_sim.files.atomic import write_bytes

try:
    from matplotlib import rc_context
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap, to_rgb
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, Rectangle
    from matplotlib.quiver import Quiver
    from mpl_toolkits.mplot3d.art3d import Line3D
    from mpl_toolkits.mplot3d.axes3d import Axes3D
except ImportError as error:
    raise ImportError('Drawing flights needs matplotlib: pip install "ble-env[render]"') from error

SIZE = 8.0, 5.0
"""Of a picture, inches."""

_SMALL, _MEDIUM, _LARGE = 8.5, 9.5, 11.0  # Font sizes, points. At 64 dpi a point is 0.9 pixels.
_FLOOR, _CEILING = 15.0, 20.0  # km
_STEPS_PER_HOUR = SECONDS_PER_HOUR // STEP_SECONDS
_FULL_COLOUR_WIND = 12.0  # m/s
_BEYOND_REACH = 0.22  # Opacity of winds that the balloon cannot reach.
_ARROW_HOURS = 1.5  # The wind's arrow is as long as the way that it goes in this time.
_CHUNKS = 96  # Colours of the path.
_LEGEND_COLUMNS = 3
_LEGEND_WIDTH = 72  # Characters of a row of the legend.
_ROWS = int(Action.UP), int(Action.STAY), int(Action.DOWN)

_window_numbers = itertools.count(1)


class FlightPicture:
    """The artists of a figure: fixed ones, and those that move with the flights.

    On the left is a map, or the path in three dimensions. On the right are, over time, the altitude in front of the
    winds of all levels, the actions, the battery, and rewards with TWR. One flight's path has the colours of the hours,
    and several flights have a colour each. The winds are those around the balloon, so they are drawn for one flight
    alone; they fade where the balloon cannot go.

    Args:
        figure: an empty figure of `SIZE`.
        names: of the flights, in the order of the tracks.
        station_keeping_radius_km: of the circle around the station.
        options: `view`, `theme` and `hours`.
    """

    def __init__(
        self, figure: Figure, names: Sequence[str], station_keeping_radius_km: float, options: MatplotlibOptions
    ) -> None:
        self._radius = station_keeping_radius_km
        self._hours = options.hours
        self._theme = theme = THEMES[options.theme]
        self._is_single = len(names) == 1
        self._has_winds = self._is_single and options.winds
        self._extent: tuple[float, ...] = ()
        self._ring_artists: list[Artist] = []
        self._colours = [theme.flights[i % len(theme.flights)] for i in range(len(names))]
        self._winds_map = LinearSegmentedColormap.from_list("winds", theme.winds)
        self._hours_map = LinearSegmentedColormap.from_list("hours", theme.hours)
        figure.set_facecolor(theme.background)
        self._figure = figure
        self.moving: list[Artist] = []
        """Artists that change from frame to frame, in the order in which they are drawn."""

        self._add_heading(names)
        self._map: Axes | None = None
        self._box: Axes3D | None = None
        if options.view == "map":
            self._add_map()
        else:
            self._add_box()
        self._add_altitude()
        self._add_actions(len(names))
        self._add_battery()
        self._add_rewards()
        self._add_key()
        self._timed = [self._altitude, self._actions, self._battery, self._rewards]

    def update(self, tracks: Sequence[Track], upto: int | None = None) -> bool:
        """Move the artists to a moment of the flights; returns whether the axes changed.

        Args:
            tracks: of the flights, with the start of one at least. The axes reach as far as the whole tracks do.
            upto: number of steps to draw; None for all.
        """
        wholes = [track.points() for track in tracks]
        extent = self._needed_extent([points for points in wholes if len(points.x)])
        is_changed = extent != self._extent
        if is_changed:
            self._set_extent(*extent)
        parts = [Points(*(column[: None if upto is None else upto + 1] for column in points)) for points in wholes]
        self._update_heading(tracks, parts)
        if self._map is not None:
            self._update_map(parts)
        else:
            self._update_box(parts)
        self._update_panels(tracks, parts, upto)
        return is_changed

    # --- Fixed parts

    def _add_heading(self, names: Sequence[str]) -> None:
        texts = []
        if self._is_single:
            for place, label in zip(
                (0.02, 0.19, 0.37, 0.54, 0.70, 0.85),
                ("time", "distance", "altitude", "battery", f"TWR{self._radius:g}", "reward"),
                strict=True,
            ):
                self._text(place, 0.972, label, _SMALL, self._theme.muted)
                texts.append(self._text(place, 0.925, "", _LARGE, self._theme.ink, weight="bold"))
        else:
            columns = min(len(names), _LEGEND_COLUMNS)
            texts.append(self._text(0.02, 0.96, "", _MEDIUM, self._theme.ink, weight="bold"))
            for number, colour in enumerate(self._colours):
                row, column = divmod(number, columns)
                place = 0.16 + 0.84 * column / columns, 0.96 - 0.042 * row
                texts.append(self._text(*place, "", _MEDIUM, colour, weight="bold"))
        self._names = list(names)
        self._heading = texts
        self._is_moving(*texts)

    @property
    def _top(self) -> float:
        """Where the heading ends, as a fraction of the figure."""
        return 0.875 if self._is_single else 0.92 - 0.042 * ((len(self._names) - 1) // _LEGEND_COLUMNS)

    def _add_map(self) -> None:
        theme, top = self._theme, self._top
        height = min(top, 0.875) - 0.105
        self._map = axes = self._figure.add_axes((0.02, 0.105, height * SIZE[1] / SIZE[0], height))
        axes.set(facecolor=theme.background, xticks=[], yticks=[], aspect="equal")
        self._frame(axes)
        axes.add_patch(Circle((0.0, 0.0), self._radius, facecolor=theme.inside, edgecolor="none", zorder=0.5))
        axes.add_patch(
            Circle((0.0, 0.0), self._radius, facecolor="none", edgecolor=theme.ink, linestyle=(0, (5, 3)), zorder=1.5)
        )
        axes.add_line(Line2D([0.0], [0.0], color=theme.ink, marker="+", markersize=9, markeredgewidth=1.6, zorder=1.6))
        axes.annotate(
            "N",
            xy=(0.045, 0.975),
            xytext=(0.045, 0.875),
            xycoords="axes fraction",
            textcoords="axes fraction",
            ha="center",
            va="center",
            fontsize=_SMALL,
            color=theme.muted,
            arrowprops={"arrowstyle": "-|>", "color": theme.muted, "linewidth": 1.0, "shrinkA": 1, "shrinkB": 0},
        )
        self._paths: list[Any] = []
        self._starts: list[Line2D] = []
        self._balloons: list[Line2D] = []
        for colour in self._colours:
            if self._is_single:
                path: Any = LineCollection([], linewidths=1.8, cmap=self._hours_map, capstyle="round", zorder=3.0)
                axes.add_collection(path, autolim=False)
            else:
                path = Line2D([], [], color=colour, linewidth=1.5, zorder=3.0)
                axes.add_line(path)
            self._paths.append(path)
        for _ in self._colours:
            start = Line2D([], [], marker="o", markersize=5, linestyle="none", zorder=3.1)
            start.set(color=theme.background, markeredgecolor=theme.ink)
            axes.add_line(start)
            self._starts.append(start)
        zeros = np.zeros(len(self._colours))
        self._arrows = Quiver(
            axes,
            zeros,
            zeros,
            zeros,
            zeros,
            angles="xy",
            scale_units="xy",
            scale=1.0,
            units="width",
            width=0.009,
            color=theme.ink if self._is_single else self._colours,
            zorder=3.2,
        )
        axes.add_collection(self._arrows, autolim=False)
        for colour in self._colours:
            balloon = Line2D([], [], linestyle="none", marker="o", markersize=9, color=colour, zorder=3.3)
            balloon.set(markeredgecolor=theme.background, markeredgewidth=1.2)
            axes.add_line(balloon)
            self._balloons.append(balloon)
        self._wind_text = axes.text(
            0.03, 0.03, "", transform=axes.transAxes, fontsize=_SMALL, color=theme.ink, va="bottom", zorder=3.4
        )
        if self._is_single:
            axes.text(
                0.97,
                0.03,
                self._names[0],
                transform=axes.transAxes,
                fontsize=_MEDIUM,
                color=theme.ink,
                ha="right",
                va="bottom",
                weight="bold",
                zorder=2.0,
            )
        self._is_moving(*self._paths, *self._starts, self._arrows, *self._balloons, self._wind_text)

    def _add_box(self) -> None:
        theme = self._theme
        with rc_context({"grid.color": theme.grid, "grid.linewidth": 0.8}):
            self._box = box = Axes3D(self._figure, (-0.01, 0.08, 0.52, self._top - 0.08), elev=25, azim=-68)
        self._figure.add_axes(box)
        angle = np.linspace(0.0, 2.0 * np.pi, 181)
        circle = self._radius * np.cos(angle), self._radius * np.sin(angle), np.full_like(angle, _FLOOR)
        self._floor_lines = [
            Line3D(*circle, color=theme.ink, linestyle="--", linewidth=1.2),
            Line3D([0.0], [0.0], [_FLOOR], color=theme.ink, marker="+", markersize=9, markeredgewidth=1.6),
        ]
        for line in self._floor_lines:
            box.add_line(line)
        box.set_box_aspect((1.0, 1.0, 0.75), zoom=0.86)  # type: ignore[arg-type]
        box.set_facecolor(theme.background)
        labelled: Any = ((box.xaxis, "east [km]"), (box.yaxis, "north [km]"), (box.zaxis, "altitude [km]"))
        for axis, label in labelled:
            axis.set_pane_color(theme.background)
            axis.label.set(text=label, color=theme.muted, fontsize=_SMALL)
            axis.line.set_color(theme.muted)
            axis.set_tick_params(labelsize=_SMALL, colors=theme.muted, labelcolor=theme.muted, pad=-1)
        self._lines_3d = []
        for colour in self._colours:
            lines = (
                Line3D([], [], [], color=colour, linewidth=1.0, alpha=0.7),
                Line3D([], [], [], color=colour, linewidth=1.6),
                Line3D([], [], [], color=colour, marker="o", markersize=8, linestyle="none"),
            )
            for line in lines:
                box.add_line(line)
            self._lines_3d.append(lines)
        self._is_moving(*itertools.chain(*self._lines_3d))

    def _add_altitude(self) -> None:
        top, theme = self._top, self._theme
        self._altitude = axes = self._panel(top - 0.315, 0.315, "altitude [km]")
        self._wind_image = AxesImage(axes, interpolation="nearest", zorder=1.0, origin="lower")
        self._wind_colours = np.zeros((0, 0, 4), np.uint8)
        self._num_coloured = 0
        self._reach_lines = [Line2D([], [], color=theme.muted, linewidth=0.8, zorder=3.0) for _ in range(2)]
        self._altitude_lines: list[Line2D] = []
        self._altitude_dots: list[Line2D] = []
        if self._has_winds:
            axes.add_image(self._wind_image)
            self._is_moving(self._wind_image)
            for line in self._reach_lines:
                axes.add_line(line)
            self._is_moving(*self._reach_lines)
            self._add_wind_bar(top)
        colours = [theme.ink] if self._is_single else self._colours
        if self._is_single:
            self._halo = axes.add_line(Line2D([], [], color=theme.background, linewidth=3.0, alpha=0.7, zorder=3.1))
            self._is_moving(self._halo)
        for colour in colours:
            line = axes.add_line(Line2D([], [], color=colour, linewidth=1.3, zorder=3.2))
            self._altitude_lines.append(line)
        for colour in self._colours:
            dot = Line2D([], [], marker="o", markersize=5, color=colour, zorder=3.3, clip_on=False)
            axes.add_line(dot)
            self._altitude_dots.append(dot)
        self._is_moving(*self._altitude_lines, *self._altitude_dots)
        if not self._has_winds:
            axes.grid(color=theme.grid, linewidth=0.8)
        self._frame_last(axes)

    def _add_wind_bar(self, top: float) -> None:
        theme = self._theme
        bar = self._figure.add_axes((0.907, top - 0.315, 0.014, 0.315))
        shades = self._winds_map(np.linspace(0.0, 1.0, 128))[:, None]
        bar.imshow(shades, extent=(0.0, 1.0, -_FULL_COLOUR_WIND, _FULL_COLOUR_WIND), origin="lower", aspect="auto")
        bar.set(xticks=[], yticks=[-10.0, 0.0, 10.0])
        bar.yaxis.tick_right()
        self._frame(bar)
        bar.set_yticklabels(["-10", "0", "+10"])
        bar.set_ylabel("wind to station [m/s]", fontsize=_SMALL, color=theme.muted, labelpad=1)
        bar.yaxis.set_label_position("right")

    def _add_actions(self, number: int) -> None:
        self._actions = axes = self._panel(self._top - 0.435, 0.095, "")
        rows = len(_ROWS) * number
        axes.set_ylim(-0.5, rows - 0.5)
        axes.invert_yaxis()
        if self._is_single:
            axes.set_yticks(range(3), ["up", "stay", "down"])
        else:
            axes.set_yticks([])
            axes.set_ylabel("actions", fontsize=_SMALL, color=self._theme.muted)
        self._action_image = AxesImage(axes, interpolation="nearest", zorder=1.0, origin="upper")
        axes.add_image(self._action_image)
        self._is_moving(self._action_image)
        self._frame_last(axes)

    def _add_battery(self) -> None:
        theme = self._theme
        self._battery = axes = self._panel(self._top - 0.605, 0.145, "battery [%]")
        axes.set(ylim=(0.0, 100.0), yticks=[0, 50, 100])
        self._night_image = AxesImage(axes, interpolation="nearest", zorder=1.0, origin="lower")
        axes.add_image(self._night_image)
        self._is_moving(self._night_image)
        colours = [theme.ink] if self._is_single else self._colours
        self._battery_lines = [Line2D([], [], color=colour, linewidth=1.3, zorder=3.0) for colour in colours]
        self._paused_lines = [
            Line2D([], [], color=theme.overruled, linewidth=2.4, zorder=3.1, solid_capstyle="butt") for _ in colours
        ]
        for line in (*self._battery_lines, *self._paused_lines):
            line.set_clip_on(False)
            axes.add_line(line)
        self._is_moving(*self._battery_lines, *self._paused_lines)
        self._frame_last(axes)

    def _add_rewards(self) -> None:
        theme, bottom = self._theme, 0.105
        self._rewards = axes = self._panel(bottom, self._top - 0.63 - bottom, "")
        axes.set(ylim=(0.0, 1.04), yticks=[0.0, 0.5, 1.0])
        axes.grid(color=theme.grid, linewidth=0.8)
        middle = bottom + 0.5 * (self._top - 0.63 - bottom)
        strong = self._colours[0] if self._is_single else theme.ink
        self._text(0.907, middle + 0.02, f"TWR{self._radius:g}", _SMALL, strong, weight="bold")
        self._text(0.907, middle - 0.025, "reward", _SMALL, theme.muted)
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("hours since the start", fontsize=_SMALL, color=theme.muted, labelpad=1)
        self._reward_lines, self._twr_lines = [], []
        for colour in self._colours:
            thin = Line2D([], [], linewidth=0.9, zorder=3.0)
            thin.set(color=theme.muted if self._is_single else colour, alpha=0.55)
            self._reward_lines.append(thin)
            self._twr_lines.append(Line2D([], [], color=colour, linewidth=2.0, zorder=3.1))
        for line in (*self._reward_lines, *self._twr_lines):
            axes.add_line(line)
        self._is_moving(*self._reward_lines, *self._twr_lines)
        self._frame_last(axes)

    def _add_key(self) -> None:
        """Below the map: the colours of the hours, of the night and of overruled actions."""
        theme = self._theme
        left = 0.02
        if self._is_single and self._map is not None:
            bar = self._figure.add_axes((left, 0.055, 0.2, 0.022))
            bar.imshow(self._hours_map(np.linspace(0.0, 1.0, 128))[None], aspect="auto", extent=(0.0, 1.0, 0.0, 1.0))
            bar.set(xticks=[], yticks=[])
            self._frame(bar)
            self._hours_axis = bar
            self._hours_texts = [
                self._figure.text(left + 0.2 * share, 0.043, "", ha=align, va="top", fontsize=_SMALL, color=theme.muted)
                for share, align in ((0.0, "left"), (1.0, "right"))
            ]
            left += 0.235
        for colour, label, width in ((theme.night, "night", 0.085), (theme.overruled, "overruled", 0.1)):
            self._figure.add_artist(
                Rectangle(
                    (left, 0.054),
                    0.014,
                    0.022,
                    transform=self._figure.transFigure,
                    facecolor=colour,
                    edgecolor=theme.muted,
                    linewidth=0.5,
                )
            )
            self._text(left + 0.02, 0.065, label, _SMALL, theme.muted)
            left += width

    def _panel(self, bottom: float, height: float, label: str) -> Axes:
        """Axes over time."""
        theme = self._theme
        axes = self._figure.add_axes((0.585, bottom, 0.315, height))
        axes.set(facecolor=theme.background)
        axes.set_axisbelow(True)
        self._frame(axes)
        axes.tick_params(labelbottom=False)
        if label:
            axes.set_ylabel(label, fontsize=_SMALL, color=theme.muted, labelpad=4)
        return axes

    def _frame(self, axes: Axes) -> None:
        axes.tick_params(colors=self._theme.muted, labelsize=_SMALL, length=2.5, pad=2)
        for spine in axes.spines.values():
            spine.set(color=self._theme.muted, linewidth=0.8)

    def _frame_last(self, axes: Axes) -> None:
        # Over the images, which reach to the middle of the frame. One artist is drawn faster than four spines.
        axes.spines[:].set_visible(False)
        frame = Rectangle((0.0, 0.0), 1.0, 1.0, transform=axes.transAxes, facecolor="none", clip_on=False, zorder=3.5)
        frame.set(edgecolor=self._theme.muted, linewidth=0.8)
        self._is_moving(axes.add_patch(frame))

    def _text(self, x: float, y: float, text: str, size: float, colour: str, **style: Any) -> Any:
        return self._figure.text(x, y, text, fontsize=size, color=colour, va="center", **style)

    def _is_moving(self, *artists: Artist) -> None:
        self.moving += artists

    # --- Axes

    def _needed_extent(self, wholes: Sequence[Points]) -> tuple[float, ...]:
        half_width = map_half_width(wholes, self._radius)
        hours = doubled(self._hours, max(points.hours[-1] for points in wholes))
        heights = np.concatenate(
            [np.ravel([points.altitude, points.lowest_altitude, points.highest_altitude]) for points in wholes]
        )
        floor = min(_FLOOR, math.floor(np.nanmin(heights)))
        ceiling = max(_CEILING, math.ceil(np.nanmax(heights)))
        return half_width, hours, floor, ceiling

    def _set_extent(self, half_width: float, hours: float, floor: float, ceiling: float) -> None:
        self._extent = half_width, hours, floor, ceiling
        spacing = next(
            step for step in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 1e5) if half_width / step <= 4
        )
        if self._map is not None:
            self._set_rings(half_width, spacing)
        if self._box is not None:
            ticks = np.linspace(-half_width, half_width, 5)[1:-1]
            limits = -half_width, half_width
            self._box.set(xlim=limits, ylim=limits, xticks=ticks, yticks=ticks, zlim=(floor, ceiling))
            for line in self._floor_lines:
                x, y, _ = line.get_data_3d()
                line.set_data_3d(x, y, np.full_like(x, floor))
        step = doubled(0.75, hours / 5.0)  # 0.75, 1.5, 3, 6, 12, 24 h ...
        for axes in self._timed:
            axes.set(xlim=(0.0, hours), xticks=np.arange(0.0, hours + 1e-9, step))
        self._altitude.set(
            ylim=(floor, ceiling), yticks=np.arange(floor, ceiling + 0.5, 1 if ceiling - floor < 7 else 2)
        )
        if self._is_single and self._map is not None:
            self._hours_texts[0].set_text("start")
            self._hours_texts[1].set_text(f"{hours:g} h")
        self._num_columns = math.ceil(hours * _STEPS_PER_HOUR) + 1
        self._coloured_flight: tuple[Track, int] | None = None

    def _set_rings(self, half_width: float, spacing: float) -> None:
        assert self._map is not None
        theme, axes = self._theme, self._map
        axes.set(xlim=(-half_width, half_width), ylim=(-half_width, half_width))
        for artist in self._ring_artists:
            artist.remove()
        self._ring_artists = []
        others = [
            radius
            for radius in np.arange(spacing, 1.3 * half_width, spacing)
            if abs(radius - self._radius) > 0.2 * spacing
        ]
        for radius in others:
            ring = Circle((0.0, 0.0), radius, facecolor="none", edgecolor=theme.grid, linewidth=0.9, zorder=0.6)
            self._ring_artists.append(axes.add_patch(ring))
        for radius in (*others, self._radius):
            colour = theme.ink if radius == self._radius else theme.muted
            place = max(radius, 0.22 * half_width) * math.sqrt(0.5)  # Beside a small circle and not on it.
            label = axes.text(
                place,
                place,
                f"{radius:g} km",
                fontsize=_SMALL,
                color=colour,
                ha="center",
                va="center",
                zorder=2.0,
                clip_on=True,
                rotation=-45,
                bbox={"facecolor": theme.background, "edgecolor": "none", "pad": 0.6},
            )
            if place > 0.9 * half_width:
                label.remove()
            else:
                self._ring_artists.append(label)

    # --- What moves

    def _update_heading(self, tracks: Sequence[Track], parts: Sequence[Points]) -> None:
        if self._is_single:
            (points,) = parts
            twr, reward = points.twr[-1], points.reward[-1]
            values = (
                f"{points.hours[-1]:.1f} h",
                f"{points.distance[-1]:.1f} km",
                f"{points.altitude[-1]:.2f} km",
                f"{points.battery[-1]:.0f} %",
                "-" if np.isnan(twr) else f"{100.0 * twr:.1f} %",
                "-" if np.isnan(reward) else f"{reward:.2f}",
            )
        else:
            hours = max(points.hours[-1] for points in parts if len(points.hours))
            values = (
                f"{hours:.1f} h",
                *(self._legend(name, part) for name, part in zip(self._names, parts, strict=True)),
            )
        for text, value in zip(self._heading, values, strict=True):
            text.set_text(value)

    def _legend(self, name: str, points: Points) -> str:
        width = _LEGEND_WIDTH // min(len(self._names), _LEGEND_COLUMNS) - 9  # TWR takes the rest.
        shown = name if len(name) <= width else f"{name[: width - 1]}…"
        twr = f"{100.0 * points.twr[-1]:.1f} %" if len(points.twr) > 1 else "-"
        return f"{shown}  {twr}"

    def _update_map(self, parts: Sequence[Points]) -> None:
        half_width, hours, *_ = self._extent
        ends = [points.x[-1:] for points in parts], [points.y[-1:] for points in parts]
        for path, start, balloon, points in zip(self._paths, self._starts, self._balloons, parts, strict=True):
            if self._is_single:
                size = max(1, round(hours * _STEPS_PER_HOUR / _CHUNKS))
                xy = np.stack([points.x, points.y], axis=-1)
                path.set_segments([xy[i : i + size + 1] for i in range(0, max(len(xy) - 1, 0), size)])
                path.set_color(self._hours_map(points.hours[:-1:size] / hours))
            else:
                path.set_data(points.x, points.y)
            start.set_data(points.x[:1], points.y[:1])
            balloon.set_data(points.x[-1:], points.y[-1:])
        winds = np.array([[p.wind_u[-1], p.wind_v[-1]] if len(p.x) else (0.0, 0.0) for p in parts])
        if all(len(end) for end in ends[0]):
            self._arrows.set_offsets(np.column_stack([np.concatenate(end) for end in ends]))
            # Of lengths that are seen at any width of the map.
            scale = _ARROW_HOURS * SECONDS_PER_HOUR / 1000.0 * half_width / HALF_WIDTHS[0]
            self._arrows.set_UVC(*(scale * winds.T))
        self._arrows.set_visible(all(len(end) for end in ends[0]))
        if self._is_single:
            self._wind_text.set_text(f"wind {np.hypot(*winds[0]):4.1f} m/s")

    def _update_box(self, parts: Sequence[Points]) -> None:
        floor = self._extent[2]
        for (stem, path, balloon), points in zip(self._lines_3d, parts, strict=True):
            end = points.x[-1:], points.y[-1:], points.altitude[-1:]
            stem.set_data_3d(np.repeat(end[0], 2), np.repeat(end[1], 2), [floor, *end[2]][: 2 * len(end[2])])
            path.set_data_3d(points.x, points.y, points.altitude)
            balloon.set_data_3d(*end)

    def _update_panels(self, tracks: Sequence[Track], parts: Sequence[Points], upto: int | None) -> None:
        for i, points in enumerate(parts):
            hours = points.hours
            self._altitude_lines[i].set_data(hours, points.altitude)
            self._altitude_dots[i].set_data(hours[-1:], points.altitude[-1:])
            self._battery_lines[i].set_data(hours, points.battery)
            paused = np.where(points.paused_power > 0.0, points.battery, np.nan)
            self._paused_lines[i].set_data(hours, paused)
            self._reward_lines[i].set_data(hours, points.reward)
            self._twr_lines[i].set_data(hours, points.twr)
        if self._is_single:
            (points,) = parts
            self._halo.set_data(points.hours, points.altitude)
            if self._has_winds:
                self._reach_lines[0].set_data(points.hours, points.lowest_altitude)
                self._reach_lines[1].set_data(points.hours, points.highest_altitude)
                self._draw_winds(tracks[0], points, upto)
        self._draw_steps(parts)

    def _draw_winds(self, track: Track, points: Points, upto: int | None) -> None:
        winds, heights = track.winds(upto), track.heights
        self._wind_image.set_visible(winds is not None)
        if winds is None or heights is None:
            return
        columns = self._columns(points)
        flight = track, track.num_flights
        if flight != self._coloured_flight:
            self._wind_colours = np.zeros((len(heights), self._num_columns, 4), np.uint8)
            self._coloured_flight, self._num_coloured = flight, 0
        new = slice(self._num_coloured, len(winds))
        if new.start < new.stop:
            place = np.stack([points.x, points.y], axis=-1)[new]
            outwards = place / np.maximum(points.distance[new], 1e-9)[:, None]
            towards = -np.einsum("nlc,nc->nl", winds[new], outwards)
            colours = self._winds_map(0.5 + towards / (2.0 * _FULL_COLOUR_WIND), bytes=True)
            lowest, highest = points.lowest_altitude[new, None], points.highest_altitude[new, None]
            opacity = np.where((heights >= lowest) & (heights <= highest), 1.0, _BEYOND_REACH)
            colours[..., 3] = np.where(np.isnan(towards), 0.0, 255.0 * opacity)
            self._wind_colours[:, columns[new]] = colours.swapaxes(0, 1)
            self._num_coloured = new.stop
        shown = self._wind_colours.copy()
        shown[:, columns[-1] + 1 :] = 0
        margin = 0.5 * (heights[1] - heights[0])
        self._show(self._wind_image, shown, heights[0] - margin, heights[-1] + margin)

    def _draw_steps(self, parts: Sequence[Points]) -> None:
        actions = np.zeros((len(_ROWS) * len(parts), self._num_columns, 4), np.float32)
        for i, points in enumerate(parts):
            columns = self._columns(points) - 1  # A step's action is drawn over the time that it lasts.
            colour = _rgba(self._theme.ink if self._is_single else self._colours[i])
            for row, action in enumerate(_ROWS):
                place = len(_ROWS) * i + row
                actions[place, columns[points.action == action]] = colour
                is_changed = (points.effective_action == action) & points.is_overruled
                actions[place, columns[is_changed]] = _rgba(self._theme.overruled)
        nights = np.zeros((1, self._num_columns, 4), np.uint8)
        points = max(parts, key=lambda points: len(points.hours))
        nights[0, self._columns(points)[points.solar_power <= 0.0]] = _rgba(self._theme.night)
        self._show(self._action_image, self._narrowed(actions), len(actions) - 0.5, -0.5)
        self._show(self._night_image, nights, 0.0, 100.0)

    def _narrowed(self, colours: np.ndarray) -> np.ndarray:
        """A column for each pixel at most: the mean colour of those that share it, and the root of their opacity.

        The root keeps single steps visible.
        """
        rows, columns, _ = colours.shape
        pixels = self._actions.bbox.width
        size = max(1, math.ceil(columns / pixels))
        padded = np.zeros((rows, -(-columns // size), size, 4), np.float32)
        padded.reshape(rows, -1, 4)[:, :columns] = colours
        opacity = padded[..., 3:].sum(axis=2)
        mean = (padded[..., :3] * padded[..., 3:]).sum(axis=2) / np.maximum(opacity, 1.0)
        opacity = 255.0 * np.sqrt(opacity / (255.0 * size))
        return np.rint(np.concatenate([mean, opacity], axis=-1)).astype(np.uint8)

    def _columns(self, points: Points) -> np.ndarray:
        """Of images over time: int[moments]."""
        return np.rint(points.hours * _STEPS_PER_HOUR).astype(int)

    def _show(self, image: AxesImage, colours: np.ndarray, low: float, high: float) -> None:
        image.set_data(colours)
        extent = 0.0, self._num_columns / _STEPS_PER_HOUR, low, high
        if tuple(image.get_extent()) != extent:  # To set it is slow.
            image.set_extent(extent)


class OffScreen:
    """A picture of flights in memory. Drawing what is fixed takes most of the time: it is done once for all frames.

    Args:
        names: of the flights.
        station_keeping_radius_km: of the circle around the station.
        options: of the picture.
    """

    def __init__(
        self, names: Sequence[str], station_keeping_radius_km: float, options: MatplotlibOptions = MatplotlibOptions()
    ) -> None:
        figure = Figure(figsize=SIZE, dpi=options.dpi)
        self._canvas = FigureCanvasAgg(figure)
        self._picture = FlightPicture(figure, names, station_keeping_radius_km, options)
        for artist in self._picture.moving:
            artist.set_animated(True)  # Left out by `draw`.

    def draw(self, tracks: Sequence[Track], upto: int | None = None) -> np.ndarray:
        """Returns uint8[height, width, 3].

        Args:
            tracks: of the flights, in the order of the names, with the start of one at least.
            upto: number of steps to draw; None for all. The axes are those of the whole tracks.
        """
        if self._picture.update(tracks, upto):
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

    def save(self, path: str | Path, tracks: Sequence[Track], upto: int | None = None) -> None:
        """Write a PNG; see `draw`."""
        from matplotlib.image import imsave

        content = io.BytesIO()
        imsave(content, self.draw(tracks, upto), format="png")
        write_bytes(Path(path), content.getvalue())


class Window:
    """A picture of flights in a window of pyplot, which does not block. Without a display pyplot shows nothing.

    Args:
        names, station_keeping_radius_km, options: see `OffScreen`.
    """

    def __init__(
        self, names: Sequence[str], station_keeping_radius_km: float, options: MatplotlibOptions = MatplotlibOptions()
    ) -> None:
        import matplotlib.pyplot as plt

        # Pyplot reuses its numbers. A name is used once, so that it shows whether this window still exists.
        self._name = f"Balloon {next(_window_numbers)}"
        self._figure = plt.figure(self._name, figsize=SIZE, dpi=options.dpi)
        self._picture = FlightPicture(self._figure, names, station_keeping_radius_km, options)
        self._figure.show()

    @property
    def is_open(self) -> bool:
        """Whether the user has left the window open."""
        import matplotlib.pyplot as plt

        return plt.fignum_exists(self._name)

    def draw(self, tracks: Sequence[Track], upto: int | None = None) -> None:
        """Show the flights, unless the user has closed the window; see `OffScreen.draw`."""
        if self.is_open:
            self._picture.update(tracks, upto)
            self._figure.canvas.draw_idle()
            self._figure.canvas.flush_events()

    def close(self) -> None:
        """Close the window."""
        import matplotlib.pyplot as plt

        plt.close(self._figure)


def _rgba(colour: str) -> np.ndarray:
    return np.array([*np.rint(255.0 * np.array(to_rgb(colour))), 255], np.uint8)
