"""Many episodes with a `BatchPolicy`, which any framework can make."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from ble_agents.actions import checked_actions
from ble_agents.batch_policy import BatchPolicy, begin_episodes
from ble_agents.benchmark_spaces import NUM_ACTIONS
from ble_agents.flying.episodes import EpisodeWatcher, FlownEpisode, place_in_episode
from ble_agents.flying.tiles import REPORT_PERIOD, TILE_SIZE
from ble_agents.flying.watched_tile import WatchedTile
from ble_env.host.devices import Device, find_device, local_devices, num_cores
from ble_env.host.finite import check_flight
from ble_env.host.packing import HostTransition, unpack_diagnostics
from ble_env.host.seeding import first_episode_keys
from ble_env.host.tile import Tile
from ble_env.task import Task
from ble_sim.balloon.vehicle import Vehicle


def fly_in_batches(
    policy: BatchPolicy,
    task: Task,
    vehicle: Vehicle,
    precision: str,
    seeds: Sequence[int],
    max_steps: int,
    *,
    device: Device | None = None,
    on_steps: Callable[[int, int], None] = lambda steps, inside: None,
    watcher: EpisodeWatcher | None = None,
    tile_size: int = TILE_SIZE,
) -> Iterator[FlownEpisode]:
    """Fly one episode for each seed with a policy of any framework, and yield each when it is finished.

    The lanes fill as many tiles as there are cores. A lane whose episode has ended begins the next seed's. The balloon
    of an episode depends on its seed and its actions alone; the actions are as independent of the other rows as the
    policy makes them.

    Args:
        policy: called once a step for all lanes, with a fixed number of rows.
        task, vehicle, precision: of the environment, as `BalloonEnv` has them.
        seeds: of the episodes.
        max_steps: time limit of an episode.
        device: where to compute the balloons; JAX's default if None.
        on_steps: as in `fly_side_by_side`, called every `REPORT_PERIOD` steps of all lanes and at the end.
        watcher: sees the episodes.
        tile_size: lanes of a compiled step. Rounding differs between sizes.

    Raises:
        ActionError: the policy returned something that is no action.
        NotFiniteError: a wind, an observation or a reward is NaN or infinite.
    """
    where = find_device(device) or local_devices()[0]
    workers = num_cores() if where.platform == "cpu" else 1
    num_tiles = max(min(workers, -(-len(seeds) // tile_size)), 1)
    tiles = [_BatchTile(task, vehicle, precision, tile_size, where, max_steps, watcher) for _ in range(num_tiles)]
    waiting = deque(seeds)
    steps, inside = 0, 0
    with ThreadPoolExecutor(num_tiles) as pool:
        # The first time one after another: the first tile compiles for all. In parallel, each would compile for itself.
        on_every_tile: Callable[..., Iterator[Any]] = map
        for number in itertools.count(1):
            begins = np.concatenate([tile.begin_episodes(waiting) for tile in tiles])
            if not any(tile.is_flying for tile in tiles):
                break
            begin_episodes(policy, begins)
            observations = np.concatenate([tile.observations for tile in tiles])
            actions = checked_actions(policy(observations), len(observations), NUM_ACTIONS)
            flown = list(on_every_tile(_BatchTile.step, tiles, np.split(actions, num_tiles)))
            on_every_tile = pool.map
            for finished, flown_steps, steps_inside in flown:
                steps, inside = steps + flown_steps, inside + steps_inside
                yield from finished
            if number % REPORT_PERIOD == 0:
                on_steps(steps, inside)
                steps, inside = 0, 0
    if steps:
        on_steps(steps, inside)


class _BatchTile:
    """A tile and the episodes in its lanes.

    Attributes:
        observations: float32[lanes, ...], the present observation of every lane; zeros without an episode.
    """

    observations: np.ndarray

    def __init__(
        self,
        task: Task,
        vehicle: Vehicle,
        precision: str,
        size: int,
        device: Device,
        max_steps: int,
        watcher: EpisodeWatcher | None,
    ) -> None:
        self._task = task
        self._tile = Tile(task, vehicle, precision, size, device)
        self._watched = None if watcher is None else WatchedTile(self._tile, max_steps, watcher)
        self._max_steps = max_steps
        self._episodes: list[_BatchEpisode | None] = [None] * size

    @property
    def is_flying(self) -> bool:
        """Whether there is an episode in progress."""
        return any(self._episodes)

    def begin_episodes(self, waiting: "deque[int]") -> np.ndarray:
        """Begin the episodes of waiting seeds in the lanes that are free: bool[lanes], where one begins."""
        begins = np.zeros(self._tile.size, bool)
        for lane, episode in enumerate(self._episodes):
            if episode is None and waiting:
                self._episodes[lane] = _BatchEpisode(waiting.popleft())
                begins[lane] = True
        if begins.any():
            lanes = np.flatnonzero(begins)
            started = [episode.seed for lane in lanes if (episode := self._episodes[lane])]
            self._tile.reset(lanes, first_episode_keys(started))
            self._receive(made=0)
            if self._watched is not None:
                for lane, seed in zip(lanes, started, strict=True):
                    self._watched.begin(int(lane), seed)
        return begins

    def step(self, actions: np.ndarray) -> tuple[list[FlownEpisode], int, int]:
        """Step all lanes: (the episodes that end, steps of episodes, those that ended within the radius)."""
        self._tile.step(actions)
        transition = self._receive(made=1)
        if self._watched is not None:
            self._watched.step(actions)
        finished, steps = [], 0
        for lane, episode in enumerate(self._episodes):
            if episode is None:
                continue
            steps += 1
            episode.rewards.append(transition.reward[lane])
            episode.diagnostics.append(transition.diagnostics[lane])
            if transition.terminated[lane] or len(episode.rewards) == self._max_steps:
                finished.append(episode.flown())
                self._episodes[lane] = None
        return finished, steps, int(unpack_diagnostics(transition.diagnostics).inside_radius.sum())

    def _receive(self, *, made: int) -> HostTransition:
        """The last transition on the host, checked, with zeros in the lanes without an episode.

        Lanes that never had one compute with an empty scenario, which gives NaN.

        Args:
            made: steps that were made since the last call, 0 or 1.
        """
        is_flying = np.array([episode is not None for episode in self._episodes])

        def flying(array: jax.Array) -> np.ndarray:
            return np.where(is_flying.reshape(-1, *[1] * (array.ndim - 1)), array, np.zeros((), array.dtype))

        def where(lane: int) -> str:
            episode = self._episodes[lane]
            return "" if episode is None else place_in_episode(episode.seed, len(episode.rewards) + made)

        transition = HostTransition(*map(flying, jax.device_get(self._tile.lanes.transition)))
        self.observations = transition.observation
        check_flight(
            self._task,
            where,
            diagnostics=transition.diagnostics,
            reward=transition.reward,
            observation=transition.observation,
            num_axes=1,
        )
        return transition


class _BatchEpisode:
    """An episode in progress."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rewards: list[Any] = []
        self.diagnostics: list[Any] = []

    def flown(self) -> FlownEpisode:
        """The finished episode."""
        diagnostics = unpack_diagnostics(np.asarray(self.diagnostics, np.float64))
        return FlownEpisode(self.seed, np.asarray(self.rewards, np.float64), diagnostics)
