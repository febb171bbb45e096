"""Many episodes with an agent's `Policy`, which acts in all lanes of a tile in a compiled step."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.actions import ActionError
from ble_agents.flying.chunks import Report, Worker, devices_that_fly, fly_in_chunks
from ble_agents.flying.episodes import EpisodeWatcher, FlownEpisode
from ble_agents.flying.tiles import TILE_SIZE, Choice, fly_tile, not_finite
from ble_agents.policy import Policy, init_with_stream, policy_scope, step_with_stream
from ble_env.host.devices import Device
from ble_env.host.tile import Tile
from ble_env.task import Task
from ble_sim.balloon.vehicle import Vehicle


def fly_side_by_side(
    policy: Policy,
    task: Task,
    vehicle: Vehicle,
    precision: str,
    seeds: Sequence[int],
    max_steps: int,
    *,
    agent_seeds: Sequence[int],
    device: Device | None = None,
    on_steps: Callable[[int, int], None] = lambda steps, inside: None,
    watcher: EpisodeWatcher | None = None,
    tile_size: int = TILE_SIZE,
) -> Iterator[FlownEpisode]:
    """Fly one episode for each seed, and yield each when its tile is finished.

    Args:
        policy: the policy; it is traced in `policy_scope`.
        task, vehicle, precision: of the environment, as `BalloonEnv` has them.
        seeds: of the episodes.
        max_steps: time limit of an episode.
        agent_seeds: of the policy's random draws, one for each episode.
        device: where to compute; all local devices if None.
        on_steps: called with the number of steps since the last call, and the number of those that ended within the
            radius, for each tile every `REPORT_PERIOD` steps and at its end.
        watcher: sees the episodes; one that is not flown to its end has been seen to the step that failed.
        tile_size: lanes of a compiled step. Rounding differs between sizes.

    Raises:
        ActionError: the policy's actions are no int32 scalars, or one is out of range.
        NotFiniteError: a wind, an observation or a reward is NaN or infinite.
    """
    devices = devices_that_fly(device)
    pilots = {device: _Pilot(policy, device) for device in devices}

    def make_worker(device: Device, report: Report) -> Worker:
        def make_tile() -> Tile:
            return Tile(task, vehicle, precision, tile_size, device)

        pilot = pilots[device]
        pilot.compile(make_tile)
        tile = make_tile()

        def fly(chunk: slice) -> list[FlownEpisode]:
            return fly_tile(tile, task, pilot, seeds[chunk], agent_seeds[chunk], max_steps, report, watcher)

        return fly

    yield from fly_in_chunks(make_worker, devices, len(seeds), tile_size, on_steps)


@functools.cache
def _lane_functions(policy_init: Callable[..., Any], policy_step: Callable[..., Any]) -> tuple[Any, Any]:
    """`init_with_stream` and `step_with_stream` of a policy, compiled for lanes: all but params have a leading axis."""

    def init(params: Any, stream: Any, observation: jax.Array) -> Choice:
        stream, carry, action = init_with_stream(policy_init, params, stream, observation)
        return Choice(stream, carry, action, not_finite(observation))

    def step(params: Any, stream: Any, carry: Any, observation: jax.Array, reward: jax.Array) -> Choice:
        stream, carry, action = step_with_stream(policy_step, params, stream, carry, observation, reward)
        return Choice(stream, carry, action, not_finite(observation))

    return jax.jit(jax.vmap(init, in_axes=(None, 0, 0))), jax.jit(jax.vmap(step, in_axes=(None, 0, 0, 0, 0)))


class _Pilot:
    """A policy on a device, acting in all lanes of a tile: a `Pilot`."""

    fills_lanes = False

    def __init__(self, policy: Policy, device: Device) -> None:
        self._device = device
        self._params = jax.device_put(policy.params, device)
        self._init, self._step = _lane_functions(policy.init, policy.step)
        self._lock = threading.Lock()
        self._is_compiled = False

    def init(self, streams: np.ndarray, observation: jax.Array) -> Choice:
        """Begin an episode in every lane, and choose the first actions."""
        with policy_scope():
            return self._init(self._params, streams, observation)

    def step(self, last: Choice, observation: jax.Array, reward: jax.Array) -> Choice:
        """Choose the next actions in every lane."""
        with policy_scope():
            return self._step(self._params, last.streams, last.carries, observation, reward)

    def compile(self, make_tile: Callable[[], Tile]) -> None:
        """Compile the functions of the policy and of tiles once, on two cores. The device's other workers wait."""
        with self._lock:
            if self._is_compiled:
                return
            with ThreadPoolExecutor(2) as pool:
                for done in [pool.submit(part, make_tile) for part in (self._compile_init, self._compile_step)]:
                    done.result()
            self._is_compiled = True

    def _compile_init(self, make_tile: Callable[[], Tile]) -> None:
        tile = make_tile()
        transition = tile.reset([], np.zeros((0, 2), np.uint32))
        self.init(np.zeros((tile.size, 2), np.uint32), transition.observation)

    def _compile_step(self, make_tile: Callable[[], Tile]) -> None:
        tile = make_tile()
        # The arguments are arrays on the device, as `init` returns them; for others JAX would compile once more.
        transition = tile.step(jax.device_put(np.ones(tile.size, np.int32), self._device))
        with policy_scope():
            streams = np.zeros((tile.size, 2), np.uint32)
            shapes: Choice = jax.eval_shape(self._init, self._params, streams, transition.observation)
            _check_type(shapes.actions)
            zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
            last = jax.device_put(zeros, self._device)
        _check_type(self.step(last, transition.observation, transition.reward).actions)


def _check_type(actions: Any) -> None:
    """Check that the actions of all lanes are int32[lanes]."""
    if actions.ndim != 1 or actions.dtype != jnp.int32:
        raise ActionError(f"A policy's action is an int32 scalar, not {actions.dtype}{list(actions.shape[1:])}.")
