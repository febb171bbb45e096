"""Flights drawn with matplotlib: `pip install "ble-env[render]"`."""

from typing import Any

import numpy as np

from ble_env.options import MatplotlibOptions
from ble_env.rendering.flight_picture import OffScreen, Window
from ble_env.rendering.track import TrackRenderer


class MatplotlibRenderer(TrackRenderer):
    """Draws a large map of the flight, and over time its altitude, actions, battery and rewards.

    The altitude is drawn in front of the winds of all levels: blue where they would carry the balloon towards the
    station, and orange where away from it. They fade where the balloon cannot go. Red are actions that the safety
    layers changed, and times in which the power layer restricts the agent. Nights are shaded. The options turn the map
    into a view in three dimensions.

    The map reaches 100 km from the station each way, and the time axes have the options' hours. Where a flight goes
    farther or lasts longer, they grow in steps.

    "rgb_array" needs no display, and does not use pyplot. "human" shows the flight in a window of pyplot, one for each
    renderer, and does not block. A window that the user closes is not opened again before the next flight. Without a
    display pyplot shows nothing.

    Args:
        station_keeping_radius_km: of the circle around the station.
        options: of the picture. By default it has 512 x 320 pixels, 0.5 MB, so all pictures of an episode have 0.47 GB,
            as `gymnasium.wrappers.RecordVideo` keeps them in memory.
        name: of the flight.
    """

    def __init__(
        self, station_keeping_radius_km: float, options: MatplotlibOptions = MatplotlibOptions(), name: str = ""
    ) -> None:
        super().__init__(station_keeping_radius_km, name)
        self._arguments = [name], station_keeping_radius_km, options
        self.shows_winds = options.winds
        self._off_screen: OffScreen | None = None
        self._window: Window | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Canvases and windows can be neither copied nor pickled: a copy draws on its own.
        return vars(self) | {"_off_screen": None, "_window": None}

    @property
    def render_modes(self) -> tuple[str, ...]:
        return "human", "rgb_array"

    def reset(self) -> None:
        super().reset()
        if self._window is not None and not self._window.is_open:
            self._window = None

    def render(self, mode: str) -> np.ndarray | None:
        self.check_render(mode)
        if mode == "rgb_array":
            if self._off_screen is None:
                self._off_screen = OffScreen(*self._arguments)
            return self._off_screen.draw([self.track])
        if self._window is None:
            self._window = Window(*self._arguments)
        self._window.draw([self.track])
        return None

    def close(self) -> None:
        """Close this renderer's window. A later `render` opens another."""
        if self._window is not None:
            self._window.close()
        self._off_screen = self._window = None
