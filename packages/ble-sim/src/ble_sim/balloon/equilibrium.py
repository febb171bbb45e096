"""A balloon that floats in equilibrium: the air that it holds and its temperature."""

import functools

import jax
import jax.numpy as jnp

from ble_sim.balloon.envelope import system_mass, volume_and_superpressure
from ble_sim.balloon.thermal import HeatExchange, heat_exchange, temperature_rate
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import AIR_MOLAR_MASS, GAS_CONSTANT
from ble_sim.structs import struct

_INITIAL_TEMPERATURE = 206.0
_TEMPERATURE_DELTA = 0.01
_RATE_TOLERANCE = 1e-5
_MAX_NEWTON_STEPS = 10


@struct
class Equilibrium:
    """State of a balloon floating in equilibrium; fields share one shape."""

    internal_temperature: jax.Array
    """K"""
    mols_air: jax.Array
    """mol, in the ballonet"""
    volume: jax.Array
    """m3"""
    superpressure: jax.Array
    """Pa"""


def floating_balloon(
    vehicle: Vehicle,
    pressure: jax.Array,
    ambient_temperature: jax.Array,
    sunlight: jax.Array,
    upwelling_infrared: jax.Array,
) -> Equilibrium:
    """The balloon that floats at `pressure` in thermal equilibrium.

    Buoyancy carries the system's mass, rho V0 = m(n_air), which gives the air in the ballonet (none if the balloon is
    too heavy); the heat balance, dT/dt = 0, gives the temperature. Both take the base volume V0, although the balloon
    that results has superpressure and a slightly larger volume: so does the reference.

    Args:
        pressure, ambient_temperature: of the air [Pa, K]; any common shape.
        sunlight: solar flux that reaches the balloon [W/m2], of the same shape.
        upwelling_infrared: W/m2.
    """
    volume = vehicle.envelope_volume_base
    displaced_mols = pressure * volume / (GAS_CONSTANT * ambient_temperature)
    mols_air = jnp.maximum(displaced_mols - system_mass(vehicle, 0.0) / AIR_MOLAR_MASS, 0.0)
    exchange = heat_exchange(vehicle, volume, ambient_temperature, pressure, sunlight, upwelling_infrared)
    temperature = _equilibrium_temperature(exchange, pressure)
    volume, superpressure = volume_and_superpressure(vehicle, mols_air, temperature, pressure)
    return Equilibrium(temperature, mols_air, volume, superpressure)


def _equilibrium_temperature(exchange: HeatExchange, like: jax.Array) -> jax.Array:
    """Newton's method on dT/dt = 0, with the slope from a central difference.

    At most ten steps from 206 K; an element stops after the step at which |dT/dt| < 1e-5 K/s, so that none depends on
    another. The loop can be differentiated in forward mode only.
    """

    def is_running(carry):
        step, _, converged = carry
        return (step < _MAX_NEWTON_STEPS) & ~jnp.all(converged)

    half_delta = _TEMPERATURE_DELTA / 2.0
    rates = jax.vmap(functools.partial(temperature_rate, exchange))

    def newton_step(carry):
        step, temperature, converged = carry
        low, high = rates(jnp.stack([temperature - half_delta, temperature + half_delta]))
        slope = (high - low) / _TEMPERATURE_DELTA
        rate = (low + high) / 2.0
        correction = jnp.where(slope == 0.0, 0.0, rate / jnp.where(slope == 0.0, 1.0, slope))
        temperature = jnp.where(converged, temperature, temperature - correction)
        return step + 1, temperature, converged | (jnp.abs(rate) < _RATE_TOLERANCE)

    start = jnp.full_like(like, _INITIAL_TEMPERATURE)
    carry = (jnp.int32(0), start, jnp.zeros_like(like, bool))
    return jax.lax.while_loop(is_running, newton_step, carry)[1]
