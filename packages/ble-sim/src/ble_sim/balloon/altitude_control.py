"""The altitude control system (ACS): a compressor that pumps air into the ballonet and a valve that vents it."""

import enum

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.balloon.vehicle import Compressor, Vehicle
from ble_sim.constants import AIR_MOLAR_MASS, GAS_CONSTANT, SECONDS_PER_HOUR
from ble_sim.structs import struct


class Action(enum.IntEnum):
    """The actions of an agent: pump air in, do nothing, vent air."""

    DOWN = 0
    STAY = 1
    UP = 2


@struct
class Ramps:
    """A piecewise linear function as a sum of ramps, so free of branches; flat beyond its knots x_0 to x_n.

    f(x) = first + sum_i rises_i clip((x - x_i) / (x_{i+1} - x_i), 0, 1)
    """

    starts: jax.Array
    """float[n], x_i"""
    slopes: jax.Array
    """float[n], 1 / (x_{i+1} - x_i)"""
    first: jax.Array
    """float[...], f(x_0)"""
    rises: jax.Array
    """float[n, ...], f(x_{i+1}) - f(x_i)"""

    def __call__(self, x: jax.Array) -> jax.Array:
        """The value float[...] at a scalar."""
        parts = jnp.clip((x - self.starts) * self.slopes, 0.0, 1.0)
        return self.first + jnp.sum(parts.reshape(parts.shape + (1,) * (self.rises.ndim - 1)) * self.rises, axis=0)


@struct
class CompressorCurves:
    """The tables of a `Compressor` in the form that is evaluated, made once for all strides of a step."""

    power: Ramps
    """Of the pressure ratio."""
    efficiencies: Ramps
    """At each of `efficiency_powers`, of the pressure ratio."""
    efficiency_powers: jax.Array


def compressor_curves(compressor: Compressor, dtype: jnp.dtype) -> CompressorCurves:
    """The curves of a compressor, in a floating-point dtype."""
    return CompressorCurves(
        power=_ramps(jnp.asarray(compressor.power_ratios, dtype), jnp.asarray(compressor.powers, dtype)),
        efficiencies=_ramps(
            jnp.asarray(compressor.efficiency_ratios, dtype), jnp.asarray(compressor.efficiencies, dtype)
        ),
        efficiency_powers=jnp.asarray(compressor.efficiency_powers, dtype),
    )


def compressor_efficiency(curves: CompressorCurves, pressure_ratio: jax.Array, power: jax.Array) -> jax.Array:
    """Air moved per energy [kg/Wh], bilinear in pressure ratio and power [W] (scalars), clamped to the table."""
    return _ramps(curves.efficiency_powers, curves.efficiencies(pressure_ratio))(power)


def descend(curves: CompressorCurves, pressure_ratio: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Power [W] and mass flow into the ballonet [kg/s] of the running compressor, at a pressure ratio (scalar).

    The power is the one that moves most air per energy against that ratio.
    """
    power = curves.power(pressure_ratio)
    return power, compressor_efficiency(curves, pressure_ratio, power) * power / SECONDS_PER_HOUR


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


def _ramps(knots: jax.Array, values: jax.Array) -> Ramps:
    """The ramps of rising knots, float[n + 1], and the values there, float[n + 1, ...]."""
    return Ramps(knots[:-1], 1.0 / jnp.diff(knots), values[0], jnp.diff(values, axis=0))
