"""Heat exchanged by the envelope: sunlight, infrared from below, its own emission, and convection."""

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.constants import AIR_GAS_CONSTANT, GRAVITY
from ble_sim.structs import struct

STEFAN_BOLTZMANN = 5.6704e-8
_REFLECTIVITY = 0.0291
_SOLAR_ABSORPTIVITY = 0.01435
_SPECIFIC_HEAT = 1500.0
_SUN_VIEW_FACTOR = 0.25
_EARTH_VIEW_FACTOR = 0.4605


@struct
class HeatExchange:
    """Everything in the heat balance of an envelope that does not depend on its own temperature. Scalars."""

    area: jax.Array
    """Surface [m2]."""
    absorbed: jax.Array
    """Radiation absorbed [W]."""
    conductance: jax.Array
    """Conductivity of the air over the diameter [W/(m2 K)]; times the Nusselt number, the film coefficient."""
    rayleigh_per_kelvin: jax.Array
    ambient_temperature: jax.Array
    heat_capacity: jax.Array | float
    """[J/K]"""


def heat_exchange(
    volume: jax.Array | float,
    envelope_mass: jax.Array | float,
    ambient_temperature: jax.Array,
    pressure: jax.Array,
    sunlight: jax.Array,
    upwelling_infrared: jax.Array,
) -> HeatExchange:
    """Set up the heat balance of a spherical envelope.

    Args:
        volume: m3.
        envelope_mass: kg.
        ambient_temperature, pressure: of the air around it [K, Pa].
        sunlight: solar flux that reaches the balloon, after attenuation [W/m2].
        upwelling_infrared: flux from the Earth and the clouds below [W/m2].
    """
    radius = jnp.cbrt(3.0 * volume / (4.0 * np.pi))
    area = 4.0 * np.pi * radius * radius
    earth_temperature = (upwelling_infrared / STEFAN_BOLTZMANN) ** 0.25
    absorbed = area * (
        sunlight * _SUN_VIEW_FACTOR * _total_factor(_SOLAR_ABSORPTIVITY)
        + upwelling_infrared * _EARTH_VIEW_FACTOR * _total_factor(_infrared_absorptivity(earth_temperature))
    )
    viscosity = 1.458e-6 * ambient_temperature * jnp.sqrt(ambient_temperature) / (ambient_temperature + 110.4)
    conductivity = 0.0241 * (ambient_temperature / 273.15) ** 0.9
    prandtl = 0.804 - 3.25e-4 * ambient_temperature
    kinematic_viscosity = viscosity * AIR_GAS_CONSTANT * ambient_temperature / pressure
    diameter = 2.0 * radius
    grashof_per_kelvin = GRAVITY * diameter**3 / (ambient_temperature * kinematic_viscosity * kinematic_viscosity)
    return HeatExchange(
        area=area,
        absorbed=absorbed,
        conductance=conductivity / diameter,
        rayleigh_per_kelvin=prandtl * grashof_per_kelvin,
        ambient_temperature=ambient_temperature,
        heat_capacity=_SPECIFIC_HEAT * envelope_mass,
    )


def temperature_rate(exchange: HeatExchange, temperature: jax.Array) -> jax.Array:
    """dT/dt [K/s] of an envelope at `temperature` [K]."""
    difference = exchange.ambient_temperature - temperature
    rayleigh = exchange.rayleigh_per_kelvin * jnp.abs(difference)
    nusselt = 2.0 + 0.457 * jnp.sqrt(jnp.sqrt(rayleigh)) + jnp.exp(jnp.log1p(2.69e-8 * rayleigh) / 12.0)
    convection = exchange.area * nusselt * exchange.conductance * difference
    square = temperature * temperature
    emitted = STEFAN_BOLTZMANN * square * square * exchange.area * _total_factor(_infrared_absorptivity(temperature))
    return (exchange.absorbed + convection - emitted) / exchange.heat_capacity


def _infrared_absorptivity(temperature: jax.Array) -> jax.Array:
    return 0.04587 + 0.000232 * (temperature - 210.0)


def _total_factor(absorptivity):
    """Absorptivity of the whole envelope, with the reflections inside it, from that of its film."""
    return absorptivity * (1.0 + (1.0 - absorptivity - _REFLECTIVITY) / (1.0 - _REFLECTIVITY))
