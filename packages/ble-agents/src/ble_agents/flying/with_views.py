"""Many episodes with a `ViewPolicy`, which sees more than the observation."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from ble_agents.actions import ActionError, checked_actions
from ble_agents.benchmark_spaces import NUM_ACTIONS
from ble_agents.flying.chunks import Report, Worker, devices_that_fly, fly_in_chunks
from ble_agents.flying.episodes import EpisodeWatcher, FlownEpisode
from ble_agents.flying.tiles import TILE_SIZE, Choice, fly_tile, not_finite
from ble_agents.view_policy import ViewPolicy
from ble_env.host.devices import Device
from ble_env.host.tile import Tile
from ble_env.information import InformationTrack, view_of
from ble_env.task import Task
from ble_sim.balloon.vehicle import Vehicle


def fly_with_views(
    make_policy: Callable[[int], ViewPolicy],
    task: Task,
    vehicle: Vehicle,
    precision: str,
    seeds: Sequence[int],
    max_steps: int,
    *,
    track: InformationTrack,
    device: Device | None = None,
    on_steps: Callable[[int, int], None] = lambda steps, inside: None,
    watcher: EpisodeWatcher | None = None,
    tile_size: int = TILE_SIZE,
) -> Iterator[FlownEpisode]:
    """Fly one episode for each seed with a policy that is handed views, and yield each when its tile is finished.

    Tiles fly on all cores and devices, each with a policy of its own. Every lane has an episode: where there are fewer
    seeds than lanes, the others fly the last seed too, and nothing of them is kept.

    Args:
        make_policy: called with the number of lanes, in the precision and on the device of the tile.
        task, vehicle, precision: of the environment, as `BalloonEnv` has them.
        seeds: of the episodes.
        max_steps: time limit of an episode.
        track: what the policy is handed, `FORECAST` or `ORACLE`.
        device, on_steps, watcher, tile_size: as in `fly_side_by_side`.

    Raises:
        ActionError: the policy returned something that is no action.
        InformationError: the policy used what the track withholds.
        NotFiniteError: a wind, an observation or a reward is NaN or infinite.
    """
    devices = devices_that_fly(device)
    turns = {device: _FirstTurn() for device in devices}
    no_seeds = [0] * len(seeds)  # A policy of views has no streams.

    def make_worker(device: Device, report: Report) -> Worker:
        turn = turns[device]
        turn.take()
        with contextlib.ExitStack() as on_error:
            on_error.callback(turn.end)
            tile = Tile(task, vehicle, precision, tile_size, device)
            pilot = _ViewPilot(tile, make_policy, track, turn)
            on_error.pop_all()

        def fly(chunk: slice) -> list[FlownEpisode]:
            try:
                return fly_tile(tile, task, pilot, seeds[chunk], no_seeds[chunk], max_steps, report, watcher)
            finally:
                turn.end()

        return fly

    yield from fly_in_chunks(make_worker, devices, len(seeds), tile_size, on_steps)


class _FirstTurn:
    """Lets the first of several threads compile what they share, while the others wait."""

    def __init__(self) -> None:
        self._is_taken = threading.Lock()
        self._is_over = threading.Event()

    def take(self) -> None:
        """Take the turn, or wait until it is over."""
        if not self._is_taken.acquire(blocking=False):
            self._is_over.wait()

    def end(self) -> None:
        """End the turn, if it is not over."""
        self._is_over.set()


class _ViewPilot:
    """A policy of views, acting in all lanes of a tile. A `Pilot`.

    Args:
        tile: the tile.
        make_policy: makes the policy for a number of lanes.
        track: what the policy is handed.
        turn: ended after the first step, when all is compiled.
    """

    fills_lanes = True

    def __init__(
        self, tile: Tile, make_policy: Callable[[int], ViewPolicy], track: InformationTrack, turn: _FirstTurn
    ) -> None:
        self._tile = tile
        self._track = track
        self._turn = turn
        with tile.scope():
            self._policy = make_policy(tile.size)

    def init(self, streams: np.ndarray, observation: jax.Array) -> Choice:
        """Begin an episode in every lane, and choose the first actions."""
        return self._choice(self._policy.begin)

    def step(self, last: Choice, observation: jax.Array, reward: jax.Array) -> Choice:
        """Choose the next actions in every lane."""
        choice = self._choice(self._policy.step)
        self._turn.end()
        return choice

    def _choice(self, choose: Callable[[Any], Any]) -> Choice:
        scenario, state, transition = self._tile.lanes
        with self._tile.scope():
            actions = choose(view_of(self._track, scenario, state, transition.observation))
            if not isinstance(actions, jax.Array) or actions.shape != (self._tile.size,):
                actions = checked_actions(actions, self._tile.size, NUM_ACTIONS)
            return Choice((), (), _as_int32(actions), _not_finite_lanes(transition.observation))


_not_finite_lanes = jax.jit(jax.vmap(not_finite))


def _as_int32(actions: Any) -> Any:
    """Integers of numpy or JAX as int32; JAX's are checked when they reach the host."""
    if actions.dtype.kind not in "iu":
        raise ActionError(f"A policy's actions are integers, not {actions.dtype}.")
    return actions.astype(np.int32)
