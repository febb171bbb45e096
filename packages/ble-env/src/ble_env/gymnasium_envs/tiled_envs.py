"""The environments of one tile: their streams of episodes, their time limits and their automatic resets."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import jax
import numpy as np
from gymnasium.vector import AutoresetMode

from ble_env.host.finite import check_flight
from ble_env.host.seeding import episode_name, next_episode_keys, start_streams
from ble_env.host.snapshot import Snapshot
from ble_env.host.tile import Tile
from ble_env.task import Task
from ble_env.wind_column import WindColumn
from ble_sim.constants import STEP_SECONDS
from ble_sim.scenario import Scenario
from ble_sim.state import SimState


class Transitions(NamedTuple):
    """The transitions of environments: arrays with a row for each."""

    observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    diagnostics: np.ndarray
    """Packed, float[num_envs, fields]."""
    start_time: np.ndarray
    """Of the episode, seconds since 1970 UTC."""


class VectorEnvState(NamedTuple):
    """All that the steps of environments depend on: arrays with a row for each environment."""

    episode_keys: np.ndarray
    """uint32[num_envs, 2]. The forecasts, which are most of a scenario, are made of them again."""
    scenarios: Scenario
    """Without the forecasts."""
    states: SimState
    streams: np.ndarray
    """uint32[num_envs, 2], where the stream of episodes of each is."""
    is_over: np.ndarray
    """bool[num_envs], whether its episode has ended and the next has not begun."""


class TiledEnvs:
    """Environments that share a tile and nothing with those of other tiles, so that tiles can be flown in threads.

    Args:
        tile: its lanes are the environments; those beyond them are padding that is never reset.
        task: of the tile.
        first: index of the first of these environments, for messages.
        seeds: of their streams of episodes, whose first episodes are skipped as in `BalloonEnv`.
        max_episode_steps: truncate an episode after so many steps.
        autoreset_mode: when the next episode begins after one has ended.
    """

    def __init__(
        self,
        tile: Tile,
        task: Task,
        first: int,
        seeds: Sequence[int],
        max_episode_steps: int | None,
        autoreset_mode: AutoresetMode,
    ) -> None:
        self._tile = tile
        self._task = task
        self._first = first
        self._num_envs = len(seeds)
        self._max_episode_steps = max_episode_steps
        self._autoreset_mode = autoreset_mode
        self.is_over = np.zeros(self._num_envs, bool)
        """Whether the episode of each environment has ended and the next has not begun."""
        self._num_steps = np.zeros(self._num_envs, int)
        self._streams = np.zeros((tile.size, 2), np.uint32)
        self._seeds = [0] * self._num_envs
        self._num_episodes = np.zeros(self._num_envs, int)
        self._episode_keys = np.zeros((self._num_envs, 2), np.uint32)
        self._has_key = np.zeros(self._num_envs, bool)
        """False in an episode that goes on from a snapshot."""
        self._episodes = [""] * self._num_envs
        """For messages."""
        lanes = np.arange(self._num_envs)
        self.seed(lanes, seeds)
        self._next_episode_keys(lanes)

    def seed(self, lanes: np.ndarray, seeds: Sequence[int]) -> None:
        """Start new streams in some environments."""
        self._streams[lanes] = start_streams(seeds)
        self._num_episodes[lanes] = 0
        for lane, seed in zip(lanes, seeds, strict=True):
            self._seeds[lane] = seed

    def reset(self, lanes: np.ndarray, changes: Mapping[str, float] = MappingProxyType({})) -> Transitions:
        """Begin the next episodes of some environments; see `Tile.reset` for `changes`."""
        if lanes.size:
            self._episode_keys[lanes] = self._next_episode_keys(lanes)
            self._has_key[lanes] = True
            self._tile.reset(lanes, self._episode_keys[lanes], changes)
            self._num_steps[lanes] = 0
            self.is_over[lanes] = False
        return self.transitions()

    def step(self, actions: np.ndarray) -> tuple[Transitions, Transitions]:
        """Fly one step, or begin the next episode where it is due.

        Args:
            actions: int32[num_envs].

        Returns:
            The transitions that the environments report, and those before a reset in the same step: they have the last
            observations and diagnostics of the episodes that ended in this step.
        """
        is_due = self.is_over & (self._autoreset_mode == AutoresetMode.NEXT_STEP)
        if not is_due.all():
            padded = np.ones(self._tile.size, np.int32)
            padded[: self._num_envs] = actions
            self._tile.step(padded)
        self._num_steps += 1
        last = self.reset(np.flatnonzero(is_due))
        last = last._replace(reward=np.where(is_due, 0.0, last.reward))
        self.is_over = last.terminated | last.truncated
        if self._autoreset_mode != AutoresetMode.SAME_STEP or not self.is_over.any():
            return last, last
        first = self.reset(np.flatnonzero(self.is_over))
        reported = last._replace(
            observation=first.observation, diagnostics=first.diagnostics, start_time=first.start_time
        )
        return reported, last

    def transitions(self) -> Transitions:
        """The transitions that led to the present states.

        Raises:
            NotFiniteError: a part of the task gave NaN or infinity.
        """
        observation, reward, terminated, diagnostics, start_time = (
            leaf[: self._num_envs]
            for leaf in jax.device_get((*self._tile.lanes.transition, self._tile.lanes.scenario.start_time))
        )
        check_flight(
            self._task,
            self._place,
            diagnostics=diagnostics,
            reward=reward,
            observation=observation,
            num_axes=1,
        )
        limit = np.inf if self._max_episode_steps is None else self._max_episode_steps
        truncated = self._num_steps >= limit
        return Transitions(observation, reward.astype(np.float64), terminated, truncated, diagnostics, start_time)

    def snapshots(self) -> Snapshot:
        """The snapshots of the environments; leaves are views of memory that the next step may change."""
        snapshots = Snapshot(self._tile.lanes.scenario, self._tile.lanes.state)
        return jax.tree.map(lambda leaf: leaf[: self._num_envs], jax.device_get(snapshots))

    def winds(self) -> WindColumn:
        """The winds of all levels at the balloons: numpy arrays with a row for each environment."""
        return jax.tree.map(lambda leaf: leaf[: self._num_envs], jax.device_get(self._tile.winds()))

    def restore(self, lanes: np.ndarray, snapshots: Snapshot) -> None:
        """Continue in some environments from snapshots with a leading axis, a row for each."""
        self._has_key[lanes] = False
        transition = self._tile.restore(lanes, *snapshots)
        self._num_steps[lanes] = np.asarray(snapshots.state.elapsed) // STEP_SECONDS
        for lane in lanes:
            self._episodes[lane] = "a restored episode"
        self.is_over[lanes] = np.asarray(transition.terminated)[lanes]

    def state(self) -> VectorEnvState:
        """All that later steps depend on.

        Raises:
            RuntimeError: an episode goes on from a snapshot, so that its key is not known.
        """
        if not self._has_key.all():
            number = self._first + int(np.argmin(self._has_key))
            raise RuntimeError(
                f"the episode of environment {number} goes on from a snapshot, and get_state needs episodes that began"
                " with a reset: get_snapshot saves any"
            )
        scenarios, states = self._tile.lanes.scenario, self._tile.lanes.state
        small = jax.device_get((dataclasses.replace(scenarios, forecast=None), states))
        scenarios, states = jax.tree.map(lambda leaf: leaf[: self._num_envs], small)
        streams = self._streams[: self._num_envs].copy()
        return VectorEnvState(self._episode_keys.copy(), scenarios, states, streams, self.is_over.copy())

    def set_state(self, state: VectorEnvState) -> None:
        """Continue as the environments whose `state` this is."""
        lanes = np.arange(self._num_envs)
        self._tile.reset(lanes, state.episode_keys)
        forecast = jax.device_get(self._tile.lanes.scenario.forecast)
        forecast = jax.tree.map(lambda leaf: leaf[: self._num_envs], forecast)
        self.restore(lanes, Snapshot(dataclasses.replace(state.scenarios, forecast=forecast), state.states))
        self._episode_keys[:], self._has_key[:] = state.episode_keys, True
        self._streams[: self._num_envs] = state.streams
        self.is_over[:] = state.is_over

    def _next_episode_keys(self, lanes: np.ndarray) -> np.ndarray:
        # Of all lanes, so that one compilation serves any number.
        with self._tile.scope():
            streams, keys = next_episode_keys(self._streams)
        self._streams[lanes] = streams[lanes]
        self._num_episodes[lanes] += 1
        for lane in lanes:
            self._episodes[lane] = episode_name(self._seeds[lane], int(self._num_episodes[lane]))
        return keys[lanes]

    def _place(self, lane: int) -> str:
        return f"at step {self._num_steps[lane]} of {self._episodes[lane]}, in environment {self._first + lane}"
