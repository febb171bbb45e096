"""Electrical power: solar panels, loads, and an ideal battery."""

import jax
import jax.numpy as jnp

from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.sky.sun import HORIZON_ELEVATION, attenuation

_FULL_CHARGE = 0.99


def solar_power(vehicle: Vehicle, elevation: jax.Array, pressure: jax.Array) -> jax.Array:
    """Power [W] of the solar panels. Any shape.

    It is the sum over their groups of

        count * rated power * a * cos(e - tilt) * s

    with the solar elevation e, the attenuation a of sunlight at `pressure`, and the factor s that is the shadow's
    `transmission` while the envelope shades the group, else 1.

    Args:
        elevation: e [deg].
        pressure: Pa.
    """
    sine = jnp.sin(jnp.radians(elevation))
    radius, height = vehicle.shadow.radius, vehicle.shadow.height
    power = jnp.zeros_like(elevation)
    for group in vehicle.panels:
        # tan(e) >= sqrt(d (height + d)) / radius, squared and by the sine alone.
        square = group.depth * (height + group.depth)
        is_shaded = (sine > 0.0) & (sine * sine * (radius * radius + square) >= square)
        full_power = group.count * group.rated_power * jnp.cos(jnp.radians(elevation - group.tilt))
        power += full_power * jnp.where(is_shaded, vehicle.shadow.transmission, 1.0)
    return attenuation(elevation, pressure) * power


def power_flow(
    vehicle: Vehicle, solar_elevation: jax.Array, pressure: jax.Array, acs_power: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Power from the panels and power consumed [W].

    Args:
        solar_elevation: deg.
        pressure: Pa.
        acs_power: of the compressor [W].
    """
    is_day = solar_elevation > HORIZON_ELEVATION
    charging = jnp.where(is_day, solar_power(vehicle, solar_elevation, pressure), 0.0)
    return charging, jnp.where(is_day, vehicle.day_power_load, vehicle.night_power_load) + acs_power


def charged_battery(vehicle: Vehicle, charge: jax.Array, power: jax.Array, seconds: float) -> jax.Array:
    """Charge [Wh] after `seconds` of net `power` [W], between empty and full."""
    return jnp.clip(charge + power * seconds / SECONDS_PER_HOUR, 0.0, vehicle.battery_capacity)


def has_excess_energy(
    vehicle: Vehicle, solar_elevation: jax.Array, pressure: jax.Array, battery_charge: jax.Array
) -> jax.Array:
    """Whether the panels give more than the day's load while the battery is over 99 % full (bool)."""
    is_sunny = solar_power(vehicle, solar_elevation, pressure) > vehicle.day_power_load
    return is_sunny & (battery_charge / vehicle.battery_capacity > _FULL_CHARGE)
