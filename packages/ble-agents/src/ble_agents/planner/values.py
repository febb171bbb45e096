"""The values of a plan, by dynamic programming backwards in time.

The value of a balloon at a place, a pressure and a time is the reward that it can still collect. Horizontally it moves
with the wind of its place and pressure, held for a stage; vertically as the action moves it:

    V(t, x, y, p) = max over actions a of [r + V(t + 1)](x + u dt, y + v dt, p + dp(a, p, t)) - cost(a, t)

The maximum over the actions is taken on the grid before the horizontal shift, so that a stage has one shift along x and
one along y instead of three. The reward is 1 an agent step within the radius. It falls to a small number over a ramp
that is wide enough for the grid, and then slowly with the distance, which gives a plan a direction far outside.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.options import PlanOptions
from ble_agents.planner.grid import (
    STAGE_SECONDS,
    STAGES_PER_WIND,
    STEPS_PER_STAGE,
    STRETCH,
    WHOLE,
    Part,
    PlanGrid,
    interpolation_matrix,
    shifted,
)
from ble_agents.planner.wind_belief import Belief, error_map
from ble_env.task import Task
from ble_sim.balloon.altitude_control import Action
from ble_sim.constants import METERS_PER_KM, SECONDS_PER_HOUR
from ble_sim.scenario import Scenario
from ble_sim.sky.sun import HORIZON_ELEVATION, sun_at
from ble_sim.wind.field import WindField, forecast_at, forecast_error
from ble_sim.wind.fields.grid import GRID_SHAPE, MAX_DISTANCE

_OUTSIDE_REWARD = 0.1
_OUTSIDE_SCALE = 100_000.0
_KNOTS = np.linspace(-MAX_DISTANCE, MAX_DISTANCE, GRID_SHAPE[0])
"""x and y at which the forecast is looked up [m]: those of the benchmark's forecasts."""


@dataclass(frozen=True)
class PlanSettings:
    """What a plan depends on beside the flight. Hashable, so static under `jax.jit`.

    Attributes:
        grid: its points.
        error_grid: points at which the forecast's error is computed, over the same range.
        wind_field: of the task.
        radius: within which the reward is 1 [m].
        ramp: width over which the reward falls [m], half of it within the radius.
        night_descent_cost: reward that a stage of descent costs while the sun does not shine: the compressor then
            empties the battery, until the power layer pauses the agent.
        discount: of a stage: what a plan expects far ahead is less certain.
        num_shifts: parts of a stage in which the wind carries a balloon, each by one point of the grid at most.
        side_by_side: whether lanes and levels are computed all at once, as accelerators need it.
    """

    grid: PlanGrid
    error_grid: PlanGrid
    wind_field: WindField
    radius: float
    ramp: float
    night_descent_cost: float
    discount: float
    num_shifts: int
    side_by_side: bool


def plan_settings(
    task: Task, options: PlanOptions, *, error_points: tuple[int, int] | None = None, side_by_side: bool = False
) -> PlanSettings:
    """The settings of the plans for a task.

    Args:
        task: of the flights.
        options: of the plans.
        error_points: along a distance and along the pressure, at which the forecast's error is computed; as many as
            values if None.
        side_by_side: see `PlanSettings`.
    """
    pressures = options.min_pressure, options.max_pressure
    grid = PlanGrid(options.num_distances, options.num_pressures, *pressures)
    return PlanSettings(
        grid=grid,
        error_grid=grid if error_points is None else PlanGrid(*error_points, *pressures),
        wind_field=task.wind_field,
        radius=task.station_keeping_radius_km * METERS_PER_KM,
        ramp=options.ramp * METERS_PER_KM,
        night_descent_cost=options.night_descent_cost,
        discount=options.discount,
        num_shifts=options.num_shifts,
        side_by_side=side_by_side,
    )


def reward_at(settings: PlanSettings, distance: jax.Array) -> jax.Array:
    """Reward of an agent step at a distance from the station [m], of any shape."""
    inside = jnp.clip((settings.radius - distance) / settings.ramp + 0.5, 0.0, 1.0)
    beyond = jnp.maximum(distance - settings.radius, 0.0) / _OUTSIDE_SCALE
    return inside + (1.0 - inside) * _OUTSIDE_REWARD / (1.0 + beyond**2)


def plan_values(
    settings: PlanSettings,
    kept_stages: int,
    scenario: Scenario,
    motion: jax.Array,
    belief: Belief | None,
    first_stage: jax.Array,
    last_stage: jax.Array,
    last_values: jax.Array,
    part: Part = WHOLE,
) -> jax.Array:
    """Compute the values from a stage back to an earlier one. Pure; one flight, float32.

    Args:
        settings: of the plan.
        kept_stages: number of stages, from the first on, whose values are kept.
        scenario: of the flight.
        motion: what `vertical_motion` returned.
        belief: about the forecast's error; None for the true error, on the track `oracle`.
        first_stage, last_stage: int32 scalars.
        last_values: float32[pressures, x, y], the values at the last stage: zero at the end of the flight.
        part: of the places, to which x and y are limited. At its edge a balloon goes no further.

    Returns:
        float32[kept_stages, pressures, x, y]; entry i is the value at stage first_stage + i, from the last stage on
        `last_values`.
    """
    reward = stage_reward(settings)[part[0]][:, part[1]]
    wind_at = _winds(settings, scenario, belief, part)
    num_stages = last_stage - first_stage
    num_winds = -(-num_stages // STAGES_PER_WIND)

    def hold_wind(number: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        begin = (num_winds - 1 - number) * STAGES_PER_WIND
        elapsed = ((first_stage + begin) * STAGE_SECONDS + STAGES_PER_WIND * STAGE_SECONDS // 2).astype(jnp.int32)
        shifts = horizontal_shifts(settings, wind_at(elapsed), part)
        levels = levels_after(settings.grid, _motion_at(motion, elapsed))
        sun = sun_at(scenario.latitude, scenario.longitude, scenario.start_time + elapsed)
        costs = action_costs(settings, sun.elevation < HORIZON_ELEVATION)
        stages = jnp.minimum(num_stages - begin, STAGES_PER_WIND)

        def stage(back: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            values, kept = carry
            values = values_before(settings, values, reward, shifts, levels, costs)
            # Later stages overwrite one another in the last entry until its own stage comes.
            place = jnp.clip(begin + stages - 1 - back, 0, kept_stages - 1)
            kept = jax.lax.dynamic_update_slice(kept, values[None], (place, 0, 0, 0))
            return values, kept

        return jax.lax.fori_loop(0, stages, stage, carry)

    kept = jnp.broadcast_to(last_values, (kept_stages, *last_values.shape))
    return jax.lax.fori_loop(0, num_winds, hold_wind, (last_values, kept))[1]


def values_before(
    settings: PlanSettings,
    values: jax.Array,
    reward: jax.Array,
    shifts: tuple[jax.Array, jax.Array],
    levels: jax.Array,
    costs: jax.Array,
) -> jax.Array:
    """The values a stage earlier.

    Args:
        settings: of the plan.
        values: float32[pressures, x, y].
        reward: of the stage, what `stage_reward` returned.
        shifts: by the wind, what `horizontal_shifts` returned.
        levels: what `levels_after` returned.
        costs: what `action_costs` returned.
    """
    values = _with_best_action(settings, values, reward, levels, costs)
    for _ in range(settings.num_shifts):
        values = shifted(shifted(values, shifts[0], axis=1), shifts[1], axis=2)
    return settings.discount * values


def stage_reward(settings: PlanSettings) -> jax.Array:
    """The reward of a stage at every place, float32[x, y]."""
    x, y = np.meshgrid(settings.grid.distances, settings.grid.distances, indexing="ij")
    return STEPS_PER_STAGE * reward_at(settings, jnp.asarray(np.hypot(x, y), jnp.float32))


def _winds(
    settings: PlanSettings, scenario: Scenario, belief: Belief | None, part: Part
) -> Callable[[jax.Array], jax.Array]:
    """The wind of the plan as a function of the elapsed time [s]: float32[2, pressures, x, y], m/s."""
    grid, error_grid, wind_field = settings.grid, settings.error_grid, settings.wind_field
    from_knots = jnp.asarray(interpolation_matrix(grid.distances, _KNOTS))
    pressures = jnp.asarray(grid.pressures, jnp.float32)
    from_levels = jnp.asarray(interpolation_matrix(grid.pressures, error_grid.pressures))
    from_map = jnp.asarray(interpolation_matrix(grid.stretched, error_grid.stretched))

    def at_places(matrix: jax.Array, values: jax.Array) -> jax.Array:
        along_x, along_y = matrix[part[0]], matrix[part[1]]
        return jnp.einsum("xi,cpij,yj->cpxy", along_x, values, along_y, precision=jax.lax.Precision.HIGHEST)

    def over_plane(function: Callable[..., jax.Array], distances: np.ndarray) -> jax.Array:
        """A function of x and y at all pairs of distances: [..., x, y]."""
        along = jnp.asarray(distances, jnp.float32)
        plane = jax.vmap(jax.vmap(function, (None, 0)), (0, None))(along, along)
        return jnp.moveaxis(plane, (0, 1), (-2, -1))

    def wind_at(elapsed: jax.Array) -> jax.Array:
        def forecast(x: jax.Array, y: jax.Array) -> jax.Array:
            return jnp.stack(forecast_at(wind_field, scenario.forecast, x, y, pressures, elapsed))

        def error(x: jax.Array, y: jax.Array) -> jax.Array:
            def at(pressure: jax.Array) -> jax.Array:
                parts = forecast_error(wind_field, scenario.forecast, scenario.noise, x, y, pressure, elapsed)
                return jnp.stack(parts)

            return _map_levels(settings, at, jnp.asarray(error_grid.pressures, jnp.float32)).T

        wind = at_places(from_knots, over_plane(forecast, _KNOTS))
        if belief is None:
            errors = over_plane(error, error_grid.distances)
        else:
            errors = error_map(error_grid, belief, elapsed.astype(jnp.float32))
        at_levels = jnp.einsum("pq,cqij->cpij", from_levels, errors, precision=jax.lax.Precision.HIGHEST)
        return wind + at_places(from_map, at_levels)

    return wind_at


def horizontal_shifts(settings: PlanSettings, wind: jax.Array, part: Part = WHOLE) -> tuple[jax.Array, jax.Array]:
    """How far a wind carries in each part of a stage along x and y, in points of the grid.

    The wind is that of a part of the places, float32[2, pressures, x, y], with 1 in place of x and y if it is the same
    everywhere.

    To the second order in the distance, since the points are uneven, and at most one point: near the station that is
    some 10 km on a grid of 48 points.
    """
    grid = settings.grid
    seconds = STAGE_SECONDS / settings.num_shifts
    scale = jnp.asarray(seconds / (STRETCH * np.cosh(grid.stretched) * grid.spacing), jnp.float32)
    bend = jnp.asarray(0.5 * grid.spacing * np.tanh(grid.stretched), jnp.float32)

    def shift(speed: jax.Array, scale: jax.Array, bend: jax.Array) -> jax.Array:
        first_order = speed * scale
        return jnp.clip(first_order - first_order**2 * bend, -1.0, 1.0)

    x, y = part
    return shift(wind[0], scale[x][:, None], bend[x][:, None]), shift(wind[1], scale[y], bend[y])


def levels_after(grid: PlanGrid, motion: jax.Array) -> jax.Array:
    """Fractional level after a stage of each action from each level, float32[actions, pressures].

    Args:
        grid: of the plan.
        motion: float32[actions, pressures], in units of the grid's pressures.
    """
    return jnp.clip(jnp.arange(grid.num_pressures) + motion, 0.0, grid.num_pressures - 1.0)


def action_costs(settings: PlanSettings, is_night: jax.Array) -> jax.Array:
    """What a stage of each action costs, float32[actions]."""
    descent = jnp.zeros(len(Action), jnp.float32).at[Action.DOWN].set(settings.night_descent_cost)
    return jnp.where(is_night, descent, 0.0)


def _motion_at(motion: jax.Array, elapsed: jax.Array) -> jax.Array:
    """The vertical motion at a time of the flight, linear between hours: float32[actions, pressures]."""
    hour = elapsed.astype(jnp.float32) / SECONDS_PER_HOUR
    before = jnp.clip(hour.astype(jnp.int32), 0, len(motion) - 2)
    return motion[before] + (hour - before) * (motion[before + 1] - motion[before])


def _with_best_action(
    settings: PlanSettings, values: jax.Array, reward: jax.Array, levels: jax.Array, costs: jax.Array
) -> jax.Array:
    """The reward and the best over the actions of the value at the level that it leads to, linear between levels."""
    below = jnp.clip(levels.astype(jnp.int32), 0, len(values) - 2)
    place = levels - below

    def at_level(below: jax.Array, place: jax.Array) -> jax.Array:
        def after(action: int) -> jax.Array:
            low = jax.lax.dynamic_index_in_dim(values, below[action], keepdims=False)
            high = jax.lax.dynamic_index_in_dim(values, below[action] + 1, keepdims=False)
            return low + place[action] * (high - low) - costs[action]

        return reward + functools.reduce(jnp.maximum, map(after, range(len(Action))))

    return _map_levels(settings, at_level, below.T, place.T)


def _map_levels(settings: PlanSettings, function: Callable[..., jax.Array], *levels: jax.Array) -> jax.Array:
    """The results of a function for every level, stacked."""
    if settings.side_by_side:
        return jax.lax.optimization_barrier(jax.vmap(function)(*levels))
    # As one operation it would be computed anew for each neighbour that a shift reads.
    return jax.lax.map(lambda level: function(*level), levels)
