"""A fixed number of flights in lockstep: the unit that batches are made of.

A batch of any size is flown in tiles of one size, the last one padded. So one compiled step serves every batch, the
working set stays in the cache, and a flight's arithmetic depends neither on its neighbours nor on how many there are.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.core import Task, Transition, advance, begin, outcome, sample
from ble_env.host.devices import Device, compute_scope
from ble_env.task_arguments import RESET_OPTIONS
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.precision import float_dtype
from ble_sim.scenario import Scenario
from ble_sim.state import SimState
from ble_sim.wind.field import WindField

DEFAULT_SIZE = 32


def fitting_size(num_flights: int) -> int:
    """The smallest power of two that holds all flights, at most `DEFAULT_SIZE`."""
    return min(DEFAULT_SIZE, 1 << (num_flights - 1).bit_length())


class Flights(NamedTuple):
    """Flights in progress: the structs of `ble_env.core` with a leading axis."""

    scenario: Scenario
    state: SimState
    outcome: Transition


class Tile:
    """Flights of one task that are stepped together; each lane begins a new episode when it is told to.

    Args:
        task: what is flown.
        vehicle: the balloon.
        precision: "float32" or "float64".
        size: number of lanes.
        device: where to compute; JAX's default if None.
    """

    def __init__(
        self,
        task: Task,
        vehicle: Vehicle,
        precision: str,
        size: int = DEFAULT_SIZE,
        device: Device | None = None,
    ) -> None:
        self.size = size
        self.precision = precision
        self._device = device
        self._vehicle = vehicle
        self._compiled = _compiled(task)
        with self.scope():
            self._wind_parameters = _wind_parameters(task.wind_field, precision, device)
            shapes = jax.eval_shape(
                self._compiled.begin_lane, self._wind_parameters, vehicle, np.zeros(2, np.uint32), _all_changes({})
            )
            empty = jax.tree.map(lambda leaf: np.zeros((size, *leaf.shape), leaf.dtype), shapes)
            self.flights: Flights = jax.device_put(empty, device)

    def reset(
        self,
        lanes: Sequence[int] | np.ndarray,
        episode_keys: np.ndarray,
        changes: Mapping[str, float] = MappingProxyType({}),
    ) -> Transition:
        """Begin an episode in each of `lanes`; the others stay as they are.

        The scenarios and states of `flights` so far are no longer valid afterwards.

        Args:
            lanes: indices, each once.
            episode_keys: uint32[len(lanes), 2].
            changes: what becomes of fields of the sampled scenarios, as `ble_env.task_arguments.scenario_changes` returns.

        Returns:
            The outcome of every lane, on the device.
        """
        keys = np.zeros((self.size, 2), np.uint32)
        order = np.zeros(self.size, np.int32)
        keys[: len(lanes)], order[: len(lanes)] = episode_keys, lanes
        scenario, state, told = self.flights
        with self.scope():
            self.flights = self._compiled.reset(
                (scenario, state),
                told,
                self._wind_parameters,
                self._vehicle,
                _all_changes(changes),
                keys,
                order,
                np.int32(len(lanes)),
            )
        return self.flights.outcome

    def restore(self, lanes: Sequence[int] | np.ndarray, scenario: Scenario, state: SimState) -> Transition:
        """Continue in each of `lanes` from a state; the others stay as they are.

        Args:
            lanes: indices, each once.
            scenario, state: with a leading axis, a row for each of `lanes`.

        Returns:
            The outcome of every lane, on the device.
        """

        def replaced(old: jax.Array, new: Any) -> np.ndarray:
            leaf = np.array(old)
            leaf[lanes] = new
            return leaf

        with self.scope():
            flights = jax.tree.map(replaced, (self.flights.scenario, self.flights.state), (scenario, state))
            scenario, state = jax.device_put(flights, self._device)
            self.flights = Flights(scenario, state, self._compiled.outcome(scenario, state))
        return self.flights.outcome

    def step(self, actions: Any) -> Transition:
        """Fly one agent step in every lane; those whose flight has ended stay where they are.

        Args:
            actions: int32[size].

        Returns:
            The outcome of every lane, on the device.
        """
        with self.scope():
            state, told = self._compiled.step(self.flights.scenario, self.flights.state, actions)
        self.flights = Flights(self.flights.scenario, state, told)
        return told

    def scope(self) -> AbstractContextManager[None]:
        """The context that the tile computes in: its precision and its device."""
        return compute_scope(self.precision, self._device)


Changes = dict[str, tuple[Any, Any]]
"""Field of `Scenario` -> whether it changes, and to what (scalars)."""


def _all_changes(changes: Mapping[str, float]) -> Changes:
    """Every field that a reset may change, so that all resets share one compilation."""
    dtypes = {field: np.int32 if isinstance(low, int) else float_dtype() for field, low, _ in RESET_OPTIONS.values()}
    return {
        field: (np.bool_(field in changes), np.asarray(changes.get(field, 0), dtype)) for field, dtype in dtypes.items()
    }


def _begin_lane(
    task: Task, wind_parameters: Any, vehicle: Vehicle, episode_key: jax.Array, changes: Changes
) -> Flights:
    scenario = sample(task, wind_parameters, vehicle, episode_key)
    changed = {field: jnp.where(*change, getattr(scenario, field)) for field, change in changes.items()}
    scenario = dataclasses.replace(scenario, **changed)
    return Flights(scenario, *begin(task, scenario))


def _reset_lanes(
    begin_lane: Callable[..., Flights],
    flights: tuple[Scenario, SimState],
    told: Transition,
    wind_parameters: Any,
    vehicle: Vehicle,
    changes: Changes,
    keys: jax.Array,
    lanes: jax.Array,
    count: jax.Array,
) -> Flights:
    """Begin episodes one after another: work in proportion to their number, without a compilation for each number."""

    def reset_next(i: jax.Array, flights: Flights) -> Flights:
        begun = begin_lane(wind_parameters, vehicle, keys[i], changes)
        return jax.tree.map(
            lambda old, new: jax.lax.dynamic_update_index_in_dim(old, new, lanes[i], axis=0), flights, begun
        )

    return jax.lax.fori_loop(0, count, reset_next, Flights(*flights, told))


class _CompiledTile(NamedTuple):
    begin_lane: Callable[..., Any]
    reset: Callable[..., Any]
    step: Callable[..., Any]
    outcome: Callable[..., Any]


@functools.cache
def _compiled(task: Task) -> _CompiledTile:
    begin_lane = jax.jit(functools.partial(_begin_lane, task))
    return _CompiledTile(
        begin_lane=begin_lane,
        # Donated, the scenarios are changed in place: the wind of the lanes that fly on is not copied.
        reset=jax.jit(functools.partial(_reset_lanes, begin_lane), donate_argnums=0),
        step=jax.jit(jax.vmap(functools.partial(advance, task))),
        outcome=jax.jit(jax.vmap(functools.partial(outcome, task))),
    )


@functools.cache
def _wind_parameters(wind_field: WindField, precision: str, device: Device | None) -> Any:
    """Once on a device for all of its tiles; to be called in their scope, which `precision` is the key of."""
    return jax.device_put(wind_field.parameters(), device)
