"""Pictures of winds with matplotlib: a whole series, and the frames of a film. It does not import pyplot."""

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon
from PIL import Image

from ble_env.rendering.theme import THEMES, Theme
from ble_eval.winds.drift import hull
from ble_eval.winds.series import KINDS, WindSeries
from ble_sim.constants import METERS_PER_KM
from ble_sim.files.atomic import write_bytes
from ble_sim.wind.forecast_error import PRIOR_VARIANCE

DPI = 100
PICTURE_SIZE = 10.0, 8.8
FILM_SIZE = 9.6, 5.8
"""Inches, at `DPI`; even numbers of pixels."""
FULL_COLOUR_SPEED = 10.0
"""Winds of this speed and more have the full colour of their direction, m/s."""

_WHEEL = ("#d55e00", "#e69f00", "#d8cf3a", "#2fa36b", "#1b7fc4", "#4a50b5", "#8040a5", "#c8467f", "#d55e00")
"""From east counter-clockwise: opposite directions can be distinguished with every common kind of colour blindness."""
_DIRECTIONS = LinearSegmentedColormap.from_list("directions", _WHEEL)
_HEIGHTS = LinearSegmentedColormap.from_list("heights", colormaps["viridis"](np.linspace(0.12, 1.0, 64)))
"""Without its darkest part, which the dark theme hides."""
_HOURS_BETWEEN_TICKS = 6.0
_MARGIN = 300.0  # Pa around the levels within reach.
_ARROW_COLUMNS, _ARROW_ROWS = 13, 9
_PASCALS_PER_HPA = 100.0
_TITLES = {
    "forecast": "Forecast",
    "truth": "Truth: forecast + its error",
    "belief": "Belief: forecast + predicted error",
}
_LINES: dict[str, dict[str, Any]] = {
    "forecast": {"linestyle": "--", "linewidth": 1.4},
    "truth": {"linewidth": 2.2},
    "belief": {"linewidth": 1.4},
}


def save_picture(series: WindSeries, path: Path, theme: str) -> None:
    """Write the picture of a series as PNG.

    Args:
        series: the winds.
        path: of the file, which is replaced as a whole.
        theme: "light" or "dark".
    """
    canvas = FigureCanvasAgg(wind_figure(series, THEMES[theme]))
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    buffer = io.BytesIO()
    # 256 colours: a third of the size.
    picture.quantize(256, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    write_bytes(path, buffer.getvalue())


def wind_figure(series: WindSeries, theme: Theme) -> Figure:
    """The winds by level and time, the directions within reach, the least drift, and the uncertainty of the belief."""
    figure = _figure(PICTURE_SIZE, theme)
    figure.suptitle(series.title, x=0.012, ha="left", fontsize=12, fontweight="bold", color=theme.ink)
    upper, lower = figure.add_gridspec(2, 1, height_ratios=(2.2, 0.95))
    rows = upper.subgridspec(2, 4, height_ratios=(1.25, 0.95), width_ratios=(1, 1, 1, 0.24))
    last = lower.subgridspec(1, 3, width_ratios=(2, 1, 0.24))
    shared = None
    for place, kind in enumerate(KINDS):
        axes = figure.add_subplot(rows[0, place], sharex=shared, sharey=shared)
        shared = shared or axes
        _draw_map(axes, series, kind, theme)
        _label_levels(axes, series, is_first=place == 0, is_last=place == 2)
    _draw_wheel(figure.add_subplot(rows[0, 3], projection="polar"), theme)

    scale = Normalize(*_reach_heights(series))
    for place, kind in enumerate(KINDS):
        axes = figure.add_subplot(rows[1, place], sharex=shared)
        _draw_bearings(axes, series, kind, scale, theme)
        axes.tick_params(labelleft=place == 0)
    axes = figure.add_subplot(rows[1, 3])
    bar = figure.colorbar(ScalarMappable(scale, _HEIGHTS), cax=axes)
    _narrow(axes)
    bar.set_label("altitude of the wind [km]", color=theme.ink)
    _paint(axes, theme)

    axes = figure.add_subplot(last[0])
    _draw_drift(axes, series, theme)
    axes = figure.add_subplot(last[1], sharex=shared, sharey=shared)
    image = _draw_deviation(axes, series, theme)
    _label_levels(axes, series, is_first=True, is_last=False)
    axes = figure.add_subplot(last[2])
    bar = figure.colorbar(image, cax=axes)
    _narrow(axes)
    bar.set_label("standard deviation [m/s]", color=theme.ink)
    _paint(axes, theme)
    return figure


class WindFilm:
    """Frames that show the winds of all levels as points (u, v), one moment after another.

    Args:
        series: the winds.
        theme: "light" or "dark".
    """

    def __init__(self, series: WindSeries, theme: str) -> None:
        self._series = series
        self._theme = colours = THEMES[theme]
        figure = _figure(FILM_SIZE, colours)
        self._canvas = FigureCanvasAgg(figure)
        self._title = figure.suptitle(
            series.title, x=0.012, ha="left", fontsize=11, fontweight="bold", color=colours.ink
        )
        rows = figure.add_gridspec(2, 4, height_ratios=(2.1, 1), width_ratios=(1, 1, 1, 0.06))
        scale = Normalize(*_reach_heights(series))
        self._limit = _speed_limit(series)
        self._panels = [
            _Hodograph(figure.add_subplot(rows[0, place]), series, kind, scale, self._limit, colours)
            for place, kind in enumerate(KINDS)
        ]
        axes = figure.add_subplot(rows[0, 3])
        figure.colorbar(ScalarMappable(scale, _HEIGHTS), cax=axes).set_label("altitude [km]", color=colours.ink)
        _paint(axes, colours)
        axes = figure.add_subplot(rows[1, :])
        _draw_drift(axes, series, colours)
        self._cursor = axes.axvline(0.0, color=colours.overruled, linewidth=1.5)
        caption = "+ calm   green: the mean winds that levels within reach allow   grey lines: levels out of reach"
        caption += "   circles: one standard deviation of the belief"
        if series.follows:
            caption += "   dotted: the way to the station"
        figure.supxlabel(caption, fontsize=8, color=colours.muted)
        self._canvas.draw()
        figure.set_layout_engine("none")  # The places stay the same from frame to frame.
        self._moving = [*itertools.chain(*(panel.moving for panel in self._panels)), self._cursor, self._title]
        for artist in self._moving:
            artist.set_animated(True)
        self._canvas.draw()
        self._still = self._canvas.copy_from_bbox(figure.bbox)

    def draw(self, moment: int) -> np.ndarray:
        """The frame of a moment of the series: uint8[height, width, 3]."""
        series = self._series
        where = ""
        if series.follows:
            where = f", {np.hypot(series.x[moment], series.y[moment]):.0f} km from the station"
        self._title.set_text(f"{series.title}: {series.hours[moment]:.1f} h{where}")
        for panel in self._panels:
            panel.update(moment)
        self._cursor.set_xdata([series.hours[moment]] * 2)
        self._canvas.restore_region(self._still)
        for artist in self._moving:
            artist.draw(self._canvas.get_renderer())
        return np.asarray(self._canvas.buffer_rgba())[..., :3].copy()


class _Hodograph:
    """The winds of one kind in the plane of u and v: a line through the levels, and the hull of those within reach."""

    def __init__(self, axes: Axes, series: WindSeries, kind: str, scale: Normalize, limit: float, theme: Theme) -> None:
        self._series, self._kind = series, kind
        axes.set_title(_TITLES[kind], fontsize=9, color=theme.ink)
        axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="to the east [m/s]")
        if kind == KINDS[0]:
            axes.set_ylabel("to the north [m/s]")
        else:
            axes.tick_params(labelleft=False)
        _paint(axes, theme)
        for speed in np.arange(5.0, limit * 1.5, 5.0):
            axes.add_patch(Circle((0.0, 0.0), speed, fill=False, color=theme.grid, linewidth=0.8))
        self._is_belief = kind == "belief"
        rings = [Circle((0.0, 0.0), 0.0, color=theme.muted, alpha=0.16, linewidth=0) for _ in range(5)]
        self._rings = rings if self._is_belief else []
        for ring in self._rings:
            axes.add_patch(ring)
        self._hull = Polygon(np.zeros((1, 2)), facecolor=theme.flights[2], alpha=0.28, edgecolor="none", zorder=1)
        axes.add_patch(self._hull)
        (self._others,) = axes.plot([], [], color=theme.muted, linewidth=0.8, alpha=0.6)
        self._line = LineCollection([], cmap=_HEIGHTS, norm=scale, linewidth=3.0)
        axes.add_collection(self._line, autolim=False)
        self._heights = series.height / METERS_PER_KM
        (calm,) = axes.plot([0.0], [0.0], "+", color=theme.ink, markersize=11, markeredgewidth=1.8)
        (self._balloon,) = axes.plot([], [], "o", color=theme.ink, markersize=6)
        (self._way,) = axes.plot([], [], ":", color=theme.ink, linewidth=1.2)
        self.moving: list[Artist] = [
            self._hull,
            *self._rings,
            self._others,
            self._line,
            self._way,
            calm,
            self._balloon,
        ]
        """What changes from frame to frame, and what is drawn over it, from back to front."""

    def update(self, moment: int) -> None:
        """Move to a moment of the series."""
        series = self._series
        winds, is_reachable = series.winds[self._kind][moment], series.is_reachable[moment]
        self._others.set_data(*winds.T)
        inside = np.flatnonzero(is_reachable)
        self._line.set_segments([winds[[lower, upper]] for lower, upper in itertools.pairwise(inside)])
        self._line.set_array(self._heights[inside[:-1]])
        corners = hull(winds[inside])
        self._hull.set_xy(corners if len(corners) else np.full((1, 2), np.nan))
        if self._rings:
            chosen = inside[np.linspace(0, len(inside) - 1, len(self._rings)).astype(int)] if len(inside) else []
            for ring, level in zip(self._rings, chosen, strict=False):
                ring.set_center(winds[level])
                ring.set_radius(series.deviation[moment, level])
        if series.follows:
            level = np.argmin(np.abs(series.pressure - series.balloon_pressure[moment]))
            self._balloon.set_data(winds[level : level + 1].T)
            way = -np.array([series.x[moment], series.y[moment]])
            far = 2.0 * self._way.axes.get_xlim()[1] * way / max(np.hypot(*way), 1e-9)  # type: ignore[union-attr]
            self._way.set_data([0.0, far[0]], [0.0, far[1]])


def _draw_map(axes: Axes, series: WindSeries, kind: str, theme: Theme) -> None:
    """Directions as colours and arrows."""
    winds = series.winds[kind]
    colours = _colours(winds, theme)
    faded = np.array(to_rgb(theme.background))
    colours = np.where(series.is_reachable[..., None], colours, 0.25 * colours + 0.75 * faded)
    axes.imshow(
        np.swapaxes(colours, 0, 1), aspect="auto", extent=_extent(series), interpolation="nearest", origin="lower"
    )
    _set_times(axes, series)
    axes.set_title(_TITLES[kind], fontsize=9.5, color=theme.ink)
    top, bottom = _pressure_limits(series)
    moments = _spread(len(series.hours), _ARROW_COLUMNS)
    within = np.flatnonzero((series.pressure > top) & (series.pressure < bottom))
    levels = within[_spread(len(within), _ARROW_ROWS)]
    u, v = (winds[np.ix_(moments, levels)][..., i].T for i in range(2))
    arrows = axes.quiver(
        series.hours[moments],
        series.pressure[levels] / _PASCALS_PER_HPA,
        u,
        v,
        pivot="mid",
        scale=_speed_limit(series) * 9.0,
        width=0.006,
        headwidth=4.0,
        color=theme.ink,
    )
    if series.follows:
        axes.plot(series.hours, series.balloon_pressure / _PASCALS_PER_HPA, color=theme.background, linewidth=3.2)
        axes.plot(series.hours, series.balloon_pressure / _PASCALS_PER_HPA, color=theme.ink, linewidth=1.5)
    if kind == KINDS[-1]:
        axes.quiverkey(
            arrows,
            1.45,
            0.12,
            10.0,
            "10 m/s",
            labelpos="S",
            coordinates="axes",
            labelcolor=theme.ink,
            labelsep=0.06,
            fontproperties={"size": 8},
        )
    _paint(axes, theme)


def _draw_bearings(axes: Axes, series: WindSeries, kind: str, scale: Normalize, theme: Theme) -> None:
    """The directions of the winds within reach, and the colours of their altitudes."""
    winds = series.winds[kind]
    moments, levels = np.nonzero(series.is_reachable)
    u, v = winds[moments, levels].T
    angles = np.degrees(np.arctan2(u, v))  # From the north clockwise.
    if series.follows:
        way = np.degrees(np.arctan2(-series.x, -series.y))
        angles = (angles - way[moments] + 180.0) % 360.0 - 180.0
        axes.set(ylim=(-180.0, 180.0), yticks=(-180, -90, 0, 90, 180))
        axes.axhline(0.0, color=theme.ink, linewidth=0.8, linestyle=":")
        label = "angle to the way to\nthe station [deg]"
    else:
        angles %= 360.0
        axes.set(ylim=(0.0, 360.0), yticks=(0, 90, 180, 270, 360))
        axes.set_yticklabels(["N", "E", "S", "W", "N"])
        label = "directions within reach\n(where it blows to)"
    axes.scatter(
        series.hours[moments],
        angles,
        c=series.height[levels] / METERS_PER_KM,
        cmap=_HEIGHTS,
        norm=scale,
        s=3.0,
        linewidths=0,
        rasterized=True,
    )
    if kind == KINDS[0]:
        axes.set_ylabel(label)
    _set_times(axes, series)
    axes.grid(color=theme.grid, linewidth=0.6)
    _paint(axes, theme)


def _draw_drift(axes: Axes, series: WindSeries, theme: Theme) -> None:
    colours = {"forecast": theme.flights[1], "truth": theme.ink, "belief": theme.flights[0]}
    for kind in KINDS:
        axes.plot(series.hours, series.drift[kind], color=colours[kind], label=kind, **_LINES[kind])
    values = np.concatenate(list(series.drift.values()))
    top = max(2.0, 1.25 * np.nanmax(values)) if np.isfinite(values).any() else 2.0
    axes.set_ylim(-0.04 * top, top)
    axes.set_title("Least mean drift of a balloon that changes levels; at 0 it can stay", fontsize=9.5, color=theme.ink)
    axes.set_ylabel("m/s")
    _set_times(axes, series)
    axes.set_xlabel("hours since the start of the episode")
    axes.grid(color=theme.grid, linewidth=0.6)
    legend = axes.legend(loc="upper right", ncols=3, fontsize=8.5, facecolor=theme.background, edgecolor=theme.grid)
    for text in legend.get_texts():
        text.set_color(theme.ink)
    _paint(axes, theme)


def _draw_deviation(axes: Axes, series: WindSeries, theme: Theme) -> Any:
    image = axes.imshow(
        series.deviation.T,
        aspect="auto",
        extent=_extent(series),
        interpolation="nearest",
        origin="lower",
        cmap="magma",
        vmin=0.0,
        vmax=PRIOR_VARIANCE**0.5,
    )
    if series.follows:
        axes.plot(series.hours, series.balloon_pressure / _PASCALS_PER_HPA, color="white", linewidth=1.2)
    axes.set_title("Uncertainty of the belief", fontsize=9.5, color=theme.ink)
    axes.set_xlabel("hours")
    _set_times(axes, series)
    _paint(axes, theme)
    return image


def _draw_wheel(axes: Any, theme: Theme) -> None:
    """What the colours of directions mean."""
    angles, speeds = np.linspace(0.0, 2.0 * np.pi, 121), np.linspace(0.0, FULL_COLOUR_SPEED, 11)
    middle_angle, middle_speed = np.meshgrid((angles[1:] + angles[:-1]) / 2, (speeds[1:] + speeds[:-1]) / 2)
    winds = np.stack([middle_speed * np.cos(middle_angle), middle_speed * np.sin(middle_angle)], axis=-1)
    axes.pcolormesh(angles, speeds, _colours(winds, theme))
    axes.set_xticks(np.radians([0, 90, 180, 270]), ["E", "N", "W", "S"])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.tick_params(colors=theme.ink, labelsize=8, pad=-3)
    axes.spines["polar"].set_color(theme.muted)
    axes.set_title(f"blows to;\nrim: {FULL_COLOUR_SPEED:.0f} m/s\nor more", fontsize=8, color=theme.ink, pad=8)


def _colours(winds: np.ndarray, theme: Theme) -> np.ndarray:
    """The colours of winds float[..., 2]: float[..., 3]. Calm has that of the background."""
    fraction = np.arctan2(winds[..., 1], winds[..., 0]) / (2.0 * np.pi) % 1.0
    share = np.clip(np.hypot(winds[..., 0], winds[..., 1]) / FULL_COLOUR_SPEED, 0.0, 1.0)[..., None]
    return share * _DIRECTIONS(fraction)[..., :3] + (1.0 - share) * np.array(to_rgb(theme.background))


def _figure(size: tuple[float, float], theme: Theme) -> Figure:
    figure = Figure(figsize=size, dpi=DPI, facecolor=theme.background, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.05, hspace=0.03, wspace=0.02)  # type: ignore[union-attr]
    return figure


def _paint(axes: Axes, theme: Theme) -> None:
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.muted, labelcolor=theme.ink, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(theme.ink)
        label.set_fontsize(9)
    for spine in axes.spines.values():
        spine.set_color(theme.muted)


def _narrow(axes: Axes) -> None:
    """A colour bar need not be as wide as its column."""
    axes.set_box_aspect(9.0)
    axes.set_anchor("W")


def _label_levels(axes: Axes, series: WindSeries, *, is_first: bool, is_last: bool) -> None:
    """Pressure on the left of the first map, altitude on the right of the last."""
    top, bottom = _pressure_limits(series)
    axes.set_ylim(bottom / _PASCALS_PER_HPA, top / _PASCALS_PER_HPA)
    axes.tick_params(labelleft=is_first)
    if is_first:
        axes.set_ylabel("pressure [hPa]")
    if is_last:
        pressures, heights = series.pressure / _PASCALS_PER_HPA, series.height / METERS_PER_KM

        def height_at(pressure: Any) -> Any:
            return np.interp(pressure, pressures, heights)

        def pressure_at(height: Any) -> Any:
            return np.interp(height, heights[::-1], pressures[::-1])

        other = axes.secondary_yaxis("right", functions=(height_at, pressure_at))
        other.set_ylabel("altitude [km]", color=axes.yaxis.label.get_color(), fontsize=9)
        other.tick_params(labelsize=8, colors=axes.yaxis.label.get_color())


def _set_times(axes: Axes, series: WindSeries) -> None:
    first, last = _extent(series)[:2]
    axes.set_xlim(first, last)
    step = _HOURS_BETWEEN_TICKS * (2.0 if last > 30.0 else 1.0 if last > 6.0 else 1.0 / 6.0)
    axes.set_xticks(np.arange(0.0, last + 1e-6, step))


def _extent(series: WindSeries) -> tuple[float, float, float, float]:
    """Hours, and hPa from the highest level to the lowest, of an image of the series."""
    last = series.hours[-1] if len(series.hours) > 1 else 1.0
    half = (series.pressure[1] - series.pressure[0]) / 2.0
    top, bottom = series.pressure[0] - half, series.pressure[-1] + half
    return 0.0, float(last), float(top) / _PASCALS_PER_HPA, float(bottom) / _PASCALS_PER_HPA


def _pressure_limits(series: WindSeries) -> tuple[float, float]:
    """Pa around the levels within reach; all levels where there are none."""
    used = series.pressure[series.is_reachable.any(axis=0)]
    used = used if len(used) else series.pressure
    low, high = float(used.min()) - _MARGIN, float(used.max()) + _MARGIN
    return max(low, float(series.pressure[0])), min(high, float(series.pressure[-1]))


def _reach_heights(series: WindSeries) -> tuple[float, float]:
    """km, of the levels within reach."""
    used = series.height[series.is_reachable.any(axis=0)]
    used = used if len(used) else series.height
    return float(used.min()) / METERS_PER_KM, float(used.max()) / METERS_PER_KM


def _speed_limit(series: WindSeries) -> float:
    """A speed that hardly any wind within reach exceeds, m/s."""
    speeds = [np.hypot(*winds[series.is_reachable].T) for winds in series.winds.values()]
    speeds = np.concatenate(speeds)
    return max(5.0, 1.1 * float(np.percentile(speeds, 99.5))) if len(speeds) else 10.0


def _spread(length: int, number: int) -> np.ndarray:
    """Indices of `number` things in the middles of equal parts of `length` things; all of them if they are fewer."""
    if length <= number:
        return np.arange(length)
    return ((np.arange(number) + 0.5) * length / number).astype(int)
