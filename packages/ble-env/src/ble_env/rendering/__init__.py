"""Pictures of flights. Importing this imports no drawing library: each renderer's module imports its own."""

from ble_env.rendering.renderer import Renderer

__all__ = ["Renderer"]
