"""Flights as text: numbers, bars and a small map, for terminals and logs. It needs no library besides numpy."""

import datetime
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ble_env.options import MIN_COLUMNS, MIN_ROWS
from ble_env.rendering.track import NO_ACTION, Points, Track, map_half_width
from ble_sim.constants import SECONDS_PER_HOUR

_NUMBERS_WIDTH = 38
_NUMBERS_HEIGHT = 13
_LEAST_MAP = 6  # Rows of a map that is worth its place.
_ACTIONS = {0: "down", 1: "stay", 2: "up", NO_ACTION: "-"}
_FAILURES = {1: "out of power", 2: "burst", 3: "no superpressure"}
_BRAILLE = 0x2800
_BRAILLE_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Bits of the four rows and two columns of dots in a character."""


class Span(NamedTuple):
    """A part of a line."""

    text: str
    style: str
    """"" (plain), "dim", "strong", "warning", or "flight0", "flight1", ... by the place of the flight."""


def text_panel(tracks: Sequence[Track], width: int = 78, height: int = 22, *, ascii_only: bool = False) -> list[str]:
    """Flights as lines of text.

    One flight has its numbers beside a map, and several have a row each above a map. Where the panel is too low for a
    map, it is left out.

    Args:
        tracks: of the flights, at least one; they may be empty.
        width: characters of each line, at least 40.
        height: number of lines, at least 5.
        ascii_only: whether to use the characters of ASCII alone.

    Raises:
        ValueError: there is no track, or the panel is too small.
    """
    return [
        "".join(span.text for span in line) for line in styled_text_panel(tracks, width, height, ascii_only=ascii_only)
    ]


def styled_text_panel(
    tracks: Sequence[Track], width: int = 78, height: int = 22, *, ascii_only: bool = False
) -> list[list[Span]]:
    """The lines of `text_panel` with what each part of them is, for terminals with colours."""
    if not tracks:
        raise ValueError("there is no flight: give at least one track")
    if width < MIN_COLUMNS or height < MIN_ROWS:
        raise ValueError(f"the panel must have at least {MIN_COLUMNS} x {MIN_ROWS} characters, got {width} x {height}")
    grid = _Grid(width, height, ascii_only)
    if len(tracks) == 1:
        _draw_one(grid, tracks[0])
    else:
        _draw_several(grid, tracks)
    return grid.lines()


class _Grid:
    """Characters and their styles."""

    def __init__(self, width: int, height: int, ascii_only: bool) -> None:
        self.width, self.height, self.ascii_only = width, height, ascii_only
        self._characters = [[" "] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]

    def put(self, row: int, column: int, text: str, style: str = "") -> None:
        """Write text; what does not fit is cut off."""
        if 0 <= row < self.height:
            for i, character in enumerate(text, column):
                if 0 <= i < self.width:
                    self._characters[row][i] = character
                    self._styles[row][i] = style

    def lines(self) -> list[list[Span]]:
        lines = []
        for characters, styles in zip(self._characters, self._styles, strict=True):
            line: list[Span] = []
            for character, style in zip(characters, styles, strict=True):
                if line and line[-1].style == style:
                    line[-1] = Span(line[-1].text + character, style)
                else:
                    line.append(Span(character, style))
            lines.append(line)
        return lines


def _draw_one(grid: _Grid, track: Track) -> None:
    points = track.points()
    _draw_title(grid, [track], [points], track.name)
    map_height = grid.height - 1
    map_width = min(2 * map_height, grid.width - _NUMBERS_WIDTH)
    if map_height < max(_LEAST_MAP, _NUMBERS_HEIGHT) or map_width < 2 * _LEAST_MAP:
        _draw_few_numbers(grid, points, track.station_keeping_radius_km)
        return
    _draw_map(grid, 1, 0, map_width, min(map_height, map_width // 2 + 1), [track], [points])
    _draw_numbers(grid, map_width + 2, points, track.station_keeping_radius_km)


def _draw_title(grid: _Grid, tracks: Sequence[Track], flights: Sequence[Points], title: str) -> None:
    longest = max(range(len(flights)), key=lambda i: len(flights[i].hours))
    points = flights[longest]
    if not len(points.hours):
        text = "before the start"
    else:
        seconds = tracks[longest].start_time + points.hours[-1] * SECONDS_PER_HOUR
        clock = datetime.datetime.fromtimestamp(round(seconds), datetime.UTC)
        light = "day" if points.solar_power[-1] > 0.0 else "night"
        text = f"{points.hours[-1]:.1f} h  {clock:%Y-%m-%d %H:%M} UTC  {light}"
    grid.put(0, 0, title[: max(0, grid.width - len(text) - 2)], "strong")
    grid.put(0, grid.width - len(text), text, "dim")


def _draw_numbers(grid: _Grid, left: int, points: Points, radius: float) -> None:
    rows = _number_rows(points, radius)
    spacing = 2 if grid.height >= 2 * len(rows) + 2 else 1
    bar_width = min(14, grid.width - left - 22)
    for number, (label, value, style, share) in enumerate(rows):
        row = 2 + spacing * number
        grid.put(row, left, label, "dim")
        grid.put(row, left + 10, value, style)
        if share is not None and bar_width >= 4:
            grid.put(row, left + 22, _bar(share, bar_width, grid.ascii_only), style or "dim")


def _draw_few_numbers(grid: _Grid, points: Points, radius: float) -> None:
    """In columns below the title."""
    columns = max(1, grid.width // 38)
    for number, (label, value, style, _) in enumerate(_number_rows(points, radius)):
        row, column = divmod(number, columns)
        grid.put(1 + row, column * (grid.width // columns), label, "dim")
        grid.put(1 + row, column * (grid.width // columns) + 10, value, style)


def _number_rows(points: Points, radius: float) -> list[tuple[str, str, str, float | None]]:
    """(label, value, style, share of the bar) of one flight."""
    twr_label = f"TWR{radius:g}"
    if not len(points.x):
        labels = ("distance", "altitude", "battery", "wind", "action", "safety", "reward", twr_label)
        return [(label, "-", "", None) for label in labels]
    now = Points(*(column[-1] for column in points))
    speed = math.hypot(now.wind_u, now.wind_v)
    away = (now.wind_u * now.x + now.wind_v * now.y) / max(now.distance, 1e-9)
    reach = now.highest_pressure - now.lowest_pressure
    height = (now.highest_pressure - now.pressure) / reach if reach > 0.0 else 0.0
    layers = _layers(now)
    failure = _FAILURES.get(int(now.status))
    place, style = ("inside", "strong") if now.is_inside else ("outside", "")
    has_twr = not np.isnan(now.twr)
    twr = f"{100.0 * now.twr:.1f} %" if has_twr else "-"
    rows = [
        ("distance", f"{now.distance:.1f} km, {place}", style, None),
        ("altitude", f"{now.altitude:.2f} km", "", height),
        ("battery", f"{now.battery:.0f} %", "warning" if now.paused_power else "", now.battery / 100.0),
        ("wind", f"{speed:.1f} m/s, {abs(away):.1f} {'away' if away > 0.0 else 'to station'}", "", None),
        ("action", _action(points), "warning" if points.is_overruled[-1] else "", None),
        ("safety", layers or "no layer acts", "warning" if layers else "", None),
        ("reward", _reward(now), "", None),
        (twr_label, twr, "strong", now.twr if has_twr else None),
    ]
    return [*rows, ("ended", failure, "warning", None)] if failure else rows


def _action(points: Points) -> str:
    chosen, effective = int(points.action[-1]), int(points.effective_action[-1])
    if chosen == effective:
        return _ACTIONS[chosen]
    return f"{_ACTIONS[chosen]}, overruled: {_ACTIONS[effective]}"


def _layers(now: Points) -> str:
    names = {"power": now.paused_power, "envelope": now.paused_envelope, "altitude": now.paused_altitude}
    acting = [name for name, is_acting in names.items() if is_acting]
    if len(acting) == len(names):
        return "all three layers"
    return f"{', '.join(acting)} layer{'s' * (len(acting) > 1)}" if acting else ""


def _reward(now: Points) -> str:
    return "-" if np.isnan(now.reward) else f"{now.reward:.2f}, mean {now.mean_reward:.3f}"


def _draw_several(grid: _Grid, tracks: Sequence[Track]) -> None:
    flights = [track.points() for track in tracks]
    radius = tracks[0].station_keeping_radius_km
    _draw_title(grid, tracks, flights, f"{len(tracks)} flights")
    columns = {"distance": 12, "altitude": 10, "battery": 8, "action": 16, f"TWR{radius:g}": 8}
    name_width = grid.width - sum(columns.values())
    if name_width < 12:  # A narrow panel has no actions.
        del columns["action"]
        name_width = grid.width - sum(columns.values())
    if name_width < 8:
        del columns["altitude"]
        name_width = grid.width - sum(columns.values())
    place = name_width
    for label, width in columns.items():
        grid.put(1, place, f"{label:>{width}}", "dim")
        place += width
    for number, (track, points) in enumerate(zip(tracks, flights, strict=True)):
        grid.put(2 + number, 0, f"{number + 1} {track.name}"[: name_width - 1], f"flight{number}")
        place = name_width
        for label, width in columns.items():
            text, style = _cell(label, points)
            grid.put(2 + number, place, f"{text:>{width}}", style)
            place += width
    top = 3 + len(tracks)
    map_height = grid.height - top
    if map_height >= _LEAST_MAP:
        map_width = min(2 * map_height, grid.width)
        _draw_map(grid, top, (grid.width - map_width) // 2, map_width, map_height, tracks, flights)


def _cell(label: str, points: Points) -> tuple[str, str]:
    """The text and style of a flight's cell in the table."""
    if not len(points.x):
        return "-", ""
    now = Points(*(column[-1] for column in points))
    if label == "distance":
        return f"{now.distance:.1f} km", "strong" if now.is_inside else ""
    if label == "altitude":
        return f"{now.altitude:.2f} km", ""
    if label == "battery":
        return f"{now.battery:.0f} %", "warning" if now.paused_power else ""
    if label == "action":
        if int(now.status) in _FAILURES:
            return _FAILURES[int(now.status)][:15], "warning"
        chosen, effective = _ACTIONS[int(now.action)], _ACTIONS[int(now.effective_action)]
        return (chosen, "") if chosen == effective else (f"{chosen} -> {effective}", "warning")
    return ("-" if np.isnan(now.twr) else f"{100.0 * now.twr:.1f} %"), "strong"


def _bar(share: float, width: int, ascii_only: bool) -> str:
    full = round(min(max(share, 0.0), 1.0) * width)
    return ("#" if ascii_only else "█") * full + ("." if ascii_only else "░") * (width - full)


def _draw_map(
    grid: _Grid, top: int, left: int, width: int, height: int, tracks: Sequence[Track], flights: Sequence[Points]
) -> None:
    """A map of `width` x `height` characters, which are twice as high as wide."""
    radius = tracks[0].station_keeping_radius_km
    half_width = map_half_width(flights, radius)
    # As many kilometres to a column as to half a row.
    km_per_column = 2.0 * half_width / min(width, 2 * height)
    across, down = (1, 1) if grid.ascii_only else (2, 4)  # Dots of a character.

    def place(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns = np.floor((0.5 * width + x / km_per_column) * across).astype(int)
        rows = np.floor((0.5 * height - y / (2.0 * km_per_column)) * down).astype(int)
        return rows, columns

    dots = np.zeros((height * down, width * across), int)  # 0 nothing, 1 the circle, 2 + i a flight.

    def mark(x: np.ndarray, y: np.ndarray, value: int) -> None:
        rows, columns = place(x, y)
        is_seen = (rows >= 0) & (rows < dots.shape[0]) & (columns >= 0) & (columns < dots.shape[1])
        dots[rows[is_seen], columns[is_seen]] = value

    angle = np.linspace(0.0, 2.0 * np.pi, 4 * width if grid.ascii_only else 8 * width)
    mark(radius * np.cos(angle), radius * np.sin(angle), 1)
    for number, points in enumerate(flights):
        if len(points.x):
            fine = np.linspace(0, len(points.x) - 1, 8 * len(points.x))
            steps = np.arange(len(points.x))
            mark(np.interp(fine, steps, points.x), np.interp(fine, steps, points.y), 2 + number)
    for row in range(height):
        for column in range(width):
            cell = dots[row * down : (row + 1) * down, column * across : (column + 1) * across]
            owner = int(cell.max())
            if owner:
                style = "dim" if owner == 1 else f"flight{owner - 2}"
                grid.put(top + row, left + column, _dotted(cell, owner, len(flights), grid.ascii_only), style)

    def sign(x: float, y: float, text: str, style: str) -> None:
        rows, columns = place(np.array([x]), np.array([y]))
        grid.put(top + int(rows[0]) // down, left + int(columns[0]) // across, text, style)

    sign(0.0, 0.0, "+", "strong")
    for number, points in enumerate(flights):
        if len(points.x):
            text = "@" if len(flights) == 1 else str(number + 1)
            sign(points.x[-1], points.y[-1], text, f"flight{number}")
    grid.put(top + height - 1, left, f"{2.0 * half_width:g} km wide", "dim")


def _dotted(cell: np.ndarray, owner: int, num_flights: int, ascii_only: bool) -> str:
    if not ascii_only:
        return chr(_BRAILLE + int(_BRAILLE_DOTS[cell > 0].sum()))
    if owner == 1:
        return "."
    return "o" if num_flights == 1 else "abcdefgh"[(owner - 2) % 8]
