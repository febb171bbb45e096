"""The single environment for Gymnasium."""

import contextlib
import copy
import dataclasses
import functools
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Unpack

import gymnasium
import jax
import numpy as np
from gymnasium import spaces
from jax import export

from ble_env import core
from ble_env.checks import check_counts
from ble_env.gymnasium_envs.time_limit import set_time_limits
from ble_env.host.actions import checked_action
from ble_env.host.devices import Device, compute_scope, find_device, local_devices
from ble_env.host.finite import check_flight
from ble_env.host.info import to_info
from ble_env.host.packing import HostArrays, Packed, host_arrays, pack, unpack, unpack_host_arrays
from ble_env.host.quick_compilation import compiler_options
from ble_env.host.reset_options import scenario_changes
from ble_env.host.seeding import clock_seed, episode_name, next_episode_keys, start_streams
from ble_env.host.snapshot import Snapshot
from ble_env.host.stored_programs import NotStorableError, described, is_storing, stored_function
from ble_env.rendering.renderer import RENDER_MODES, Renderer, make_renderer, with_step
from ble_env.task import Task, TaskArguments, check_arguments, make_task
from ble_env.wind_column import picture_column
from ble_sim.balloon.altitude_control import Action
from ble_sim.constants import STEP_SECONDS
from ble_sim.precision import check_precision, own_transfers
from ble_sim.scenario import sample_scenario
from ble_sim.seeds import check_seed


class BalloonEnv(gymnasium.Env[np.ndarray, int | np.integer]):
    """Keep a stratospheric balloon within 50 km of a station by riding the winds of different altitudes.

    Observation: float32[1099], see `ble_env.named_features`. Action: 0 down, 1 stay, 2 up, for the next 180 s.
    Reward: 1 within the radius, less outside, see `ble_env.StationKeepingReward`. Termination: out of power, burst, or
    no superpressure. There is no time limit unless `max_episode_steps` is given (`gymnasium.make` sets 960).

    Environments can be copied (`copy.deepcopy`) and pickled at any time, also to another process. A copy flies as the
    original would have, in this episode and those after it, and has a renderer of its own.

    Args:
        max_episode_steps: truncate after so many steps of the flight.
        precision: "float32" is the fast path and the default: single steps agree with the reference to its
            digits, and scores within their noise. "float64" follows the reference step for step.
        seed: of the stream of episodes. `reset(seed=seed)` gives its first episode and, as in the reference, a first
            `reset()` the second one.
        device: where to compute: a JAX device, or the name of a platform ("cpu" leaves an accelerator to others);
            None for JAX's default.
        render_mode: "rgb_array": `render` returns a picture of the flight so far. "ansi": it returns a text. "human": a
            window shows the flight after each step. None: nothing is drawn. A renderer may have other modes.
        renderer: a name, {"name": NAME, "options": {...}}, or a `ble_env.Renderer`. None is "text" for the mode "ansi",
            which needs no library, and "matplotlib" for the others.
        render_period: steps between two drawings of the window, which also shows the start and the end of an episode.
        task: see `ble_env.TaskArguments`.
    """

    metadata: dict[str, Any] = {"render_modes": [*RENDER_MODES], "render_fps": 30}  # noqa: RUF012

    def __init__(
        self,
        *,
        precision: str = "float32",
        max_episode_steps: int | None = None,
        seed: int | None = None,
        device: Device | str | None = None,
        render_mode: str | None = None,
        renderer: str | Mapping[str, Any] | Renderer | None = None,
        render_period: int = 1,
        **task: Unpack[TaskArguments],
    ) -> None:
        check_arguments(task, BalloonEnv)
        self.precision = check_precision(precision)
        check_counts(max_episode_steps=max_episode_steps, render_period=render_period)
        self.max_episode_steps = max_episode_steps
        self.task, self.vehicle = make_task(**task)
        self.action_space = spaces.Discrete(len(Action))
        self.observation_space = self.task.observation.observation_space
        self.device = find_device(device)
        self.render_mode = render_mode
        self._render_period = render_period
        self._renderer = None
        if render_mode is not None:
            self._renderer = make_renderer(renderer, render_mode, self.task.station_keeping_radius_km)
            if renderer is not None:
                self.metadata = self.metadata | {"render_modes": list(self._renderer.render_modes)}
        self._programs = _programs_on(self.task, self.device)
        with self._scope():
            self._params = self._on_device(self.task.make_params(self.vehicle))
        self._snapshot: tuple[Packed, Packed] | None = None
        self._start_time = 0
        self._num_steps = 0
        self._is_over = False
        self._is_restored = False
        """Whether the flight has been restored since the last step, which wrappers do not learn of."""
        self._start_stream(clock_seed() if seed is None else seed)
        self._next_episode_key()

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: starts a new stream of episodes. None takes the next episode of the present stream.
            options: changes to the sampled episode: any of x, y (m from the station), pressure (Pa),
                start_time (seconds since 1970), latitude, longitude (deg, of the station), upwelling_infrared (W/m2).
                Numbers, or arrays and tensors of any library that are scalars.

        Raises:
            ValueError: the seed is outside [0, 2**64), or an option is unknown or out of range.
            NotFiniteError: a part of the task gave NaN or infinity; a ValueError.
        """
        changes = scenario_changes(options or {})
        if seed is not None:
            seed = check_seed(seed)  # Gymnasium takes no integers of numpy.
            self._start_stream(seed)
        super().reset(seed=seed)
        with self._scope():
            scenario = self._programs.sample(self._params, self._next_episode_key())
            arrays = {name: np.asarray(value, getattr(scenario, name).dtype) for name, value in changes.items()}
            scenario = dataclasses.replace(scenario, **self._on_device(arrays))
            self._snapshot, transition = self._programs.start(scenario)
        self._start_time = int(scenario.start_time)
        self._num_steps = 0
        self._is_restored = False
        observation, _, self._is_over, info = self._report(transition)
        self._begin_drawing(info)
        return observation, info

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Fly 180 s.

        Args:
            action: 0 down, 1 stay, 2 up: an integer, or an array or tensor of any library that is an integer scalar.

        Raises:
            ValueError: the action is not 0, 1 or 2.
            NotFiniteError: a part of the task gave NaN or infinity; a ValueError.
            RuntimeError: before the first reset, or after the end of an episode.
        """
        action = checked_action(action)
        scenario, state = self._started("step was called")
        if self._is_over:
            raise RuntimeError("the episode has ended: call reset before the next step")
        with self._scope():
            state, transition = self._programs.step(scenario, state, np.int32(action))
            self._snapshot = scenario, state
        if self._is_restored:
            set_time_limits(self, self._num_steps)
            self._is_restored = False
        self._num_steps += 1
        observation, reward, terminated, info = self._report(transition)
        truncated = self.max_episode_steps is not None and self._num_steps >= self.max_episode_steps
        self._is_over = terminated or truncated
        self._draw(info, action, reward)
        return observation, reward, terminated, truncated, info

    def render(self) -> Any:
        """What the renderer returns for the render mode, such as a picture of the flight so far.

        Without a render mode it warns and returns None, as Gymnasium's own environments do.

        Raises:
            RuntimeError: there is a render mode, and `reset` has not been called.
        """
        if self._renderer is None or self.render_mode is None:
            gymnasium.logger.warn('render was called without a render mode: make it with render_mode="rgb_array".')
            return None
        self._started("render was called")
        return self._renderer.render(self.render_mode)

    def close(self) -> None:
        """Close the renderer."""
        if self._renderer is not None:
            self._renderer.close()

    def get_snapshot(self) -> Snapshot:
        """The flight at this moment; `set_snapshot` continues from it.

        Raises:
            RuntimeError: before the first reset.
        """
        scenario, state = self._started("there is no flight")
        with self._scope():
            return Snapshot(*self._programs.save(scenario, state))

    def set_snapshot(self, snapshot: Snapshot) -> tuple[np.ndarray, dict[str, Any]]:
        """Continue from a snapshot of this or another environment of the same task and precision.

        The snapshot includes the balloon's wind measurements, so the same actions give the same flight. The steps
        that `max_episode_steps` limits are counted from the start of that flight, also by the wrapper `TimeLimit` that
        `gymnasium.make` adds.

        Returns:
            The observation and info there.

        Raises:
            ValueError: the snapshot has another precision.
        """
        snapshot.check_precision(self.precision)
        self._start_time = int(snapshot.scenario.start_time)
        self._num_steps = int(snapshot.state.elapsed) // STEP_SECONDS
        self._is_restored = True
        self._episode = "a restored episode"
        with self._scope():
            self._snapshot, transition = self._programs.restore(*self._on_device(tuple(snapshot)))
        observation, _, self._is_over, info = self._report(transition)
        self._begin_drawing(info)
        return observation, info

    def _started(self, what: str) -> tuple[Packed, Packed]:
        """Scenario and state, which are there after the first reset."""
        if self._snapshot is None:
            raise RuntimeError(f"{what} before the first reset: call reset first")
        return self._snapshot

    def _begin_drawing(self, info: Mapping[str, Any]) -> None:
        if self._renderer is not None:
            self._renderer.reset()
            self._draw(info)

    def _draw(self, info: Mapping[str, Any], action: int | None = None, reward: float | None = None) -> None:
        if self._renderer is not None:
            winds = None
            if self._renderer.shows_winds:
                with self._scope():
                    winds = jax.device_get(self._programs.winds(*self._started("there is no flight")))
            self._renderer.step(with_step(info, action, reward, winds))
            if self.render_mode == "human" and (self._is_over or self._num_steps % self._render_period == 0):
                self.render()

    def _start_stream(self, seed: int) -> None:
        self._seed, self._num_episodes = seed, 0
        self._stream = start_streams([seed])

    def _next_episode_key(self) -> np.ndarray:
        with self._scope():
            self._stream, (episode_key,) = next_episode_keys(self._stream)
        self._num_episodes += 1
        self._episode = episode_name(self._seed, self._num_episodes)
        return episode_key

    def __deepcopy__(self, memo: dict[int, Any]) -> "BalloonEnv":
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        # Immutable, so that copies share them: compiled functions and JAX's arrays.
        memo.update({id(value): value for value in (self._programs, self._params, self._snapshot)})
        vars(other).update(copy.deepcopy(vars(self), memo))
        return other

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in ("_programs", "_params")}
        if self._snapshot is not None:
            state["_snapshot"] = tuple(unpack(jax.device_get(packed)) for packed in self._snapshot)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._programs = _programs_on(self.task, self.device)
        with self._scope():
            self._params = self._on_device(self.task.make_params(self.vehicle))
            if self._snapshot is not None:
                self._snapshot = self._on_device(tuple(pack(struct, np) for struct in self._snapshot))

    def _on_device(self, tree: Any) -> Any:
        """Arrays as all programs return them: JAX compiles again for arrays that are not bound to a device."""
        return jax.device_put(tree, self.device or local_devices()[0])

    def _scope(self) -> AbstractContextManager[None]:
        return compute_scope(self.precision, self.device)

    def _report(self, arrays: HostArrays) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        with own_transfers():
            observation, reward, terminated, diagnostics = unpack_host_arrays(arrays)
        where = f"at step {self._num_steps} of {self._episode}"
        check_flight(self.task, where, diagnostics=diagnostics, reward=reward, observation=observation)
        # A copy, because JAX's arrays are read-only, and torch warns when it receives one.
        return np.array(observation), float(reward), bool(terminated), to_info(diagnostics, self._start_time)


export.register_namedtuple_serialization(
    HostArrays, serialized_name=f"{HostArrays.__module__}.{HostArrays.__qualname__}"
)


class _Programs(NamedTuple):
    """A task's compiled functions for the single environment, which keeps scenario and state packed."""

    sample: Any
    start: Any
    step: Any
    save: Any
    restore: Any
    winds: Any


def _programs_on(task: Task, device: Device | None) -> _Programs:
    """Environments of equal tasks share their compiled functions."""
    if is_storing(device or local_devices()[0]):
        with contextlib.suppress(NotStorableError):
            return _programs(task, described(task))
    return _programs(task, None)


@functools.cache
def _programs(task: Task, name: str | None) -> _Programs:
    """The functions of a task.

    Args:
        task: the task.
        name: under which they are stored, or None for functions that are not.
    """

    def sampled(params, episode_key):
        return sample_scenario(task.wind_field, params, episode_key)

    def started(scenario):
        state, transition = core.start(task, scenario)
        return state, host_arrays(transition)

    def stepped(scenario, state, action):
        state, transition = core.step(task, scenario, state, action)
        return state, host_arrays(transition)

    if name is not None:
        sampled, started, stepped = (
            stored_function(function, f"{function.__name__} of {name}") for function in (sampled, started, stepped)
        )

    def start(scenario):
        state, arrays = started(scenario)
        return (pack(scenario), pack(state)), arrays

    def step(scenario, state, action):
        state, arrays = stepped(unpack(scenario), unpack(state), action)
        return pack(state), arrays

    def save(scenario, state):
        return unpack(scenario), unpack(state)

    def restore(scenario, state):
        return (pack(scenario), pack(state)), host_arrays(core.transition_at(task, scenario, state))

    def winds(scenario, state):
        return picture_column(task.wind_field, unpack(scenario), unpack(state))

    compiled = functools.partial(jax.jit, compiler_options=compiler_options())
    return _Programs(*map(compiled, (sampled, start, step, save, restore, winds)))
