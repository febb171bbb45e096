"""The episode loop of training, validation and evaluation: one episode at a time, or many side by side.

`fly_episode` takes any agent and any Gymnasium environment. `fly_side_by_side` takes an agent's `Policy` and flies
tiles of balloons in compiled steps, on all cores and devices. There an episode depends on its seeds alone, not on the
other episodes, their order or the number of devices: tiles have one size, and every episode has random streams of its
own.
"""

import functools
import itertools
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import gymnasium
import jax
import numpy as np

from ble_agents.agent import Agent
from ble_agents.policy import Policy, init_with_stream, policy_scope, start_stream, step_with_stream
from ble_env.diagnostics import Diagnostics
from ble_env.host.devices import Device, num_cores
from ble_env.host.packing import unpack_diagnostics
from ble_env.host.seeding import first_episode_keys
from ble_env.host.tile import Tile
from ble_env.task import Task
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.state import BalloonStatus

TILE_SIZE = 64
"""Lanes of a compiled step. It reads a network's weights from memory once for all of them."""

REPORT_PERIOD = 40
"""Steps of a tile between two reports of progress. A tile whose episodes have all ended stops at the next report."""


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


def fly_episode(
    agent: Agent,
    env: "gymnasium.Env[Any, Any]",
    *,
    seed: int | None = None,
    max_steps: int | None = None,
    on_step: Callable[[EpisodeStep], None] = lambda step: None,
    render_period: int = 0,
) -> EpisodeSummary:
    """Fly one episode by the protocol that `Agent` states.

    Args:
        agent: the agent, in the mode that it has.
        env: the environment; its actions are discrete.
        seed: of the environment's reset; None leaves the episode to the environment.
        max_steps: time limit in steps beside the environment's own; None for no other.
        on_step: called with each step of the environment, before the agent receives it.
        render_period: number of steps from one rendering to the next, beginning with the first; 0 for none. It has no
            effect without a render mode, or in mode "human", in which the environment draws.
    """
    is_rendered = render_period > 0 and env.render_mode not in (None, "human")
    observation, _ = env.reset(seed=seed)
    action = agent.begin_episode(observation)
    total, steps_inside = 0.0, 0
    for number in itertools.count():
        observation, reward, terminated, truncated, info = env.step(action)
        is_cut = bool(truncated) or number + 1 == max_steps
        step = EpisodeStep(number, int(action), observation, float(reward), bool(terminated), is_cut, info)
        total += step.reward
        steps_inside += bool(info.get("inside_radius", False))
        if is_rendered and number % render_period == 0:
            env.render()
        on_step(step)
        if not step.terminated:
            action = agent.step(step.reward, observation)
        if step.terminated or step.truncated:
            agent.end_episode(step.reward, step.terminated)
            return EpisodeSummary(total, steps_inside if "inside_radius" in info else None, step)
    raise AssertionError  # `itertools.count` has no end.


class FlownEpisode(NamedTuple):
    """A finished episode of `fly_side_by_side`, step by step."""

    seed: int
    rewards: np.ndarray
    """float64[steps]"""
    diagnostics: Diagnostics
    """After each step: numpy arrays [steps], float64 where they are no booleans or integers."""


class _StopError(Exception):
    """The caller needs no more episodes."""


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
        tile_size: lanes of a compiled step. Rounding differs between sizes.
    """
    devices = jax.local_devices() if device is None else [device]
    workers = max(len(devices), num_cores() if devices[0].platform == "cpu" else 1)
    chunks: queue.SimpleQueue[slice] = queue.SimpleQueue()
    starts = range(0, len(seeds), tile_size)
    for start in starts:
        chunks.put(slice(start, start + tile_size))
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()

    def report(steps: int, inside: int) -> None:
        if stop.is_set():
            raise _StopError
        events.put((steps, inside))

    pilots = {device: _Pilot(policy, device) for device in devices}

    def work(device: Device) -> None:
        def make_tile() -> Tile:
            return Tile(task, vehicle, precision, tile_size, device)

        try:
            pilots[device].compile(make_tile)
            tile = None
            while True:
                try:
                    chunk = chunks.get_nowait()
                except queue.Empty:
                    return
                tile = tile or make_tile()
                events.put(_fly_tile(tile, pilots[device], seeds[chunk], agent_seeds[chunk], max_steps, report))
        except _StopError:
            return
        except BaseException as error:
            events.put(error)

    with ThreadPoolExecutor(workers) as pool:
        try:
            for worker in range(min(workers, len(starts))):
                pool.submit(work, devices[worker % len(devices)])
            unfinished = len(seeds)
            while unfinished:
                event = events.get()
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, tuple):
                    on_steps(*event)
                else:
                    unfinished -= len(event)
                    yield from event
        finally:
            stop.set()


@functools.cache
def _lane_functions(policy_init: Callable[..., Any], policy_step: Callable[..., Any]) -> tuple[Any, Any]:
    """`init_with_stream` and `step_with_stream` of a policy, compiled for lanes: all but params have a leading axis."""
    init = jax.vmap(functools.partial(init_with_stream, policy_init), in_axes=(None, 0, 0))
    step = jax.vmap(functools.partial(step_with_stream, policy_step), in_axes=(None, 0, 0, 0, 0))
    return jax.jit(init), jax.jit(step)


class _Pilot:
    """A policy on a device, acting in all lanes of a tile."""

    def __init__(self, policy: Policy, device: Device) -> None:
        self._device = device
        self._params = jax.device_put(policy.params, device)
        self._init, self._step = _lane_functions(policy.init, policy.step)
        self._lock = threading.Lock()
        self._is_compiled = False

    def init(self, streams: np.ndarray, observation: jax.Array) -> tuple[Any, Any, jax.Array]:
        """Begin an episode in every lane: (streams, carries, first actions)."""
        with policy_scope():
            return self._init(self._params, streams, observation)

    def step(self, streams: Any, carries: Any, observation: jax.Array, reward: jax.Array) -> tuple[Any, Any, jax.Array]:
        """Step the policy in every lane: (streams, carries, next actions)."""
        with policy_scope():
            return self._step(self._params, streams, carries, observation, reward)

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
            shapes = jax.eval_shape(self._init, self._params, streams, transition.observation)[:2]
            zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
            streams, carries = jax.device_put(zeros, self._device)
        self.step(streams, carries, transition.observation, transition.reward)


def _fly_tile(
    tile: Tile,
    pilot: _Pilot,
    seeds: Sequence[int],
    agent_seeds: Sequence[int],
    max_steps: int,
    report: Callable[[int, int], None],
) -> list[FlownEpisode]:
    padding = [0] * (tile.size - len(seeds))
    transition = tile.reset(range(len(seeds)), first_episode_keys(seeds))
    streams, carries, actions = pilot.init(
        np.array([start_stream(seed) for seed in [*agent_seeds, *padding]]), transition.observation
    )
    rewards, diagnostics = [], []
    is_over = np.zeros(len(seeds), bool)
    for number in range(1, max_steps + 1):
        transition = tile.step(actions)
        streams, carries, actions = pilot.step(streams, carries, transition.observation, transition.reward)
        rewards.append(transition.reward)
        diagnostics.append(transition.diagnostics)
        if number % REPORT_PERIOD == 0 or number == max_steps:
            recent = unpack_diagnostics(np.asarray(diagnostics[-(number % REPORT_PERIOD or REPORT_PERIOD) :]))
            failed = np.cumsum(recent.status[:, : len(seeds)] != BalloonStatus.OK, axis=0)
            is_flown = ~is_over & (failed <= 1)  # A failed balloon stays in its lane; its later steps do not count.
            report(int(is_flown.sum()), int((is_flown & recent.inside_radius[:, : len(seeds)]).sum()))
            is_over |= failed[-1] > 0
            if is_over.all():
                break
    all_rewards = np.asarray(rewards, np.float64)
    all_diagnostics = unpack_diagnostics(np.asarray(diagnostics, np.float64))
    return [_flown(seed, lane, all_rewards, all_diagnostics) for lane, seed in enumerate(seeds)]


def _flown(seed: int, lane: int, rewards: np.ndarray, diagnostics: Diagnostics) -> FlownEpisode:
    """The episode of a lane, from arrays [steps, lanes]: its steps up to a failure."""
    failures = np.flatnonzero(diagnostics.status[:, lane] != BalloonStatus.OK)
    steps = slice(int(failures[0]) + 1 if failures.size else len(rewards))
    return FlownEpisode(seed, rewards[steps, lane], jax.tree.map(lambda field: field[steps, lane], diagnostics))
