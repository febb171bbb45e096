"""Flights as text, without a drawing library."""

from ble_env.options import TextOptions
from ble_env.rendering.panel import text_panel
from ble_env.rendering.track import TrackRenderer


class TextRenderer(TrackRenderer):
    """The flight as a panel of text: distance, altitude, battery, actions, rewards, and a small map.

    It shows what the agent chose last and what the safety layers made of it. The bar beside the altitude is the
    balloon's place between the highest and the lowest pressure within reach.

    Args:
        station_keeping_radius_km: of the circle around the station.
        options: size and characters of the panel.
        name: of the flight.
    """

    def __init__(self, station_keeping_radius_km: float, options: TextOptions = TextOptions(), name: str = "") -> None:
        super().__init__(station_keeping_radius_km, name)
        self._options = options

    @property
    def render_modes(self) -> tuple[str, ...]:
        return ("ansi",)

    def render(self, mode: str) -> str:
        self.check_render(mode)
        options = self._options
        lines = text_panel([self.track], options.width, options.height, ascii_only=options.ascii_only)
        return "\n".join(line.rstrip() for line in lines)
