"""Pictures of flights. Importing this imports no drawing library: each renderer's module imports its own."""

from ble_env.rendering.panel import styled_text_panel, text_panel
from ble_env.rendering.renderer import Renderer
from ble_env.rendering.track import FlightRecorder, Points, Track

__all__ = ["FlightRecorder", "Points", "Renderer", "Track", "styled_text_panel", "text_panel"]
