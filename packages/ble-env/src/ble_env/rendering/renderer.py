"""The interface of renderers."""

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np

from ble_env.task_parts import choice_of
from ble_sim.plugins import unknown_name
from ble_sim.plugins.registries import RENDERERS


class Renderer(abc.ABC):
    """Draws the flight of one balloon from the infos of `BalloonEnv`.

    For each flight `reset` is called, then `step` once for the start and once after every step.
    """

    shows_winds: bool = False
    """Whether `step` needs the winds of all levels. Environments compute them only for a renderer that says so."""

    @property
    @abc.abstractmethod
    def render_modes(self) -> tuple[str, ...]:
        """The modes of `render`, in Gymnasium's names: "human" shows a picture, "rgb_array" returns one."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Forget the flight: a new one begins."""

    @abc.abstractmethod
    def step(self, info: Mapping[str, Any]) -> None:
        """Add a point to the flight.

        Args:
            info: of `BalloonEnv.reset`, once after each `reset` of the renderer, and of each `BalloonEnv.step`. Beside
                the environment's keys it has `action` (int, what the agent chose) and `reward` (float), which are None
                at the start of a flight, and if `shows_winds` is set, `winds`: a
                `ble_env.wind_column.WindColumn` of numpy arrays at the balloon's place and time.
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

    def close(self) -> None:  # noqa: B027 - optional
        """Release resources such as a window. By default there are none."""


RENDER_MODES = ("human", "rgb_array", "ansi")
"""The modes that environments have without a renderer of others."""


def make_renderer(
    given: str | Mapping[str, Any] | Renderer | None, mode: str, station_keeping_radius_km: float
) -> Renderer:
    """The renderer that an environment's arguments describe.

    Args:
        given: a name, {"name": NAME, "options": {...}}, or a renderer. None is "text" for the mode "ansi", which needs
            no library, and "matplotlib" for the others.
        mode: one of its render modes.
        station_keeping_radius_km: of the task.

    Raises:
        UnknownNameError: no renderer has the name, or it has no such mode; a ValueError.
        ValueError: an option is not allowed.
        TypeError: `given` is something else.
    """
    if given is None:
        if mode not in RENDER_MODES:
            raise unknown_name("render mode", mode, RENDER_MODES)
        given = "text" if mode == "ansi" else "matplotlib"
    if isinstance(given, str | Mapping):
        choice = choice_of(RENDERERS, given)
        given = RENDERERS.make(choice.name, station_keeping_radius_km, options=choice.options)
    if not isinstance(given, Renderer):
        raise TypeError(f"renderer is a {type(given).__qualname__}: give a ble_env.Renderer, or a name.")
    if mode not in given.render_modes:
        raise unknown_name("render mode", mode, given.render_modes)
    return given


def with_step(info: Mapping[str, Any], action: int | None, reward: float | None, winds: Any = None) -> dict[str, Any]:
    """What `Renderer.step` receives: an environment's info and what the step was; see there for the keys."""
    return {**info, "action": action, "reward": reward} | ({} if winds is None else {"winds": winds})
