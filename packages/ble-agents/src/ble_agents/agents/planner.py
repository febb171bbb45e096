"""The planner: dynamic programming over the forecast, corrected by the measurements of the flight."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.benchmark_spaces import NUM_ACTIONS
from ble_agents.options import PlannerOptions
from ble_agents.planner.choice import choose_action
from ble_agents.planner.grid import STEPS_PER_STAGE, PlanGrid
from ble_agents.planner.motion import vertical_motion
from ble_agents.planner.values import PlanSettings, plan_values
from ble_agents.planner.wind_belief import belief_weights
from ble_agents.view_policy import ViewPolicyAgent
from ble_env.information import FlightView, InformationTrack
from ble_env.task import Task
from ble_sim.constants import METERS_PER_KM, STEP_SECONDS
from ble_sim.precision import precision_scope
from ble_sim.wind.fields.grid import FORECAST_SECONDS

STEPS_PER_MEASUREMENT = 4
"""Of the wind measurements, one in so many steps enters the belief: those between add little."""
_MAX_MEASUREMENTS = FORECAST_SECONDS // STEP_SECONDS // STEPS_PER_MEASUREMENT
_NUGGET = 0.02

DEFAULTS = PlannerOptions()


class PlannerAgent(ViewPolicyAgent):
    """Plans in the forecast of the whole field, corrected by what was measured, and replans as measurements come in."""

    information_track = InformationTrack.FORECAST
    max_lanes = 8

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
        knows_error = self.information_track == InformationTrack.ORACLE
        return Planner(plan_settings(task, self._options, knows_error=knows_error), self._options.replan_steps, lanes)


class OracleAgent(PlannerAgent):
    """The planner with the true wind: what it reaches is a lower bound of what is possible on a seed."""

    information_track = InformationTrack.ORACLE


def plan_settings(task: Task, options: PlannerOptions, *, knows_error: bool) -> PlanSettings:
    """The settings of the plans for a task."""
    return PlanSettings(
        grid=PlanGrid(options.num_distances, options.num_pressures),
        wind_field=task.wind_field,
        radius=task.station_keeping_radius_km * METERS_PER_KM,
        ramp=options.ramp * METERS_PER_KM,
        night_descent_cost=options.night_descent_cost,
        discount=options.discount,
        kept_stages=-(-options.replan_steps // STEPS_PER_STAGE) + 2,
        knows_error=knows_error,
    )


class Planner:
    """Plans for the lanes of a tile, whose flights begin together: a `ViewPolicy`.

    A plan computes in float32, whatever the precision of the flight.

    Args:
        settings: of the plans.
        replan_steps: agent steps from one plan to the next.
        lanes: number of flights.
    """

    def __init__(self, settings: PlanSettings, replan_steps: int, lanes: int) -> None:
        self._motions, self._plans, self._choose = _compiled(settings)
        self._replan_steps = replan_steps - replan_steps % STEPS_PER_STAGE or STEPS_PER_STAGE
        self._lanes = lanes

    def begin(self, view: FlightView) -> jax.Array:
        """Begin flights: forget those before, and plan."""
        self._steps = 0
        self._points = np.zeros((self._lanes, _MAX_MEASUREMENTS, 4), np.float32)
        self._errors = np.zeros((self._lanes, _MAX_MEASUREMENTS, 2), np.float32)
        view = _as_float32(view)
        with precision_scope("float32"):
            self._motion = jax.block_until_ready(self._motions(view.scenario))
        return self._act(view)

    def step(self, view: FlightView) -> jax.Array:
        """The next actions, after a new plan if it is due."""
        self._steps += 1
        return self._act(_as_float32(view))

    def _act(self, view: FlightView) -> jax.Array:
        with precision_scope("float32"):
            place, is_due = divmod(self._steps, STEPS_PER_MEASUREMENT)
            if not is_due and place < _MAX_MEASUREMENTS:
                self._points[:, place], self._errors[:, place] = jax.device_get(_measurement(view.state))
            since = self._steps % self._replan_steps
            if since == 0:
                weights = np.zeros((self._lanes, _MAX_MEASUREMENTS, 2), np.float32)
                used = min(place + 1, _MAX_MEASUREMENTS)
                for lane in range(self._lanes):
                    weights[lane, :used] = belief_weights(self._points[lane, :used], self._errors[lane, :used], _NUGGET)
                first = np.int32(self._steps // STEPS_PER_STAGE)
                self._values = self._plans(view.scenario, self._motion, self._points, weights, first)
            return self._choose(view.scenario, view.state, self._values, np.int32(since))


@functools.cache
def _compiled(settings: PlanSettings) -> tuple[Any, Any, Any]:
    """Vertical motions, plans and choices of a tile, compiled once for all planners with these settings."""

    def motions(scenarios: Any) -> jax.Array:
        return jax.lax.map(functools.partial(vertical_motion, settings.grid), scenarios)

    def plans(scenarios: Any, motion: jax.Array, points: jax.Array, weights: jax.Array, first: jax.Array) -> jax.Array:
        # One lane after another: the values of one fit into a processor's cache.
        return jax.lax.map(
            lambda lane: plan_values(settings, *lane, first_stage=first), (scenarios, motion, points, weights)
        )

    choices = jax.vmap(functools.partial(choose_action, settings), (0, 0, 0, None))
    return jax.jit(motions), jax.jit(plans), jax.jit(choices)


@jax.jit
def _as_float32(view: FlightView) -> FlightView:
    def convert(leaf: jax.Array) -> jax.Array:
        return leaf.astype(jnp.float32) if leaf.dtype == jnp.float64 else leaf

    return jax.tree.map(convert, view)


@jax.jit
def _measurement(state: Any) -> tuple[jax.Array, jax.Array]:
    """Where the wind was measured last (float32[lanes, 4]: m, m, Pa, s), and the forecast's error there [lanes, 2]."""
    balloon = state.balloon
    place = [balloon.x, balloon.y, balloon.pressure, state.elapsed.astype(balloon.x.dtype)]
    return jnp.stack(place, axis=-1), state.gp.errors[:, -1]
