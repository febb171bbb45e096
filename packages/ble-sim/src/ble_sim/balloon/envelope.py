"""The envelope: its volume, its superpressure, and the mass of the whole balloon."""

import jax
import jax.numpy as jnp

from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import AIR_MOLAR_MASS, GAS_CONSTANT, HELIUM_MOLAR_MASS


def volume_and_superpressure(
    vehicle: Vehicle, mols_air: jax.Array, temperature: jax.Array, pressure: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Volume V [m3] and superpressure P [Pa] of the envelope. Any shape.

    The gases follow the ideal gas law, with n mol of helium and air at the temperature T. Without a film they would
    have the volume V_u = n R T / p. While V_u is at most the envelope's base volume V0, the envelope is slack: V = V_u
    and P = 0. Else it is full and stretches linearly, at the rate V' = dV/dP:

        V = V0 + V' P,     (p + P) V = n R T = p V_u

    Without P these are a quadratic equation in V,

        V^2 + b V + c = 0,     b = V' p - V0,     c = -V' p V_u

    As c < 0 it has one positive solution, V = (-b + sqrt(b^2 - 4 c)) / 2, and P = p V_u / V - p.

    Args:
        mols_air: air in the ballonet [mol].
        temperature: of the gas [K].
        pressure: p, of the air around [Pa].
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
    """Mass of the whole balloon [kg]: gases, envelope and payload."""
    from_gases = HELIUM_MOLAR_MASS * vehicle.mols_lift_gas + AIR_MOLAR_MASS * mols_air
    return from_gases + vehicle.envelope_mass + vehicle.payload_mass
