"""Shows a watcher the episodes in the lanes of a tile."""

import functools
from typing import Any

import jax
import numpy as np

from ble_agents.flying.episodes import EpisodeStep, EpisodeWatcher
from ble_env.host.info import to_info
from ble_env.host.tile import Tile


class WatchedTile:
    """Shows a watcher the episodes in the lanes of a tile.

    Args:
        tile: the tile.
        max_steps: time limit of an episode.
        watcher: sees them.
    """

    def __init__(self, tile: Tile, max_steps: int, watcher: EpisodeWatcher) -> None:
        self._tile = tile
        self._max_steps = max_steps
        self._watcher = watcher
        self._episodes: dict[int, tuple[int, int, int]] = {}
        """By the lane of an episode in the air: its seed, its start in seconds since 1970 UTC, the steps so far."""

    def begin(self, lane: int, seed: int) -> None:
        """Show the episode that has begun in a lane."""
        lanes = self._tile.lanes
        start_time = int(np.asarray(lanes.scenario.start_time)[lane])
        self._episodes[lane] = seed, start_time, 0
        info = to_info(np.asarray(lanes.transition.diagnostics)[lane], start_time)
        self._watcher.begin(seed, info, functools.partial(self._tile.snapshot, lane))

    def step(self, actions: Any) -> None:
        """Show the step that the tile has made with `actions`."""
        if not self._episodes:
            return
        actions, transition = jax.device_get((actions, self._tile.lanes.transition))
        for lane, (seed, start_time, number) in list(self._episodes.items()):
            step = EpisodeStep(
                number,
                int(actions[lane]),
                transition.observation[lane],
                float(transition.reward[lane]),
                bool(transition.terminated[lane]),
                number + 1 == self._max_steps,
                to_info(transition.diagnostics[lane], start_time),
            )
            self._episodes[lane] = seed, start_time, number + 1
            if step.terminated or step.truncated:
                del self._episodes[lane]
            self._watcher.step(seed, step, functools.partial(self._tile.snapshot, lane))
