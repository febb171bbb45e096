"""The benchmark's observation, as a pure function of the scenario and the state."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from ble_env.observation.function import ObservationFunction
from ble_env.observation.layout import (
    CENTER_LEVEL,
    DISTANCE_SCALE,
    MAX_POWER_TO_USE,
    MAX_PRESSURE,
    MIN_POWER_TO_USE,
    MIN_PRESSURE,
    NUM_FEATURES,
    NUM_LEVELS,
    NUM_RELATIVE_LEVELS,
    UNREACHABLE,
    WIND_SPEED_SCALE,
    Feature,
)
from ble_sim.balloon.altitude_control import Action
from ble_sim.balloon.envelope import pressure_ratio
from ble_sim.balloon.safety import navigation_paused
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.conditions import Conditions
from ble_sim.constants import METERS_PER_KM, SECONDS_PER_DAY
from ble_sim.scenario import Scenario
from ble_sim.sky.sun import next_sunrise_sunset
from ble_sim.state import SimState
from ble_sim.wind.field import WindField, forecast_at
from ble_sim.wind.forecast_error import predict

_LEVEL_SPACING = (MAX_PRESSURE - MIN_PRESSURE) / (NUM_LEVELS - 1)
_BENCHMARK_WINDOW = 128  # Its balloon reaches 6329 Pa at most, from an empty ballonet down to the minimum altitude.
_TOLERANCE = 1e-5
_MAX_PRESSURE_RATIO = 5.0  # The envelope bursts long before; the reference has no bound.

_POWER_RATIO_EDGES = np.array([1.08, 1.11, 1.14, 1.17, 1.2, 1.23, 1.26])
_POWER_CHARGE_EDGES = np.array(
    [
        [0.3, 0.4, 0.5],
        [0.3, 0.4, 0.7],
        [0.3, 0.4, 0.6],
        [0.3, 0.4, 0.5],
        [0.3, 0.4, 0.5],
        [0.4, 0.5, np.inf],
        [0.5, 0.6, np.inf],
        [0.5, 0.6, np.inf],
    ]
)
_POWER_WATTS = np.array(
    [
        [0, 150, 175, 200],
        [0, 200, 200, 225],
        [0, 225, 225, 250],
        [0, 200, 225, 250],
        [0, 225, 250, 275],
        [0, 275, 300, 300],
        [0, 300, 325, 325],
        [0, 325, 350, 350],
    ]
)


@dataclass(frozen=True)
class PerciatelliObservation(ObservationFunction):
    """The benchmark's 1099 features: 16 of the balloon and a column of 361 winds relative to it.

    `ble_env.observation.layout` describes the layout and has its inverse.

    Attributes:
        window: number of levels, of the 181, that are predicted, from the lowest pressure within reach on. Levels
            beyond it are reported as unreachable, so it has to hold all that the vehicle can reach. The fewer, the
            faster.
    """

    window: int = NUM_LEVELS

    @property
    def observation_space(self) -> spaces.Box:
        low, high = np.zeros(NUM_FEATURES, np.float32), np.ones(NUM_FEATURES, np.float32)
        low[Feature.SIN_SOLAR_CYCLE : Feature.COS_HEADING + 1] = -1.0
        low[Feature.PRESSURE_RATIO], high[Feature.PRESSURE_RATIO] = 1.0, _MAX_PRESSURE_RATIO
        return spaces.Box(low, high, dtype=np.float32)

    def __call__(self, wind_field: WindField, scenario: Scenario, state: SimState, conditions: Conditions) -> jax.Array:
        column = _wind_features(wind_field, scenario, state, conditions, self.window)
        balloon = _balloon_features(scenario, state, conditions)
        return jnp.concatenate([balloon, column.reshape(-1)]).astype(jnp.float32)


def perciatelli_observation(vehicle: Vehicle) -> PerciatelliObservation:
    """The benchmark's observation, with the narrowest window that is known to suffice for the vehicle."""
    return PerciatelliObservation(_BENCHMARK_WINDOW if vehicle == Vehicle() else NUM_LEVELS)


def solar_cycle_angle(latitude: jax.Array, longitude: jax.Array, time: jax.Array) -> jax.Array:
    """Angle that runs from 0 at sunrise to pi at sunset and on to 2 pi at the next sunrise [rad].

    Args:
        latitude, longitude: scalars, deg.
        time: int32, seconds since 1970.
    """
    sunrise, sunset = next_sunrise_sunset(latitude, longitude, time)
    is_day = sunset < sunrise
    start = jnp.where(is_day, sunrise, sunset) - SECONDS_PER_DAY
    end = jnp.where(is_day, sunset, sunrise)
    fraction = (time - start).astype(latitude.dtype) / (end - start).astype(latitude.dtype)
    return jnp.pi * jnp.where(is_day, fraction, 1.0 + fraction)


def power_to_use(ratio: jax.Array, charge: jax.Array) -> jax.Array:
    """Power [W] to run the compressor at, by pressure ratio and charge fraction; edges belong to the cell above."""
    row = jnp.sum(ratio >= jnp.asarray(_POWER_RATIO_EDGES, ratio.dtype))
    column = jnp.sum(charge >= jnp.asarray(_POWER_CHARGE_EDGES, charge.dtype)[row])
    return jnp.asarray(_POWER_WATTS, ratio.dtype)[row, column]


def _balloon_features(scenario: Scenario, state: SimState, conditions: Conditions) -> jax.Array:
    balloon = state.balloon
    cycle = solar_cycle_angle(conditions.latitude, conditions.longitude, scenario.start_time + state.elapsed)
    heading = jnp.arctan2(-balloon.x, -balloon.y)
    charge = balloon.battery_charge / scenario.vehicle.battery_capacity
    ratio = pressure_ratio(balloon.pressure, balloon.superpressure)
    is_paused = navigation_paused(state.safety)
    features = {
        Feature.PRESSURE: _rescale(balloon.pressure, MIN_PRESSURE, MAX_PRESSURE),
        Feature.BATTERY: charge,
        Feature.SOLAR_ELEVATION: _rescale(conditions.sun.elevation, -90.0, 90.0),
        Feature.SIN_SOLAR_CYCLE: jnp.sin(cycle),
        Feature.COS_SOLAR_CYCLE: jnp.cos(cycle),
        Feature.SIN_HEADING: jnp.sin(heading),
        Feature.COS_HEADING: jnp.cos(heading),
        Feature.DISTANCE: _squash(balloon.distance / METERS_PER_KM, DISTANCE_SCALE),
        Feature.LAST_COMMAND_UP: balloon.last_command == Action.UP,
        Feature.LAST_COMMAND_STAY: balloon.last_command == Action.STAY,
        Feature.LAST_COMMAND_DOWN: balloon.last_command == Action.DOWN,
        Feature.NAVIGATION_PAUSED: is_paused,
        Feature.NAVIGATION_ENABLED: ~is_paused,
        Feature.EXCESS_ENERGY: conditions.excess_energy,
        Feature.POWER_TO_USE: _rescale(power_to_use(ratio, charge), MIN_POWER_TO_USE, MAX_POWER_TO_USE),
        Feature.PRESSURE_RATIO: jnp.minimum(ratio, _MAX_PRESSURE_RATIO),
    }
    return jnp.stack([features[feature].astype(balloon.x.dtype) for feature in Feature])


def _wind_features(
    wind_field: WindField, scenario: Scenario, state: SimState, conditions: Conditions, window: int
) -> jax.Array:
    """(uncertainty, bearing, magnitude) of the levels, relative to the balloon: float[361, 3]."""
    balloon = state.balloon
    dtype = balloon.x.dtype
    lowest, highest = conditions.lowest_pressure, conditions.highest_pressure
    first = jnp.clip(_level(lowest, jnp.ceil), 0, NUM_LEVELS - window)
    levels = MIN_PRESSURE + _LEVEL_SPACING * (first + jnp.arange(window, dtype=jnp.int32)).astype(dtype)

    u, v = forecast_at(wind_field, scenario.forecast, balloon.x, balloon.y, levels, state.elapsed)
    error, uncertainty = predict(state.gp, balloon.x, balloon.y, levels, state.elapsed)
    u, v = u + error[:, 0], v + error[:, 1]

    speed = jnp.sqrt(u * u + v * v)
    distance = balloon.distance
    towards_x, towards_y = -balloon.x / (distance + _TOLERANCE), -balloon.y / (distance + _TOLERANCE)
    cosine = (u * towards_x + v * towards_y) / (speed + _TOLERANCE)
    bearing = jnp.arccos(jnp.clip(cosine, -1.0, 1.0)) / np.pi
    bearing = jnp.where(speed < _TOLERANCE, 1.0, bearing)
    bearing = jnp.where(distance < _TOLERANCE, 0.0, bearing)

    unreachable = jnp.asarray(UNREACHABLE, dtype)
    is_reachable = (levels >= lowest) & (levels <= highest)
    features = jnp.stack([uncertainty, bearing, _squash(speed, WIND_SPEED_SCALE)], axis=-1)
    features = jnp.where(is_reachable[:, None], features, unreachable)
    column = jnp.broadcast_to(unreachable, (NUM_RELATIVE_LEVELS, 3))
    place = CENTER_LEVEL - _level(balloon.pressure, jnp.round) + first
    return jax.lax.dynamic_update_slice(column, features, (place, jnp.int32(0)))


def _level(pressure: jax.Array, rounding: Callable[[jax.Array], jax.Array]) -> jax.Array:
    """Index of the fixed level at a pressure, of 0 to 180: pressures beyond the levels are clipped."""
    offset = jnp.clip(pressure, MIN_PRESSURE, MAX_PRESSURE) - MIN_PRESSURE
    return rounding(offset / _LEVEL_SPACING).astype(jnp.int32)


def _rescale(value: jax.Array, low: float, high: float) -> jax.Array:
    return jnp.clip((value - low) / (high - low), 0.0, 1.0)


def _squash(value: jax.Array, scale: float) -> jax.Array:
    return value / (value + scale)
