"""Electrical power: panels, loads, and an ideal battery."""

import jax
import jax.numpy as jnp

from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.sky.sun import HORIZON, solar_power

_FULL_CHARGE = 0.99


def power_flow(
    vehicle: Vehicle, solar_elevation: jax.Array, pressure: jax.Array, acs_power: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Power from the panels and power consumed [W].

    Args:
        solar_elevation: deg.
        pressure: Pa.
        acs_power: of the compressor [W].
    """
    is_day = solar_elevation > HORIZON
    charging = jnp.where(is_day, solar_power(solar_elevation, pressure), 0.0)
    return charging, jnp.where(is_day, vehicle.day_power_load, vehicle.night_power_load) + acs_power


def charged_battery(vehicle: Vehicle, charge: jax.Array, power: jax.Array, seconds: float) -> jax.Array:
    """Charge [Wh] after `seconds` of net `power` [W], between empty and full."""
    return jnp.clip(charge + power * seconds / SECONDS_PER_HOUR, 0.0, vehicle.battery_capacity)


def has_excess_energy(
    vehicle: Vehicle, solar_elevation: jax.Array, pressure: jax.Array, battery_charge: jax.Array
) -> jax.Array:
    """Whether the panels give more than the day's load while the battery is full (bool)."""
    is_sunny = solar_power(solar_elevation, pressure) > vehicle.day_power_load
    return is_sunny & (battery_charge / vehicle.battery_capacity > _FULL_CHARGE)
