"""The winds as a table of text, narrow enough for a terminal of 80 columns."""

from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from ble_sim.constants import METERS_PER_KM

if TYPE_CHECKING:
    from ble_eval.winds.series import WindSeries

NUM_ROWS = 7
NUM_COLUMNS = 7
"""Levels and moments that are shown."""
COMPASS = ("E", "ENE", "NE", "NNE", "N", "NNW", "NW", "WNW", "W", "WSW", "SW", "SSW", "S", "SSE", "SE", "ESE")
"""From the east counter-clockwise."""
_PASCALS_PER_HPA = 100.0


def direction_name(u: float, v: float) -> str:
    """The point of the compass that a wind blows to, of sixteen; u to the east, v to the north."""
    return COMPASS[round(np.arctan2(v, u) / (2.0 * np.pi) * len(COMPASS)) % len(COMPASS)]


def wind_table(series: "WindSeries") -> Table:
    """Speed and direction of the forecast, the truth and the belief, one below the other, for levels and moments.

    The levels are those within reach at any moment; where one is out of reach its wind has parentheses.
    """
    moments = np.unique(np.linspace(0, len(series.hours) - 1, NUM_COLUMNS).round().astype(int))
    used = np.flatnonzero(series.is_reachable.any(axis=0))
    levels = np.unique(np.linspace(used[0], used[-1], NUM_ROWS).round().astype(int)) if len(used) else used
    table = Table(
        title=f"{series.title}\nspeed in m/s, direction that it blows to; (out of reach)",
        title_justify="left",
        title_style="",
        padding=(0, 0),
    )
    table.add_column("hPa", justify="right")
    table.add_column("km", justify="right")
    for moment in moments:
        table.add_column(f"{series.hours[moment]:.3g} h", justify="right", no_wrap=True)
    for kind, winds in series.winds.items():
        table.add_row(Text(kind, style="bold", no_wrap=True, overflow="ignore"))
        for level in levels:
            cells = [_cell(winds[moment, level], bool(series.is_reachable[moment, level])) for moment in moments]
            pressure, height = series.pressure[level] / _PASCALS_PER_HPA, series.height[level] / METERS_PER_KM
            table.add_row(f"{pressure:.0f}", f"{height:.1f}", *cells)
        drifts = [f"{series.drift[kind][moment]:.1f}  " for moment in moments]
        table.add_row("least drift", "", *drifts, style="italic", end_section=True)
    return table


def _cell(wind: np.ndarray, is_reachable: bool) -> str:
    u, v = wind
    text = f"{np.hypot(u, v):.0f} {direction_name(u, v):<3}"
    return f"{text} " if is_reachable else f"({text.strip()})"
