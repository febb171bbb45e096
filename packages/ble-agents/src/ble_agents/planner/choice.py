"""The choice of an action by the values of a plan."""

import jax
import jax.numpy as jnp

from ble_agents.planner.grid import MIN_PRESSURE, STEPS_PER_STAGE, PlanGrid
from ble_agents.planner.values import PlanSettings, reward_at
from ble_sim import flight
from ble_sim.balloon.altitude_control import Action
from ble_sim.scenario import Scenario
from ble_sim.state import BalloonStatus, SimState

FAILURE_COST = 1000.0
_PREFERENCE_TO_STAY = 1e-6


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
        value = value_at(settings.grid, values, balloon.x, balloon.y, balloon.pressure, steps_planned + 1)
        has_failed = balloon.status != BalloonStatus.OK
        return reward_at(settings, balloon.distance) + value - jnp.where(has_failed, FAILURE_COST, 0.0)

    actions = jnp.arange(len(Action), dtype=jnp.int32)
    preference = jnp.where(actions == Action.STAY, _PREFERENCE_TO_STAY, 0.0)
    return jnp.argmax(jax.vmap(value_after)(actions) + preference).astype(jnp.int32)


def value_at(
    grid: PlanGrid, values: jax.Array, x: jax.Array, y: jax.Array, pressure: jax.Array, steps: jax.Array
) -> jax.Array:
    """The value at a point (scalars: m, m, Pa) a number of agent steps after the first stage, linear in all dimensions.

    Points beyond the grid are clamped to it.
    """

    def cell(place: jax.Array, points: int) -> tuple[jax.Array, jax.Array]:
        place = jnp.clip(place, 0.0, points - 1.0)
        index = jnp.clip(place.astype(jnp.int32), 0, points - 2)
        return index, place - index

    (i, x_place), (j, y_place) = cell(grid.place(x), grid.num_distances), cell(grid.place(y), grid.num_distances)
    k, pressure_place = cell((pressure - MIN_PRESSURE) / grid.pressure_spacing, grid.num_pressures)
    corners = jax.lax.dynamic_slice(values, (steps // STEPS_PER_STAGE, k, i, j), (2, 2, 2, 2))
    time_place = (steps % STEPS_PER_STAGE) / STEPS_PER_STAGE
    for place in (time_place, pressure_place, x_place, y_place):
        corners = corners[0] + place.astype(corners.dtype) * (corners[1] - corners[0])
    return corners
