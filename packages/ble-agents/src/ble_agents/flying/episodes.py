"""Episodes as their observers see them: a step, a finished episode, and a watcher of those in the air."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ble_env.diagnostics import Diagnostics
from ble_env.host.snapshot import Snapshot


class EpisodeStep(NamedTuple):
    """One step of an episode, as an observer receives it."""

    step: int
    """Number of the step, from 0."""
    action: int
    observation: Any
    """After the action."""
    reward: float
    terminated: bool
    truncated: bool
    """Whether a time limit ends the episode: the environment's, or `max_steps`."""
    info: Mapping[str, Any]


class EpisodeSummary(NamedTuple):
    """A finished episode."""

    reward: float
    """Sum of the rewards."""
    steps_inside: int | None
    """Number of steps that ended within the station-keeping radius; None if the info has no "inside_radius"."""
    last: EpisodeStep

    @property
    def length(self) -> int:
        """Number of steps."""
        return self.last.step + 1


class FlownEpisode(NamedTuple):
    """A finished episode of `fly_side_by_side`, step by step."""

    seed: int
    rewards: np.ndarray
    """float64[steps]"""
    diagnostics: Diagnostics
    """After each step: numpy arrays [steps], float64 where they are no booleans or integers."""


class EpisodeWatcher:
    """Sees episodes while they are flown: a base class, whose methods do nothing.

    They are called in the thread that flies. What they raise ends the flight, and the time that they take passes in it.
    """

    def begin(self, seed: int, info: Mapping[str, Any], snapshot: Callable[[], Snapshot]) -> None:
        """An episode has begun.

        Args:
            seed: of the episode.
            info: of `BalloonEnv.reset`.
            snapshot: of the flight at this moment; it can be called until this method returns.
        """

    def step(self, seed: int, step: EpisodeStep, snapshot: Callable[[], Snapshot]) -> None:
        """A step of an episode is flown. The arguments are those of `begin`, and the step."""


def place_in_episode(seed: int | None, number: int) -> str:
    """Where an episode is, for messages. Steps count from 1 there, and 0 is the reset."""
    return f"at step {number} of the episode" + ("" if seed is None else f" of seed {seed}")
