"""The planner: dynamic programming over the forecast, corrected by the measurements of the flight."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.benchmark_spaces import NUM_ACTIONS
from ble_agents.options import PlannerOptions
from ble_agents.planner.choice import choose_action
from ble_agents.planner.grid import NUM_STAGES, STAGE_SECONDS, STEPS_PER_STAGE
from ble_agents.planner.lanes import is_on_accelerator, map_lanes
from ble_agents.planner.motion import vertical_motion
from ble_agents.planner.values import PlanSettings, plan_settings, plan_values
from ble_agents.planner.views import as_float32
from ble_agents.planner.wind_belief import Belief, GrowingBelief
from ble_agents.view_policy import ViewPolicyAgent
from ble_env.information import FlightView, InformationTrack
from ble_env.task import Task
from ble_sim.constants import SECONDS_PER_HOUR, STEP_SECONDS
from ble_sim.precision import precision_scope
from ble_sim.wind.fields.grid import FORECAST_SECONDS

STEPS_PER_MEASUREMENT = 4
"""Of the wind measurements, one in so many steps enters the belief: those between add little."""
ERROR_POINTS = 20, 24
"""Along a distance and along the pressure, at which the mean error is computed: it is smoother than the error."""
MAX_MEASUREMENTS = FORECAST_SECONDS // STEP_SECONDS // STEPS_PER_MEASUREMENT
"""Of a flight."""
NUGGET = 0.02
"""Variance of what the belief does not model, over that of the error."""

DEFAULTS = PlannerOptions()


class PlannerAgent(ViewPolicyAgent):
    """Plans in the forecast of the whole field, corrected by what was measured, and replans as measurements come in."""

    information_track = InformationTrack.FORECAST
    max_lanes = 8
    max_accelerator_lanes = 64

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: PlannerOptions = DEFAULTS,
    ) -> None:
        if num_actions != NUM_ACTIONS:
            raise ValueError(f"The planner has {NUM_ACTIONS} actions, the environment {num_actions}.")
        super().__init__(num_actions, observation_shape, seed=seed)
        self._options = options

    def view_policy(self, task: Task, lanes: int) -> "Planner":
        """A planner for the lanes of a tile."""
        settings = plan_settings(task, self._options, error_points=ERROR_POINTS, side_by_side=is_on_accelerator())
        return Planner(settings, plan_times(self._options), lanes)


@dataclass(frozen=True)
class PlanTimes:
    """When a planner plans, in stages.

    Attributes:
        plan: from one plan of the whole flight to the next.
        refresh: from one look at the measurements to the next: a multiple of it is a plan of the whole flight, and
            between these the first stages of the last plan are computed again.
        horizon: stages of such a refreshed plan. Its last values are those of the last plan of the whole flight.
        distances: points of it along x, and along y, about the balloon. Beyond them the last plan of the whole flight
            holds.
    """

    plan: int
    refresh: int
    horizon: int
    distances: int


def plan_times(options: PlannerOptions) -> PlanTimes:
    """The times of the options, rounded to stages."""
    refresh = max(min(options.refresh_steps, options.replan_steps) // STEPS_PER_STAGE, 1)
    plan = max(options.replan_steps // STEPS_PER_STAGE // refresh, 1) * refresh
    horizon = max(round(options.refresh_hours * SECONDS_PER_HOUR / STAGE_SECONDS), refresh)
    return PlanTimes(plan, refresh, horizon, min(options.refresh_distances, options.num_distances))


class Planner:
    """Plans for the lanes of a tile, whose flights begin together: a `ViewPolicy`.

    A plan computes in float32, whatever the precision of the flight.

    Args:
        settings: of the plans.
        times: when it plans.
        lanes: number of flights.
    """

    def __init__(self, settings: PlanSettings, times: PlanTimes, lanes: int) -> None:
        self._motions, self._plans, self._refreshed_plans, self._choose = _compiled(settings, times)
        self._times = times
        self._lanes = lanes

    def begin(self, view: FlightView) -> jax.Array:
        """Begin flights: forget those before, and plan."""
        self._steps = 0
        self._belief = GrowingBelief(self._lanes, MAX_MEASUREMENTS, NUGGET)
        view = as_float32(view)
        with precision_scope("float32"):
            self._motion = jax.block_until_ready(self._motions(view.scenario))
        return self._act(view)

    def step(self, view: FlightView) -> jax.Array:
        """The next actions, after a new plan if it is due."""
        self._steps += 1
        return self._act(as_float32(view))

    def _act(self, view: FlightView) -> jax.Array:
        with precision_scope("float32"):
            place, between = divmod(self._steps, STEPS_PER_MEASUREMENT)
            if not between and place < MAX_MEASUREMENTS:
                self._belief.add(*jax.device_get(_measurement(view.state)))
            stage, half = divmod(self._steps, STEPS_PER_STAGE)
            since_refresh = stage % self._times.refresh
            if since_refresh == half == 0:
                beliefs = self._belief.beliefs()
                since_plan = stage % self._times.plan
                if since_plan == 0:
                    self._plan, self._values = self._plans(view.scenario, self._motion, beliefs, np.int32(stage))
                else:
                    self._values = self._refreshed_plans(
                        view, self._motion, beliefs, self._plan, np.int32(stage), np.int32(since_plan)
                    )
            steps_planned = np.int32(since_refresh * STEPS_PER_STAGE + half)
            return self._choose(view.scenario, view.state, self._values, steps_planned)


@functools.cache
def _compiled(settings: PlanSettings, times: PlanTimes) -> tuple[Any, Any, Any, Any]:
    """Vertical motions, plans, refreshed plans and choices of a tile, compiled once for all planners like this one."""
    acted_on = times.refresh + 2
    """Stages that `choose_action` reads before the next plan."""
    kept = times.plan + max(times.horizon, 2) if times.plan > times.refresh else acted_on

    def motions(scenarios: Any) -> jax.Array:
        return map_lanes(settings, functools.partial(vertical_motion, settings.grid), scenarios)

    def plans(scenarios: Any, motions: jax.Array, beliefs: Belief, first: jax.Array) -> tuple[jax.Array, jax.Array]:
        last, nothing = jnp.int32(NUM_STAGES), settings.grid.nothing_to_come()

        def planned(scenario: Any, motion: jax.Array, belief: Belief) -> jax.Array:
            return plan_values(settings, kept, scenario, motion, belief, first, last, nothing)

        values = map_lanes(settings, planned, scenarios, motions, beliefs)
        return values, values[:, :acted_on]

    def refreshed_plans(
        view: FlightView, motions: jax.Array, beliefs: Belief, plans: jax.Array, first: jax.Array, since_plan: jax.Array
    ) -> jax.Array:
        stages, size = jnp.minimum(times.horizon, NUM_STAGES - first), times.distances

        def first_index(coordinate: jax.Array) -> jax.Array:
            middle = jnp.round(settings.grid.place(coordinate) - (size - 1) / 2).astype(jnp.int32)
            return jnp.clip(middle, 0, settings.grid.num_distances - size)

        def refreshed(scenario: Any, balloon: Any, motion: jax.Array, belief: Belief, plan: jax.Array) -> jax.Array:
            x, y = first_index(balloon.x), first_index(balloon.y)
            part = x + np.arange(size), y + np.arange(size)
            last_values = jax.lax.dynamic_index_in_dim(plan, since_plan + stages, keepdims=False)
            last_values = jax.lax.dynamic_slice(last_values, (0, x, y), (len(last_values), size, size))
            values = plan_values(settings, acted_on, scenario, motion, belief, first, first + stages, last_values, part)
            last_plan = jax.lax.dynamic_slice_in_dim(plan, since_plan, acted_on)
            return jax.lax.dynamic_update_slice(last_plan, values, (0, 0, x, y))

        return map_lanes(settings, refreshed, view.scenario, view.state.balloon, motions, beliefs, plans)

    choices = jax.vmap(functools.partial(choose_action, settings), (0, 0, 0, None))
    return jax.jit(motions), jax.jit(plans), jax.jit(refreshed_plans), jax.jit(choices)


@jax.jit
def _measurement(state: Any) -> tuple[jax.Array, jax.Array]:
    """Where the wind was measured last (float32[lanes, 4]: m, m, Pa, s), and the forecast's error there [lanes, 2]."""
    balloon = state.balloon
    place = [balloon.x, balloon.y, balloon.pressure, state.elapsed.astype(balloon.x.dtype)]
    return jnp.stack(place, axis=-1), state.gp.errors[:, -1]
