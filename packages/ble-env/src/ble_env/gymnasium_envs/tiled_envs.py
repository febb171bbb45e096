"""The environments of one tile: their streams of episodes, their time limits, and when they begin anew."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import jax
import numpy as np
from gymnasium.vector import AutoresetMode

from ble_env.gymnasium_envs.single import Snapshot
from ble_env.host.seeding import next_episode_keys, start_streams
from ble_env.host.tile import Tile
from ble_sim.constants import STEP_SECONDS


class Told(NamedTuple):
    """What environments are told: arrays with a row for each."""

    observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    telemetry: np.ndarray
    """Of the fields of `ble_env.diagnostics.Diagnostics`"""
    start_time: np.ndarray
    """Of the episode, seconds since 1970 UTC"""


class TiledEnvs:
    """Environments that share a tile and nothing with those of other tiles, so that tiles can be flown in threads.

    Args:
        tile: its lanes are the environments; those beyond them are padding that is never reset.
        seeds: of their streams of episodes, whose first episodes are passed over as in `BalloonEnv`.
        max_episode_steps: truncate an episode after so many steps.
        autoreset_mode: when the next episode begins after one has ended.
    """

    def __init__(
        self, tile: Tile, seeds: Sequence[int], max_episode_steps: int | None, autoreset_mode: AutoresetMode
    ) -> None:
        self._tile = tile
        self._num_envs = len(seeds)
        self._max_episode_steps = max_episode_steps
        self._autoreset_mode = autoreset_mode
        self._is_over = np.zeros(self._num_envs, bool)
        self._num_steps = np.zeros(self._num_envs, int)
        self._streams = np.zeros((tile.size, 2), np.uint32)
        lanes = np.arange(self._num_envs)
        self.seed(lanes, seeds)
        self._next_episode_keys(lanes)

    @property
    def is_over(self) -> np.ndarray:
        """Whether the episode of each environment has ended and the next has not begun: bool[num_envs]."""
        return self._is_over

    def seed(self, lanes: np.ndarray, seeds: Sequence[int]) -> None:
        """Start the streams of some environments anew."""
        padded = np.zeros(self._tile.size, np.uint32)
        padded[lanes] = seeds
        with self._tile.scope():
            self._streams[lanes] = start_streams(padded)[lanes]

    def reset(self, lanes: np.ndarray, changes: Mapping[str, float] = MappingProxyType({})) -> Told:
        """Begin the next episodes of some environments; `changes` are as of `Tile.reset`."""
        if lanes.size:
            self._tile.reset(lanes, self._next_episode_keys(lanes), changes)
            self._num_steps[lanes] = 0
            self._is_over[lanes] = False
        return self.told()

    def step(self, actions: np.ndarray) -> tuple[Told, Told]:
        """Fly one step, or begin the next episode where it is due.

        Args:
            actions: int32[num_envs].

        Returns:
            What the environments are told, and what those were told whose episode ended and the next has begun
            already: their last observation and telemetry.
        """
        is_due = self._is_over & (self._autoreset_mode == AutoresetMode.NEXT_STEP)
        if not is_due.all():
            padded = np.ones(self._tile.size, np.int32)
            padded[: self._num_envs] = actions
            self._tile.step(padded)
        self._num_steps += 1
        told = self.reset(np.flatnonzero(is_due))
        told = told._replace(reward=np.where(is_due, 0.0, told.reward))
        self._is_over = told.terminated | told.truncated
        if self._autoreset_mode != AutoresetMode.SAME_STEP or not self._is_over.any():
            return told, told
        begun = self.reset(np.flatnonzero(self._is_over))
        return told._replace(
            observation=begun.observation, telemetry=begun.telemetry, start_time=begun.start_time
        ), told

    def told(self) -> Told:
        """What the environments are told as they stand."""
        observation, reward, terminated, telemetry, start_time = (
            leaf[: self._num_envs]
            for leaf in jax.device_get((*self._tile.flights.outcome, self._tile.flights.scenario.start_time))
        )
        limit = np.inf if self._max_episode_steps is None else self._max_episode_steps
        truncated = self._num_steps >= limit
        return Told(observation, reward.astype(np.float64), terminated, truncated, telemetry, start_time)

    def flights(self) -> Snapshot:
        """The flights of the environments; leaves are views of memory that the next step may change."""
        state = Snapshot(self._tile.flights.scenario, self._tile.flights.state)
        return jax.tree.map(lambda leaf: leaf[: self._num_envs], jax.device_get(state))

    def restore(self, lanes: np.ndarray, flights: Snapshot) -> None:
        """Continue in some environments from states with a leading axis, a row for each."""
        outcome = self._tile.restore(lanes, *flights)
        self._num_steps[lanes] = np.asarray(flights.state.elapsed) // STEP_SECONDS
        self._is_over[lanes] = np.asarray(outcome.terminated)[lanes]

    @property
    def streams(self) -> np.ndarray:
        """Where the stream of episodes of each environment is: uint32[num_envs, 2]."""
        return self._streams[: self._num_envs]

    def continue_streams(self, streams: np.ndarray, is_over: np.ndarray) -> None:
        """Set the streams, and which episodes have ended, as they were in environments that are being restored."""
        self._streams[: self._num_envs] = streams
        self._is_over[:] = is_over

    def _next_episode_keys(self, lanes: np.ndarray) -> np.ndarray:
        # All of them and then some, so that it is compiled once for every number.
        with self._tile.scope():
            streams, keys = next_episode_keys(self._streams)
        self._streams[lanes] = streams[lanes]
        return keys[lanes]
