"""A renderer without a library: the flight as a line of text."""

from collections.abc import Mapping
from typing import Any

from ble_env import Renderer


class LineRenderer(Renderer):
    """A letter for each step: I inside the radius, o outside."""

    def __init__(self, station_keeping_radius_km: float) -> None:
        self._radius = station_keeping_radius_km
        self._letters = ""

    @property
    def render_modes(self) -> tuple[str, ...]:
        return ("ansi",)

    def reset(self) -> None:
        self._letters = ""

    def step(self, info: Mapping[str, Any]) -> None:
        self._letters += "I" if info["inside_radius"] else "o"

    def render(self, mode: str) -> str:
        return f"{self._letters} ({self._radius:g} km)"
