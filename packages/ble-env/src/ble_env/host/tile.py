"""A tile: a fixed number of lanes in one compiled step, the unit of batches.

A batch of any size is flown in tiles of one size, the last one padded. One compiled step serves every batch, the
working set stays in the cache, and the arithmetic of an episode depends neither on its neighbours nor on their number.
"""

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from ble_env import core
from ble_env.host.devices import Device, compute_scope, local_devices
from ble_env.host.packing import HostTransition, pack_transition
from ble_env.host.reset_options import RESET_OPTIONS
from ble_env.host.snapshot import Snapshot
from ble_env.host.stored_programs import NotStorableError, described, is_storing, shapes_of, stored_program
from ble_env.task import Task
from ble_env.wind_column import WindColumn, picture_column
from ble_sim.balloon.vehicle import Vehicle, vehicle_arrays
from ble_sim.precision import float_dtype
from ble_sim.scenario import Params, Scenario, sample_scenario
from ble_sim.state import SimState
from ble_sim.wind.field import WindField

DEFAULT_SIZE = 32


def fitting_size(num_lanes: int) -> int:
    """The smallest power of two that holds all lanes, at most `DEFAULT_SIZE`."""
    return min(DEFAULT_SIZE, 1 << (num_lanes - 1).bit_length())


class Lanes(NamedTuple):
    """Episodes in progress: structs with a leading axis, of the lanes, or without it for one lane."""

    scenario: Scenario
    state: SimState
    transition: HostTransition


for _tuple in (Lanes, HostTransition):
    export.register_namedtuple_serialization(_tuple, serialized_name=f"{_tuple.__module__}.{_tuple.__qualname__}")


class Tile:
    """Lanes of one task that are stepped together. A reset begins a new episode in some of them.

    Args:
        task: the task.
        vehicle: the balloon.
        precision: "float32" or "float64".
        size: number of lanes.
        device: where to compute; the first of JAX's first platform if None (see `find_device`).
    """

    def __init__(
        self, task: Task, vehicle: Vehicle, precision: str, size: int = DEFAULT_SIZE, device: Device | None = None
    ) -> None:
        self.size = size
        self.precision = precision
        self._device = device
        self._arguments = task, vehicle, precision, size, device
        with self.scope():
            self._params = Params(vehicle_arrays(vehicle), _wind_arrays(task.wind_field, precision, device))
            self._programs, shapes = _programs_and_shapes(task, precision, size, device, self._params)
            config: Any = jax.config  # Type checkers do not know its settings.
            if config.jax_debug_nans or config.jax_debug_infs:
                # These settings stop at any value that is not finite, and a step makes such values of zeros.
                arguments = self._params, np.zeros(2, np.uint32), _all_changes({})
                lane = jax.device_get(self._programs.reset_lane(*arguments))
                empty = jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf)[None], size, axis=0), lane)
            else:
                empty = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
            self.lanes: Lanes = jax.device_put(empty, device)

    def __getstate__(self) -> tuple[Any, ...]:
        return self._arguments, jax.device_get(self.lanes)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        arguments, lanes = state
        Tile.__init__(self, *arguments)
        with self.scope():
            self.lanes = jax.device_put(lanes, self._device)

    def reset(
        self,
        lanes: Sequence[int] | np.ndarray,
        episode_keys: np.ndarray,
        changes: Mapping[str, float] = MappingProxyType({}),
    ) -> HostTransition:
        """Begin an episode in each of `lanes`; the others stay as they are.

        Scenarios and states that were read from `self.lanes` before are invalid afterwards.

        Args:
            lanes: indices, each once.
            episode_keys: uint32[len(lanes), 2].
            changes: new values of fields of the sampled scenarios, from `scenario_changes`.

        Returns:
            The transition of every lane, on the device.
        """
        keys = np.zeros((self.size, 2), np.uint32)
        order = np.zeros(self.size, np.int32)
        keys[: len(lanes)], order[: len(lanes)] = episode_keys, lanes
        scenario, state, transition = self.lanes
        with self.scope():
            self.lanes = self._programs.reset(
                (scenario, state), transition, self._params, _all_changes(changes), keys, order, np.int32(len(lanes))
            )
        return self.lanes.transition

    def restore(self, lanes: Sequence[int] | np.ndarray, scenario: Scenario, state: SimState) -> HostTransition:
        """Continue in each of `lanes` from a snapshot; the others stay as they are.

        Args:
            lanes: indices, each once.
            scenario, state: with a leading axis, a row for each of `lanes`.

        Returns:
            The transition of every lane, on the device.
        """

        def replaced(old: jax.Array, new: Any) -> np.ndarray:
            leaf = np.array(old)
            leaf[lanes] = new
            return leaf

        with self.scope():
            structs = jax.tree.map(replaced, (self.lanes.scenario, self.lanes.state), (scenario, state))
            scenario, state = jax.device_put(structs, self._device)
            self.lanes = Lanes(scenario, state, self._programs.transition(scenario, state))
        return self.lanes.transition

    def step(self, actions: Any) -> HostTransition:
        """Fly one agent step in every lane. A balloon whose flight has ended stays where it is.

        Args:
            actions: int32[size].

        Returns:
            The transition of every lane, on the device.
        """
        with self.scope():
            state, transition = self._programs.step(self.lanes.scenario, self.lanes.state, actions)
        self.lanes = Lanes(self.lanes.scenario, state, transition)
        return transition

    def winds(self) -> WindColumn:
        """The winds of all levels at every lane's balloon, for renderers; on the device."""
        with self.scope():
            return self._programs.winds(self.lanes.scenario, self.lanes.state)

    def snapshot(self, lane: int) -> Snapshot:
        """The episode in a lane at this moment."""
        with self.scope():
            return Snapshot(*_lane_of((self.lanes.scenario, self.lanes.state), np.int32(lane)))

    def scope(self) -> AbstractContextManager[None]:
        """The context in which the tile computes: its precision and its device."""
        return compute_scope(self.precision, self._device)


@jax.jit
def _lane_of(structs: Any, lane: jax.Array) -> Any:
    return jax.tree.map(lambda leaf: leaf[lane], structs)


Changes = dict[str, tuple[Any, Any]]
"""Field of `Scenario` -> whether it changes, and its new value (scalars)."""


def _all_changes(changes: Mapping[str, float]) -> Changes:
    """Every field that a reset may change, so that all resets share one compilation."""
    dtypes = {field: np.int32 if isinstance(low, int) else float_dtype() for field, low, _ in RESET_OPTIONS.values()}
    return {
        field: (np.bool_(field in changes), np.asarray(changes.get(field, 0), dtype)) for field, dtype in dtypes.items()
    }


def _reset_lane(task: Task, params: Params, episode_key: jax.Array, changes: Changes) -> Lanes:
    """Begin an episode in one lane."""
    scenario = sample_scenario(task.wind_field, params, episode_key)
    changed = {field: jnp.where(*change, getattr(scenario, field)) for field, change in changes.items()}
    scenario = dataclasses.replace(scenario, **changed)
    state, transition = core.start(task, scenario)
    return Lanes(scenario, state, pack_transition(transition))


def _reset_lanes(
    reset_lane: Callable[..., Lanes],
    structs: tuple[Scenario, SimState],
    transition: HostTransition,
    params: Params,
    changes: Changes,
    keys: jax.Array,
    lanes: jax.Array,
    count: jax.Array,
) -> Lanes:
    """Begin episodes one after another: the work is proportional to their number, and one compilation serves all."""

    def reset_next(i: jax.Array, all_lanes: Lanes) -> Lanes:
        lane = reset_lane(params, keys[i], changes)
        return jax.tree.map(
            lambda old, new: jax.lax.dynamic_update_index_in_dim(old, new, lanes[i], axis=0), all_lanes, lane
        )

    return jax.lax.fori_loop(0, count, reset_next, Lanes(*structs, transition))


def _step_lane(task: Task, scenario: Scenario, state: SimState, action: jax.Array) -> tuple[SimState, HostTransition]:
    state, transition = core.step(task, scenario, state, action)
    return state, pack_transition(transition)


def _transition_of_lane(task: Task, scenario: Scenario, state: SimState) -> HostTransition:
    return pack_transition(core.transition_at(task, scenario, state))


class _Programs(NamedTuple):
    """The compiled functions of a task's tiles."""

    reset_lane: Callable[..., Any]
    reset: Callable[..., Any]
    step: Callable[..., Any]
    transition: Callable[..., Any]
    winds: Callable[..., Any]


@functools.cache
def _programs(task: Task) -> _Programs:
    reset_lane = jax.jit(functools.partial(_reset_lane, task))
    return _Programs(
        reset_lane=reset_lane,
        # Donated, the scenarios are changed in place: the winds of the other lanes are not copied.
        reset=jax.jit(functools.partial(_reset_lanes, reset_lane), donate_argnums=0),
        step=jax.jit(jax.vmap(functools.partial(_step_lane, task))),
        transition=jax.jit(jax.vmap(functools.partial(_transition_of_lane, task))),
        winds=jax.jit(jax.vmap(functools.partial(picture_column, task.wind_field))),
    )


def _programs_and_shapes(
    task: Task, precision: str, size: int, device: Device | None, params: Params
) -> tuple[_Programs, Lanes]:
    """The programs of a tile, and the shapes of its lanes. Called in the scope of the tile."""
    programs = _programs(task)

    def shapes() -> Lanes:
        lane = jax.eval_shape(programs.reset_lane, params, np.zeros(2, np.uint32), _all_changes({}))
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((size, *leaf.shape), leaf.dtype), lane)

    if is_storing(device or local_devices()[0]):
        with contextlib.suppress(NotStorableError):
            what = f"{described(task)} {precision} {size} {shapes_of(params)}"
            with _stored_lock:
                if what not in _stored:
                    _stored[what] = _stored_programs(programs, what, shapes, params, size)
                return _stored[what]
    return programs, shapes()


_stored: dict[str, tuple[_Programs, Lanes]] = {}
_stored_lock = threading.Lock()


def _stored_programs(
    programs: _Programs, what: str, shapes: Callable[[], Lanes], params: Params, size: int
) -> tuple[_Programs, Lanes]:
    """Programs that are read from disk in place of being traced, and the shapes of the lanes."""

    def reset_arguments() -> tuple[Any, ...]:
        scenario, state, transition = shapes()
        keys, lanes = np.zeros((size, 2), np.uint32), np.zeros(size, np.int32)
        return (scenario, state), transition, params, _all_changes({}), keys, lanes, np.int32(0)

    def step_arguments() -> tuple[Any, ...]:
        scenario, state, _ = shapes()
        return scenario, state, np.zeros(size, np.int32)

    @functools.cache
    def stored_step() -> Callable[..., Any]:
        try:
            return jax.jit(stored_program(programs.step, f"step of {what}", step_arguments).call)
        except NotStorableError:
            return programs.step

    lock = threading.Lock()

    def step(*arguments: Any) -> Any:
        with lock:
            program = stored_step()
        return program(*arguments)

    reset = stored_program(programs.reset, f"reset of {what}", reset_arguments)
    stored = programs._replace(reset=jax.jit(reset.call, donate_argnums=0), step=step)
    return stored, jax.tree.unflatten(reset.out_tree, reset.out_avals)


@functools.cache
def _wind_arrays(wind_field: WindField, precision: str, device: Device | None) -> Any:
    """The wind field's arrays, once on a device for all of its tiles. Called in their scope; `precision` is a key."""
    return jax.device_put(wind_field.parameters(), device)
