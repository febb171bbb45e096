"""The envelope: how far the gas stretches it, and the superpressure that results."""

import jax
import jax.numpy as jnp

from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import AIR_MOLAR_MASS, GAS_CONSTANT, HELIUM_MOLAR_MASS


def volume_and_superpressure(
    vehicle: Vehicle, mols_air: jax.Array, temperature: jax.Array, pressure: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Volume [m3] and superpressure [Pa] of the envelope.

    A slack envelope has the volume of its gas and no superpressure. A full one solves V = V0 + V' (P - p) together
    with P V = n R T, a quadratic in V.

    Args:
        mols_air: air in the ballonet [mol].
        temperature: of the gas [K].
        pressure: of the air around it [Pa].
    """
    slack_volume = (vehicle.mols_lift_gas + mols_air) * GAS_CONSTANT * temperature / pressure
    growth = vehicle.envelope_volume_per_pressure
    b = growth * pressure - vehicle.envelope_volume_base
    c = -growth * slack_volume * pressure
    full_volume = 0.5 * (-b + jnp.sqrt(b * b - 4.0 * c))
    is_slack = slack_volume <= vehicle.envelope_volume_base
    volume = jnp.where(is_slack, slack_volume, full_volume)
    superpressure = jnp.where(is_slack, 0.0, pressure * slack_volume / full_volume - pressure)
    return volume, superpressure


def pressure_ratio(pressure: jax.Array, superpressure: jax.Array) -> jax.Array:
    """Ratio of the pressure inside the envelope to that outside, at least 1."""
    return (pressure + jnp.maximum(superpressure, 0.0)) / pressure


def system_mass(vehicle: Vehicle, mols_air: jax.Array | float) -> jax.Array | float:
    """Mass of the whole flight system [kg]."""
    from_gases = HELIUM_MOLAR_MASS * vehicle.mols_lift_gas + AIR_MOLAR_MASS * mols_air
    return from_gases + vehicle.envelope_mass + vehicle.payload_mass
