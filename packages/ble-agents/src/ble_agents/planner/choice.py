"""The choice of an action by the values of a plan."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ble_agents.planner.grid import STEPS_PER_STAGE, PlanGrid
from ble_agents.planner.values import PlanSettings, reward_at
from ble_sim import flight
from ble_sim.balloon.altitude_control import Action
from ble_sim.scenario import Scenario
from ble_sim.state import Balloon, BalloonStatus, SimState

_FAILURE_COST = 1000.0
PREFERENCE_TO_STAY = 1e-6
"""Added to the value of staying: of equal actions it is taken."""


def choose_action(
    settings: PlanSettings,
    scenario: Scenario,
    state: SimState,
    values: jax.Array,
    steps_planned: jax.Array,
) -> jax.Array:
    """The best action (int32) of one balloon: each is flown for a step in the simulator, in the wind that holds.

    Args:
        settings: of the plan.
        scenario, state: of the flight.
        values: of the plan, from its first stage on.
        steps_planned: int32, agent steps made since that stage.
    """

    def value_after(action: jax.Array) -> jax.Array:
        balloon, *_ = flight.step_in_wind(scenario, state.balloon, state.safety, state.elapsed, state.wind, action)
        return reward_at(settings, balloon.distance) + value_to_come(settings, balloon, values, steps_planned + 1)

    actions = jnp.arange(len(Action), dtype=jnp.int32)
    preference = jnp.where(actions == Action.STAY, PREFERENCE_TO_STAY, 0.0)
    return jnp.argmax(jax.vmap(value_after)(actions) + preference).astype(jnp.int32)


def value_to_come(settings: PlanSettings, balloon: Balloon, values: jax.Array, steps: jax.Array) -> jax.Array:
    """What a balloon can still collect a number of agent steps after the first stage; far below 0 if it has failed."""
    value = value_at(settings.grid, values, balloon.x, balloon.y, balloon.pressure, steps)
    return value - jnp.where(balloon.status != BalloonStatus.OK, _FAILURE_COST, 0.0)


def value_at(
    grid: PlanGrid, values: jax.Array, x: jax.Array, y: jax.Array, pressure: jax.Array, steps: jax.Array
) -> jax.Array:
    """The value at a point (scalars: m, m, Pa) a number of agent steps after the first stage, linear in time."""
    now, later = jax.lax.dynamic_slice_in_dim(values, steps // STEPS_PER_STAGE, 2)
    time_place = ((steps % STEPS_PER_STAGE) / STEPS_PER_STAGE).astype(values.dtype)
    return _cubic(grid, lambda near: now[near] + time_place * (later[near] - now[near]), x, y, pressure)


def steady_value_at(grid: PlanGrid, values: jax.Array, x: jax.Array, y: jax.Array, pressure: jax.Array) -> jax.Array:
    """The value at a point (scalars: m, m, Pa), of values [pressures, x, y] that hold at any time."""
    return _cubic(grid, lambda near: values[near], x, y, pressure)


def _cubic(
    grid: PlanGrid, values_near: Callable[[Any], jax.Array], x: jax.Array, y: jax.Array, pressure: jax.Array
) -> jax.Array:
    """The value at a point, cubic in the place and the pressure, by Catmull and Rom.

    A value that is linear between two levels has no best place between them. Points beyond the grid are clamped to it.
    """
    axes = [
        _neighbours(place, points)
        for place, points in (
            (grid.level(pressure), grid.num_pressures),
            (grid.place(x), grid.num_distances),
            (grid.place(y), grid.num_distances),
        )
    ]
    near = values_near(jnp.ix_(*[indices for indices, _ in axes]))
    for _, weights in axes:
        near = jnp.tensordot(weights.astype(near.dtype), near, 1, precision=jax.lax.Precision.HIGHEST)
    return near


def _neighbours(place: jax.Array, points: int) -> tuple[jax.Array, jax.Array]:
    """The four points about a place (a fractional index) along an axis: their indices and weights, [4] each."""
    place = jnp.clip(place, 0.0, points - 1.0)
    below = jnp.clip(place.astype(jnp.int32), 0, points - 2)
    f = place - below
    weights = [
        ((2.0 - f) * f - 1.0) * f / 2.0,
        ((3.0 * f - 5.0) * f * f + 2.0) / 2.0,
        ((4.0 - 3.0 * f) * f + 1.0) * f / 2.0,
        (f - 1.0) * f * f / 2.0,
    ]
    return jnp.clip(below + jnp.arange(-1, 3), 0, points - 1), jnp.stack(weights)
