"""The altitude control system (ACS): a compressor that pumps air into the ballonet and a valve that vents it."""

import enum

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.balloon.vehicle import Compressor, Vehicle
from ble_sim.constants import AIR_MOLAR_MASS, GAS_CONSTANT, SECONDS_PER_HOUR


class Action(enum.IntEnum):
    """The actions of an agent: pump air in, do nothing, vent air."""

    DOWN = 0
    STAY = 1
    UP = 2


def compressor_power(compressor: Compressor, pressure_ratio: jax.Array) -> jax.Array:
    """Power [W] at which the compressor runs against a pressure ratio (scalar): the most efficient one."""
    powers = jnp.asarray(compressor.powers, pressure_ratio.dtype)
    return _interpolate(pressure_ratio, compressor.power_ratios, powers)


def compressor_efficiency(compressor: Compressor, pressure_ratio: jax.Array, power: jax.Array) -> jax.Array:
    """Air moved per energy [kg/Wh], bilinear in pressure ratio and power [W] (scalars), clamped to the table."""
    efficiencies = jnp.asarray(compressor.efficiencies, pressure_ratio.dtype)
    by_power = _interpolate(pressure_ratio, compressor.efficiency_ratios, efficiencies)
    return _interpolate(power, compressor.efficiency_powers, by_power)


def descend(vehicle: Vehicle, pressure_ratio: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Power [W] and mass flow into the ballonet [kg/s] of the running compressor, at a pressure ratio (scalar)."""
    power = compressor_power(vehicle.compressor, pressure_ratio)
    return power, compressor_efficiency(vehicle.compressor, pressure_ratio, power) * power / SECONDS_PER_HOUR


def ascend(vehicle: Vehicle, superpressure: jax.Array, pressure: jax.Array, temperature: jax.Array) -> jax.Array:
    """Mass flow [kg/s], not positive, through the open valve.

    It is the discharge through an orifice by Bernoulli's equation for an incompressible flow, as P is small against p:

        flow = -C_d A sqrt(2 P rho)

    with the superpressure P, the valve's discharge coefficient C_d and area A, and the density rho of the air in the
    ballonet, which follows from the ideal gas law at the pressure p + P.

    Args:
        superpressure, pressure: P and p [Pa].
        temperature: of the gas inside [K].
    """
    valve_area = np.pi / 4.0 * vehicle.valve_diameter * vehicle.valve_diameter
    gas_density = (superpressure + pressure) * AIR_MOLAR_MASS / (GAS_CONSTANT * temperature)
    return -vehicle.valve_discharge_coefficient * valve_area * jnp.sqrt(2.0 * superpressure * gas_density)


def _interpolate(x: jax.Array, knots: jax.Array | tuple[float, ...], values: jax.Array) -> jax.Array:
    """Piecewise linear along the first axis of `values`, flat beyond the ends; a sum of ramps, so free of branches."""
    knots = jnp.asarray(knots, x.dtype)
    ramps = jnp.clip((x - knots[:-1]) / jnp.diff(knots), 0.0, 1.0)
    return values[0] + jnp.tensordot(ramps, jnp.diff(values, axis=0), axes=1)
