"""Electrical power: solar panels, loads, and an ideal battery."""

import jax
import jax.numpy as jnp

from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.sky.sun import HORIZON_ELEVATION, attenuation

_FULL_CHARGE = 0.99


def full_sun_power(vehicle: Vehicle, elevation: jax.Array) -> jax.Array:
    """Power [W] of the solar panels in unattenuated sunlight of a solar elevation e [deg]. Any shape.

    It is the sum over the groups of panels of count * rated power * cos(e - tilt) * s, where the factor s is the
    shadow's `transmission` while the envelope shades the group, else 1.
    """
    panels, shadow, dtype = vehicle.panels, vehicle.shadow, elevation.dtype
    elevation = elevation[..., None]
    counts, tilts, depths = (
        _with_axes(jnp.asarray(table, dtype), elevation.ndim) for table in (panels.counts, panels.tilts, panels.depths)
    )
    sine = jnp.sin(jnp.radians(elevation))
    # tan(e) >= sqrt(d (height + d)) / radius, squared and by the sine alone.
    square = depths * (shadow.height + depths)
    is_shaded = (sine > 0.0) & (sine * sine * (shadow.radius * shadow.radius + square) >= square)
    per_panel = jnp.cos(jnp.radians(elevation - tilts)) * jnp.where(is_shaded, shadow.transmission, 1.0)
    return panels.rated_power * jnp.sum(counts * per_panel, axis=-1)


def solar_power(vehicle: Vehicle, elevation: jax.Array, pressure: jax.Array) -> jax.Array:
    """Power [W] of the solar panels at a solar elevation [deg] and a pressure [Pa]. Any shape."""
    return attenuation(elevation, pressure) * full_sun_power(vehicle, elevation)


def power_flow(
    vehicle: Vehicle, solar_elevation: jax.Array, from_panels: jax.Array, acs_power: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Power that charges the battery and power consumed [W]: the sun decides about both. Any shape.

    Args:
        solar_elevation: deg.
        from_panels: power of the panels [W].
        acs_power: of the compressor [W].
    """
    is_day = solar_elevation > HORIZON_ELEVATION
    charging = jnp.where(is_day, from_panels, 0.0)
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


def _with_axes(table: jax.Array, ndim: int) -> jax.Array:
    """The table with so many axes: new ones come first."""
    return table.reshape((1,) * (ndim - table.ndim) + table.shape)
