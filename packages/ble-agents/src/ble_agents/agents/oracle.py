"""The oracle: a flight planned with the true wind, which shows what is possible on a seed."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.benchmark_spaces import NUM_ACTIONS
from ble_agents.options import OracleOptions
from ble_agents.planner.beam import NUM_STEPS, best_flight
from ble_agents.planner.grid import NUM_STAGES
from ble_agents.planner.lanes import is_on_accelerator, map_lanes
from ble_agents.planner.motion import vertical_motion
from ble_agents.planner.values import PlanSettings, plan_settings, plan_values
from ble_agents.planner.views import as_float32
from ble_agents.view_policy import ViewPolicyAgent
from ble_env.information import FlightView, InformationTrack
from ble_env.task import Task
from ble_sim.balloon.altitude_control import Action
from ble_sim.precision import precision_scope

DEFAULTS = OracleOptions()


class OracleAgent(ViewPolicyAgent):
    """Plans a flight with the true wind before it begins, and flies it: a lower bound of what is possible on a seed."""

    information_track = InformationTrack.ORACLE
    max_lanes = 4
    max_accelerator_lanes = 8

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: OracleOptions = DEFAULTS,
    ) -> None:
        if num_actions != NUM_ACTIONS:
            raise ValueError(f"The oracle has {NUM_ACTIONS} actions, the environment {num_actions}.")
        super().__init__(num_actions, observation_shape, seed=seed)
        self._options = options

    def view_policy(self, task: Task, lanes: int) -> "Oracle":
        """An oracle for the lanes of a tile."""
        options = self._options
        error_points = options.num_error_distances, options.num_error_pressures
        settings = plan_settings(task, options, error_points=error_points, side_by_side=is_on_accelerator())
        return Oracle(settings, options.width)


class Oracle:
    """Plans the flights of a tile, and then acts as planned: a `ViewPolicy`.

    A plan computes in float32, whatever the precision of the flight. After its end the balloon stays.

    Args:
        settings: of the plans.
        width: see `best_flight`.
    """

    def __init__(self, settings: PlanSettings, width: int) -> None:
        self._flights = _compiled(settings, width)

    def begin(self, view: FlightView) -> np.ndarray:
        """Begin flights: plan them."""
        self._steps = 0
        view = as_float32(view)
        with precision_scope("float32"):
            self._actions = np.asarray(self._flights(view.scenario, view.state))
        return self._actions[:, 0]

    def step(self, view: FlightView) -> np.ndarray:
        """The next actions of the plans."""
        self._steps += 1
        if self._steps >= NUM_STEPS:
            return np.full(len(self._actions), Action.STAY, np.int32)
        return self._actions[:, self._steps]


@functools.cache
def _compiled(settings: PlanSettings, width: int) -> Any:
    """The best flights of a tile, compiled once for all oracles like this one."""
    grid = settings.grid

    def planned(scenario: Any, state: Any) -> jax.Array:
        motion, first, last = vertical_motion(grid, scenario), jnp.int32(0), jnp.int32(NUM_STAGES)
        values = plan_values(settings, NUM_STAGES + 2, scenario, motion, None, first, last, grid.nothing_to_come())
        return best_flight(settings, scenario, state, values, width)

    return jax.jit(functools.partial(map_lanes, settings, planned))
