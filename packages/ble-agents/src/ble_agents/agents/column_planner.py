"""The column planner: dynamic programming in the winds of the column, from observations alone.

What a plan cannot know, how the winds change with time and place, Tradewind has learned. Its expected returns are added
to the values of the actions.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.agents.shipped import Tradewind
from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_agents.exported_policy import load_policy
from ble_agents.options import ColumnPlannerOptions
from ble_agents.planner.choice import PREFERENCE_TO_STAY, steady_value_at
from ble_agents.planner.column_winds import LEVELS, Sighting, first_sighting, next_sighting
from ble_agents.planner.grid import STEPS_PER_STAGE, interpolation_matrix
from ble_agents.planner.lanes import batched_as_lanes
from ble_agents.planner.typical_motion import load_typical_motion
from ble_agents.planner.values import (
    PlanSettings,
    action_costs,
    horizontal_shifts,
    levels_after,
    plan_settings,
    stage_reward,
    values_before,
)
from ble_agents.policy import Params, Policy
from ble_agents.policy_agent import PolicyAgent
from ble_env import Task
from ble_sim.balloon.altitude_control import Action
from ble_sim.constants import STEP_SECONDS
from ble_sim.precision import precision_scope

DEFAULTS = ColumnPlannerOptions()


class ColumnPlan(NamedTuple):
    """What the policy keeps from one step to the next."""

    sighting: Sighting
    values: jax.Array
    """float32[pressures, x, y], if the winds of the column hold everywhere and for ever."""


class ColumnPlannerAgent(PolicyAgent):
    """Plans as if the winds of its column were those of all places and times, and asks Tradewind, too."""

    max_lanes = 8

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: ColumnPlannerOptions = DEFAULTS,
    ) -> None:
        require_benchmark_spaces("column_planner", num_actions, observation_shape)
        super().__init__(num_actions, observation_shape, column_planner_policy(options), seed)


@functools.cache
def column_planner_policy(options: ColumnPlannerOptions = DEFAULTS) -> Policy:
    """The column planner as pure functions. It computes in float32."""
    settings = plan_settings(Task(), options)
    grid = settings.grid
    tradewind = load_policy(Tradewind.file()) if options.tradewind_weight else None

    def init(params: Params, key: jax.Array, observation: jax.Array) -> tuple[ColumnPlan, jax.Array]:
        with precision_scope("float32"):
            values = jnp.broadcast_to(stage_reward(settings), grid.nothing_to_come().shape)
            return planned(params, observation, first_sighting(observation), values, options.first_stages)

    def step(
        params: Params, key: jax.Array, plan: ColumnPlan, observation: jax.Array, reward: jax.Array
    ) -> tuple[ColumnPlan, jax.Array]:
        with precision_scope("float32"):
            sighting = next_sighting(plan.sighting, observation)
            return planned(params, observation, sighting, plan.values, options.stages_per_step)

    def planned(
        params: Params, observation: jax.Array, sighting: Sighting, values: jax.Array, stages: int
    ) -> tuple[ColumnPlan, jax.Array]:
        motions, network = params
        winds = _known_everywhere(sighting)
        motion = motions[jnp.where(sighting.is_night, 0, 1)]
        costs = action_costs(settings, sighting.is_night)
        values = steady_values(settings, stages, values, winds, motion, costs)
        worth = _action_values(settings, sighting, winds, motion, costs, values)
        if tradewind is not None:
            worth += options.tradewind_weight * tradewind.architecture.preferences(network, observation)
        return ColumnPlan(sighting, values), jnp.argmax(worth).astype(jnp.int32)

    return Policy((load_typical_motion(grid), tradewind.params if tradewind is not None else ()), init, step)


def _known_everywhere(sighting: Sighting) -> jax.Array:
    """The winds, where the balloon cannot be those of the nearest level where it can: float32[levels, 2], m/s."""
    index = jnp.arange(len(LEVELS))
    far = jnp.where(sighting.is_reachable, 0, len(LEVELS))
    return sighting.winds[jnp.argmin(jnp.abs(index[:, None] - index) + far, axis=1)]


def steady_values(
    settings: PlanSettings, stages: int, values: jax.Array, winds: jax.Array, motion: jax.Array, costs: jax.Array
) -> jax.Array:
    """The values, carried back by a number of stages in winds [levels, 2] that hold everywhere."""

    def carried_back(
        settings: PlanSettings, values: jax.Array, winds: jax.Array, motion: jax.Array, costs: jax.Array
    ) -> jax.Array:
        grid = settings.grid
        from_levels = jnp.asarray(interpolation_matrix(grid.pressures, LEVELS))
        at_pressures = jnp.matmul(from_levels, winds, precision=jax.lax.Precision.HIGHEST)
        shifts = horizontal_shifts(settings, at_pressures.T[:, :, None, None])
        reward, levels = stage_reward(settings), levels_after(grid, motion)

        def stage(_: jax.Array, values: jax.Array) -> jax.Array:
            return values_before(settings, values, reward, shifts, levels, costs)

        return jax.lax.fori_loop(0, stages, stage, values)

    return batched_as_lanes(settings, carried_back)(values, winds, motion, costs)


def _action_values(
    settings: PlanSettings,
    sighting: Sighting,
    winds: jax.Array,
    motion: jax.Array,
    costs: jax.Array,
    values: jax.Array,
) -> jax.Array:
    """The value after each action, float32[actions]: the balloon drifts for a step, and moves up or down."""
    grid = settings.grid
    x, y = sighting.place + STEP_SECONDS * winds[sighting.level]
    level = grid.level(sighting.pressure)
    at_levels = functools.partial(jnp.interp, level, jnp.arange(grid.num_pressures, dtype=jnp.float32))
    moved = jax.vmap(at_levels)(motion) * grid.pressure_spacing / STEPS_PER_STAGE
    after = jax.vmap(functools.partial(steady_value_at, grid, values, x, y))(sighting.pressure + moved)
    preference = jnp.where(np.arange(len(Action)) == Action.STAY, PREFERENCE_TO_STAY, 0.0)
    return after - costs / STEPS_PER_STAGE + preference
