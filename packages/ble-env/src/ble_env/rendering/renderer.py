"""What a renderer is."""

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np


class Renderer(abc.ABC):
    """Draws the flight of one balloon from what `BalloonEnv` tells in its infos.

    A flight is a call of `reset`, then one of `step` for the start and one after every step.
    """

    @property
    @abc.abstractmethod
    def render_modes(self) -> tuple[str, ...]:
        """What `render` takes, in Gymnasium's names: "human" shows, "rgb_array" returns a picture."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Forget the flight: a new one begins."""

    @abc.abstractmethod
    def step(self, info: Mapping[str, Any]) -> None:
        """Take note of where the flight is now.

        Args:
            info: of `BalloonEnv.reset`, once after each `reset` of the renderer, and of each `BalloonEnv.step`.
        """

    @abc.abstractmethod
    def render(self, mode: str) -> np.ndarray | str | None:
        """Draw the flight so far.

        Returns:
            For "rgb_array" uint8[height, width, 3], for "ansi" a text, for "human" nothing.

        Raises:
            ValueError: `mode` is none of `render_modes`.
            RuntimeError: there is no flight yet.
        """

    def close(self) -> None:  # noqa: B027 - most hold nothing.
        """Release what drawing holds, such as a window. By default there is nothing to release."""
