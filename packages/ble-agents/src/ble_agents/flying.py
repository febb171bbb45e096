"""The episode loop of training, validation and evaluation: one episode at a time, or many side by side.

`fly_episode` takes any agent and any Gymnasium environment. `fly_side_by_side` takes an agent's `Policy` and flies
tiles of balloons in compiled steps, on all cores and devices. There an episode depends on its seeds alone, not on the
other episodes, their order or the number of devices: tiles have one size, and every episode has random streams of its
own. `fly_with_views` does the same with a `ViewPolicy`, which sees more than the observation. `fly_in_batches` takes a
`BatchPolicy`, which any framework can make.
"""

import contextlib
import functools
import itertools
import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.actions import ActionError, checked_action, checked_actions
from ble_agents.agent import Agent
from ble_agents.batch_policy import BatchPolicy, begin_episodes
from ble_agents.benchmark_spaces import NUM_ACTIONS
from ble_agents.policy import Policy, init_with_stream, policy_scope, start_stream, step_with_stream
from ble_agents.view_policy import ViewPolicy
from ble_env.checks import check_finite
from ble_env.diagnostics import Diagnostics
from ble_env.host.devices import Device, compute_scope, find_device, local_devices, num_cores
from ble_env.host.finite import check_flight
from ble_env.host.info import to_info
from ble_env.host.packing import HostTransition, unpack_diagnostics
from ble_env.host.seeding import first_episode_keys
from ble_env.host.snapshot import Snapshot
from ble_env.host.tile import Tile
from ble_env.information import InformationError, InformationTrack, view_of
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


def fly_episode(
    agent: Agent,
    env: "gymnasium.Env[Any, Any]",
    *,
    seed: int | None = None,
    max_steps: int | None = None,
    on_start: Callable[[Mapping[str, Any]], None] = lambda info: None,
    on_step: Callable[[EpisodeStep], None] = lambda step: None,
    render_period: int = 0,
) -> EpisodeSummary:
    """Fly one episode by the protocol that `Agent` states.

    Args:
        agent: the agent, in the mode that it has.
        env: the environment; its actions are discrete. For an agent on another information track than `OBSERVATION` it
            is a `BalloonEnv`, wrapped or not: such an agent is handed views, in the environment's precision and on its
            device.
        seed: of the environment's reset; None leaves the episode to the environment.
        max_steps: time limit in steps beside the environment's own; None for no other.
        on_start: called with the info of the reset.
        on_step: called with each step of the environment, before the agent receives it.
        render_period: number of steps from one rendering to the next, beginning with the first; 0 for none. It has no
            effect without a render mode, or in mode "human", in which the environment draws.

    Raises:
        ActionError: the agent returned something that is no action of the environment.
        NotFiniteError: the environment gave an observation or a reward that is NaN or infinite.
        InformationError: the agent used what its track withholds, or the environment has no views.
    """
    if agent.information_track != InformationTrack.OBSERVATION:
        agent = _Viewing(agent, env)
    is_rendered = render_period > 0 and env.render_mode not in (None, "human")
    observation, info = env.reset(seed=seed)
    _check_received(env, observation, 0.0, _place(seed, 0))
    on_start(info)
    chosen = agent.begin_episode(observation)
    total, steps_inside = 0.0, 0
    for number in itertools.count():
        action = _checked_action(chosen, agent, env, seed, number + 1)
        observation, reward, terminated, truncated, info = env.step(action)
        is_cut = bool(truncated) or number + 1 == max_steps
        reward = float(reward)
        if not math.isfinite(reward) or not _is_finite(observation):
            _check_received(env, observation, reward, _place(seed, number + 1))
        step = EpisodeStep(number, action, observation, reward, bool(terminated), is_cut, info)
        total += step.reward
        steps_inside += bool(info.get("inside_radius", False))
        if is_rendered and number % render_period == 0:
            env.render()
        on_step(step)
        if not step.terminated:
            chosen = agent.step(step.reward, observation)
        if step.terminated or step.truncated:
            agent.end_episode(step.reward, step.terminated)
            return EpisodeSummary(total, steps_inside if "inside_radius" in info else None, step)
    raise AssertionError  # `itertools.count` has no end.


class _Viewing(Agent):
    """An agent that is handed views, as one that is handed observations.

    Raises:
        InformationError: the environment is no `BalloonEnv`.
    """

    def __init__(self, agent: Agent, env: "gymnasium.Env[Any, Any]") -> None:
        from ble_env.gymnasium_envs.single import BalloonEnv  # Other agents are flown without it.

        base = env.unwrapped
        if not isinstance(base, BalloonEnv):
            raise InformationError(
                f"{agent.get_name()} is on the information track {agent.information_track.value!r}, which only a"
                f" ble_env.BalloonEnv can show, not a {type(base).__name__}."
            )
        self._agent, self._env = agent, base
        agent.set_task(base.task)

    def get_name(self) -> str:
        return self._agent.get_name()

    def begin_episode(self, observation: Any) -> Any:
        with self._scope():
            return self._agent.begin_episode(self._view(observation))

    def step(self, reward: float, observation: Any) -> Any:
        with self._scope():
            return self._agent.step(reward, self._view(observation))

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        self._agent.end_episode(reward, terminal)

    def _scope(self) -> contextlib.AbstractContextManager[None]:
        return compute_scope(self._env.precision, self._env.device)

    def _view(self, observation: Any) -> Any:
        return view_of(self._agent.information_track, *self._env.get_snapshot(), observation)


def _checked_action(action: Any, agent: Agent, env: "gymnasium.Env[Any, Any]", seed: int | None, number: int) -> int:
    """The agent's action for a step, as an integer; an `ActionError` names the agent, the episode and the step."""
    space = env.action_space
    num_actions = int(space.n) if isinstance(space, gymnasium.spaces.Discrete) and space.start == 0 else None
    try:
        return checked_action(action, num_actions)
    except ActionError as error:
        raise ActionError(f"{agent.get_name()} {_place(seed, number)}: {error}") from None


def _check_received(env: "gymnasium.Env[Any, Any]", observation: Any, reward: float, where: str) -> None:
    """Raise a NotFiniteError if the environment gave NaN or infinity."""
    name = type(env.unwrapped).__name__
    numbers = {} if _is_finite(observation) else {f"the observation of {name}": observation}
    check_finite({**numbers, f"the reward of {name}": reward}, where)


def _is_finite(observation: Any) -> bool:
    """Whether an array of numbers is finite; True for what is no such array."""
    if not isinstance(observation, np.ndarray) or observation.dtype.kind not in "fc":
        return True
    return bool(np.isfinite(observation).all())


def _place(seed: int | None, number: int) -> str:
    """Where an episode is, for messages. Steps count from 1 there, and 0 is the reset."""
    return f"at step {number} of the episode" + ("" if seed is None else f" of seed {seed}")


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
    devices = _devices(device)
    pilots = {device: _Pilot(policy, device) for device in devices}

    def make_worker(device: Device, report: "_Report") -> "_Worker":
        def make_tile() -> Tile:
            return Tile(task, vehicle, precision, tile_size, device)

        pilot = pilots[device]
        pilot.compile(make_tile)
        tile = make_tile()

        def fly(chunk: slice) -> list[FlownEpisode]:
            return _fly_tile(tile, task, pilot, seeds[chunk], agent_seeds[chunk], max_steps, report, watcher)

        return fly

    yield from _fly_in_chunks(make_worker, devices, len(seeds), tile_size, on_steps)


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
    devices = _devices(device)
    turns = {device: _FirstTurn() for device in devices}
    no_seeds = [0] * len(seeds)  # A policy of views has no streams.

    def make_worker(device: Device, report: "_Report") -> "_Worker":
        turn = turns[device]
        turn.take()
        with contextlib.ExitStack() as on_error:
            on_error.callback(turn.end)
            tile = Tile(task, vehicle, precision, tile_size, device)
            pilot = _ViewPilot(tile, make_policy, track, turn)
            on_error.pop_all()

        def fly(chunk: slice) -> list[FlownEpisode]:
            try:
                return _fly_tile(tile, task, pilot, seeds[chunk], no_seeds[chunk], max_steps, report, watcher)
            finally:
                turn.end()

        return fly

    yield from _fly_in_chunks(make_worker, devices, len(seeds), tile_size, on_steps)


_Report = Callable[[int, int], None]
_Worker = Callable[[slice], list[FlownEpisode]]


def _devices(device: Device | None) -> Sequence[Device]:
    """The devices that fly: the given one, or all."""
    device = find_device(device)
    return local_devices() if device is None else [device]


def _fly_in_chunks(
    make_worker: Callable[[Device, _Report], _Worker],
    devices: Sequence[Device],
    num_seeds: int,
    chunk_size: int,
    on_steps: Callable[[int, int], None],
) -> Iterator[FlownEpisode]:
    """Fly chunks of seeds in threads: one for each device, and on the CPU one for each core.

    Args:
        make_worker: called in a thread with its device, and with what the worker calls with the steps that it has made.
            The worker flies the episodes of a chunk.
        devices: all of one platform.
        num_seeds: how many there are.
        chunk_size: seeds in a chunk.
        on_steps: see `fly_side_by_side`.
    """
    workers = max(len(devices), num_cores() if devices[0].platform == "cpu" else 1)
    chunks: queue.SimpleQueue[slice] = queue.SimpleQueue()
    starts = range(0, num_seeds, chunk_size)
    for start in starts:
        chunks.put(slice(start, start + chunk_size))
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()

    def report(steps: int, inside: int) -> None:
        if stop.is_set():
            raise _StopError
        events.put((steps, inside))

    def work(device: Device) -> None:
        try:
            worker = None
            while True:
                try:
                    chunk = chunks.get_nowait()
                except queue.Empty:
                    return
                worker = worker or make_worker(device, report)
                events.put(worker(chunk))
        except _StopError:
            return
        except BaseException as error:
            events.put(error)

    pool, is_waited_for = ThreadPoolExecutor(workers), True
    try:
        for worker in range(min(workers, len(starts))):
            pool.submit(work, devices[worker % len(devices)])
        unfinished = num_seeds
        while unfinished:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, tuple):
                on_steps(*event)
            else:
                unfinished -= len(event)
                yield from event
    except (KeyboardInterrupt, GeneratorExit):
        is_waited_for = False  # They may be compiling; otherwise they end at their next report.
        raise
    finally:
        stop.set()
        pool.shutdown(wait=is_waited_for, cancel_futures=True)


class _Choice(NamedTuple):
    """What a policy gives in all lanes: arrays with a leading axis."""

    streams: Any
    carries: Any
    actions: jax.Array
    """int32[lanes]"""
    not_finite: jax.Array
    """float32[lanes], NaN or infinity where the observation has it; 0 elsewhere."""


@functools.cache
def _lane_functions(policy_init: Callable[..., Any], policy_step: Callable[..., Any]) -> tuple[Any, Any]:
    """`init_with_stream` and `step_with_stream` of a policy, compiled for lanes: all but params have a leading axis."""

    def init(params: Any, stream: Any, observation: jax.Array) -> _Choice:
        stream, carry, action = init_with_stream(policy_init, params, stream, observation)
        return _Choice(stream, carry, action, _not_finite(observation))

    def step(params: Any, stream: Any, carry: Any, observation: jax.Array, reward: jax.Array) -> _Choice:
        stream, carry, action = step_with_stream(policy_step, params, stream, carry, observation, reward)
        return _Choice(stream, carry, action, _not_finite(observation))

    return jax.jit(jax.vmap(init, in_axes=(None, 0, 0))), jax.jit(jax.vmap(step, in_axes=(None, 0, 0, 0, 0)))


def _not_finite(observation: jax.Array) -> jax.Array:
    """The sum of the numbers that are NaN or infinite: 0.0 if there are none."""
    return jnp.sum(jnp.where(jnp.isfinite(observation), 0.0, observation)).astype(jnp.float32)


_not_finite_lanes = jax.jit(jax.vmap(_not_finite))


class _Pilot:
    """A policy on a device, acting in all lanes of a tile."""

    def __init__(self, policy: Policy, device: Device) -> None:
        self._device = device
        self._params = jax.device_put(policy.params, device)
        self._init, self._step = _lane_functions(policy.init, policy.step)
        self._lock = threading.Lock()
        self._is_compiled = False

    def init(self, streams: np.ndarray, observation: jax.Array) -> _Choice:
        """Begin an episode in every lane, and choose the first actions."""
        with policy_scope():
            return self._init(self._params, streams, observation)

    def step(self, last: _Choice, observation: jax.Array, reward: jax.Array) -> _Choice:
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
            shapes: _Choice = jax.eval_shape(self._init, self._params, streams, transition.observation)
            _check_type(shapes.actions)
            zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
            last = jax.device_put(zeros, self._device)
        _check_type(self.step(last, transition.observation, transition.reward).actions)


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
    """A policy of views, acting in all lanes of a tile. It has the interface of `_Pilot`.

    Args:
        tile: the tile.
        make_policy: makes the policy for a number of lanes.
        track: what the policy is handed.
        turn: ended after the first step, when all is compiled.
    """

    def __init__(
        self, tile: Tile, make_policy: Callable[[int], ViewPolicy], track: InformationTrack, turn: _FirstTurn
    ) -> None:
        self._tile = tile
        self._track = track
        self._turn = turn
        with tile.scope():
            self._policy = make_policy(tile.size)

    def init(self, streams: np.ndarray, observation: jax.Array) -> _Choice:
        """Begin an episode in every lane, and choose the first actions."""
        return self._choice(self._policy.begin)

    def step(self, last: _Choice, observation: jax.Array, reward: jax.Array) -> _Choice:
        """Choose the next actions in every lane."""
        choice = self._choice(self._policy.step)
        self._turn.end()
        return choice

    def _choice(self, choose: Callable[[Any], Any]) -> _Choice:
        scenario, state, transition = self._tile.lanes
        with self._tile.scope():
            actions = choose(view_of(self._track, scenario, state, transition.observation))
            if not isinstance(actions, jax.Array) or actions.shape != (self._tile.size,):
                actions = checked_actions(actions, self._tile.size, NUM_ACTIONS)
            return _Choice((), (), _as_int32(actions), _not_finite_lanes(transition.observation))


def _as_int32(actions: Any) -> Any:
    """Integers of numpy or JAX as int32; JAX's are checked when they reach the host."""
    if actions.dtype.kind not in "iu":
        raise ActionError(f"A policy's actions are integers, not {actions.dtype}.")
    return actions.astype(np.int32)


def _check_type(actions: Any) -> None:
    """Check that the actions of all lanes are int32[lanes]."""
    if actions.ndim != 1 or actions.dtype != jnp.int32:
        raise ActionError(f"A policy's action is an int32 scalar, not {actions.dtype}{list(actions.shape[1:])}.")


def _fly_tile(
    tile: Tile,
    task: Task,
    pilot: "_Pilot | _ViewPilot",
    seeds: Sequence[int],
    agent_seeds: Sequence[int],
    max_steps: int,
    report: Callable[[int, int], None],
    watcher: EpisodeWatcher | None,
) -> list[FlownEpisode]:
    padding = [0] * (tile.size - len(seeds))
    started = [*seeds, *[seeds[-1]] * len(padding)] if isinstance(pilot, _ViewPilot) else seeds
    transition = tile.reset(range(len(started)), first_episode_keys(started))
    chosen = pilot.init(np.array([start_stream(seed) for seed in [*agent_seeds, *padding]]), transition.observation)
    _check_flight(task, seeds, 0, [(None, transition, chosen)], np.ones((1, len(seeds)), bool))
    watched = None if watcher is None else _WatchedTile(tile, max_steps, watcher)
    if watched is not None:
        for lane, seed in enumerate(seeds):
            watched.begin(lane, seed)
    rewards, diagnostics = [], []
    recent: list[tuple[Any, HostTransition, _Choice]] = []
    is_over = np.zeros(len(seeds), bool)
    for number in range(1, max_steps + 1):
        actions = chosen.actions
        transition = tile.step(actions)
        chosen = pilot.step(chosen, transition.observation, transition.reward)
        rewards.append(transition.reward)
        diagnostics.append(transition.diagnostics)
        if watched is not None:
            watched.step(actions)
        recent.append((actions, transition._replace(observation=None), chosen._replace(carries=None)))
        if number % REPORT_PERIOD == 0 or number == max_steps:
            measured = unpack_diagnostics(np.asarray([step.diagnostics for _, step, _ in recent]))
            failed = np.cumsum(measured.status[:, : len(seeds)] != BalloonStatus.OK, axis=0)
            is_flown = ~is_over & (failed <= 1)  # A failed balloon stays in its lane; its later steps do not count.
            _check_flight(task, seeds, number - len(recent) + 1, recent, is_flown)
            report(int(is_flown.sum()), int((is_flown & measured.inside_radius[:, : len(seeds)]).sum()))
            is_over |= failed[-1] > 0
            recent.clear()
            if is_over.all():
                break
    all_rewards = np.asarray(rewards, np.float64)
    all_diagnostics = unpack_diagnostics(np.asarray(diagnostics, np.float64))
    return [_flown(seed, lane, all_rewards, all_diagnostics) for lane, seed in enumerate(seeds)]


class _WatchedTile:
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


def _check_flight(
    task: Task,
    seeds: Sequence[int],
    first_step: int,
    steps: "Sequence[tuple[Any, HostTransition, _Choice]]",
    is_flown: np.ndarray,
) -> None:
    """Check the steps of a tile's episodes.

    Args:
        task: the task.
        seeds: of the lanes with an episode.
        first_step: number of the first step.
        steps: the actions of each, None for the reset, and the transition and the choice after it.
        is_flown: bool[steps, lanes with an episode], whether the step is part of the episode.
    """

    def flown(arrays: list[Any]) -> np.ndarray:
        array = np.asarray(arrays)[:, : len(seeds)]
        return np.where(is_flown.reshape(*is_flown.shape, *[1] * (array.ndim - 2)), array, 0)

    def where(step: int, lane: int) -> str:
        return _place(seeds[lane], first_step + step)

    check_flight(
        task,
        where,
        diagnostics=flown([transition.diagnostics for _, transition, _ in steps]),
        reward=flown([transition.reward for _, transition, _ in steps]),
        observation=flown([choice.not_finite for _, _, choice in steps]),
        num_axes=2,
    )
    if steps[0][0] is not None:
        taken = flown([actions for actions, _, _ in steps])
        is_wrong = (taken < 0) | (taken >= NUM_ACTIONS)
        if is_wrong.any():
            step, lane = map(int, np.argwhere(is_wrong)[0])
            try:
                checked_action(taken[step, lane], NUM_ACTIONS)
            except ActionError as error:
                raise ActionError(f"The policy {where(step, lane)}: {error}") from None


def _flown(seed: int, lane: int, rewards: np.ndarray, diagnostics: Diagnostics) -> FlownEpisode:
    """The episode of a lane, from arrays [steps, lanes]: its steps up to a failure."""
    failures = np.flatnonzero(diagnostics.status[:, lane] != BalloonStatus.OK)
    steps = slice(int(failures[0]) + 1 if failures.size else len(rewards))
    return FlownEpisode(seed, rewards[steps, lane], jax.tree.map(lambda field: field[steps, lane], diagnostics))


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
        self._watched = None if watcher is None else _WatchedTile(self._tile, max_steps, watcher)
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
            return "" if episode is None else _place(episode.seed, len(episode.rewards) + made)

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
