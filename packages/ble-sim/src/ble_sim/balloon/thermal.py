"""The heat balance of the envelope.

The envelope is taken as a sphere whose film and gas share one temperature T:

    m c dT/dt = q_sun + q_earth + q_convection - q_emitted

    q_sun        = A F_sun   t(a_sun)        S       S: sunlight that reaches the balloon [W/m2]
    q_earth      = A F_earth t(a_ir(T_e))    E       E: upwelling infrared [W/m2]
    q_emitted    = A         t(a_ir(T))      sigma T^4
    q_convection = A h (T_a - T)                     h: heat transfer coefficient, T_a: temperature of the air

with the film's mass m and specific heat c, the sphere's surface A = 4 pi r^2, the Stefan-Boltzmann constant sigma, and
T_e = (E / sigma)^(1/4), the temperature of a black body that radiates E.

View factors F are the parts of the surface that radiation meets. The sun's rays are parallel and meet the cross-section
pi r^2, so F_sun = 1/4. A small sphere at the height H above a large one of radius R sees it under the half angle b with
sin(b) = R / (R + H), and has F = (1 - cos b) / 2. F_earth = 0.4605 belongs to H = 20 km; above a plane it would be 1/2.

Absorptivity with reflections inside, t(a). A layer of film absorbs the part a of the radiation that meets it, reflects
r, and transmits 1 - a - r. What is transmitted meets the film again from inside, which absorbs a of it, and reflects r
of it to meet the film once more, and so on:

    t(a) = a + (1 - a - r) a (1 + r + r^2 + ...) = a (1 + (1 - a - r) / (1 - r))

Emission follows the same series with the emissivity, which equals a by Kirchhoff's law: the film emits as much inwards
as outwards, and 1 - a - r of what meets it from inside gets out at each turn. The infrared absorptivity is linear in
the temperature of the radiating body, a_ir(T) = a_210 + slope (T - 210 K): a fit to the film, source unknown, from
BLE 1.0.2.

Convection is free convection of the air around the sphere; `heat_exchange` has its correlations. Such balances are
found in thermal models of balloons since Carlson and Horn (1983), "New thermal and trajectory model for high-altitude
balloons", and Farley (2005), "BalloonAscent: 3-D simulation tool for the ascent and float of high-altitude balloons".
"""

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.balloon.vehicle import Film, Vehicle
from ble_sim.constants import AIR_GAS_CONSTANT, GRAVITY
from ble_sim.structs import struct

STEFAN_BOLTZMANN = 5.6704e-8
"""[W/(m2 K4)]"""
_SUN_VIEW_FACTOR = 0.25
_EARTH_VIEW_FACTOR = 0.4605


@struct
class HeatExchange:
    """All of an envelope's heat balance that does not depend on its own temperature. Fields share one shape."""

    area: jax.Array
    """Surface [m2]."""
    absorbed: jax.Array
    """Radiation absorbed [W]."""
    conductance: jax.Array
    """Conductivity of the air over the diameter [W/(m2 K)]; times the Nusselt number, the heat transfer coefficient."""
    rayleigh_per_kelvin: jax.Array
    """Rayleigh number over the temperature difference [1/K]."""
    ambient_temperature: jax.Array
    """Of the air around [K]."""
    film: Film
    heat_capacity: jax.Array | float
    """[J/K]"""


def radius_cubed(volume: jax.Array | float) -> jax.Array | float:
    """The third power of the radius of a sphere of this volume, in the volume's unit. Any shape."""
    return 3.0 * volume / (4.0 * np.pi)


def heat_exchange(
    vehicle: Vehicle,
    volume: jax.Array | float,
    ambient_temperature: jax.Array,
    pressure: jax.Array,
    sunlight: jax.Array,
    upwelling_infrared: jax.Array,
) -> HeatExchange:
    """`sphere_heat_exchange` of an envelope given by its volume [m3]."""
    radius = jnp.cbrt(radius_cubed(volume))
    return sphere_heat_exchange(vehicle, radius, ambient_temperature, pressure, sunlight, upwelling_infrared)


def sphere_heat_exchange(
    vehicle: Vehicle,
    radius: jax.Array,
    ambient_temperature: jax.Array,
    pressure: jax.Array,
    sunlight: jax.Array,
    upwelling_infrared: jax.Array,
) -> HeatExchange:
    """Set up the heat balance of a spherical envelope. Any shape.

    Properties of the air at its temperature T_a and pressure p:

        viscosity      mu = 1.458e-6 T_a^(3/2) / (T_a + 110.4)      [Pa s]
        conductivity   k  = 0.0241 (T_a / 273.15)^0.9               [W/(m K)]
        Prandtl number Pr = 0.804 - 3.25e-4 T_a
        Grashof number Gr = g d^3 |T_a - T| / (T_a nu^2),   nu = mu / rho = mu R_air T_a / p,   d = 2 r

    Sources: mu is Sutherland's law with the constants of the U.S. Standard Atmosphere 1976; the power law of k and the
    linear fit of Pr are those of Farley (2005). Gr takes the expansion coefficient of an ideal gas, 1 / T_a.

    Args:
        vehicle: whose film and envelope mass are used.
        radius: m.
        ambient_temperature, pressure: of the air around [K, Pa].
        sunlight: solar flux that reaches the balloon, after attenuation [W/m2].
        upwelling_infrared: flux from the Earth and the clouds below [W/m2].
    """
    film = vehicle.film
    area = 4.0 * np.pi * radius * radius
    earth_temperature = (upwelling_infrared / STEFAN_BOLTZMANN) ** 0.25
    absorbed = area * (
        sunlight * _SUN_VIEW_FACTOR * _total_absorptivity(film, film.solar_absorptivity)
        + upwelling_infrared
        * _EARTH_VIEW_FACTOR
        * _total_absorptivity(film, _infrared_absorptivity(film, earth_temperature))
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
        film=film,
        heat_capacity=film.specific_heat * vehicle.envelope_mass,
    )


def temperature_rate(exchange: HeatExchange, temperature: jax.Array) -> jax.Array:
    """dT/dt [K/s] of an envelope at `temperature` T [K].

    The heat transfer coefficient is h = Nu k / d with the Nusselt number of free convection around a sphere,

        Nu = 2 + 0.457 Ra^(1/4) + (1 + 2.69e-8 Ra)^(1/12),     Ra = Pr Gr    (Rayleigh number)

    Its first two terms are conduction into air at rest and a laminar boundary layer (see Incropera and DeWitt,
    Fundamentals of Heat and Mass Transfer); the coefficients' source is unknown, from BLE 1.0.2.
    """
    difference = exchange.ambient_temperature - temperature
    rayleigh = exchange.rayleigh_per_kelvin * jnp.abs(difference)
    nusselt = 2.0 + 0.457 * jnp.sqrt(jnp.sqrt(rayleigh)) + jnp.exp(jnp.log1p(2.69e-8 * rayleigh) / 12.0)
    convection = exchange.area * nusselt * exchange.conductance * difference
    square = temperature * temperature
    emissivity = _total_absorptivity(exchange.film, _infrared_absorptivity(exchange.film, temperature))
    emitted = STEFAN_BOLTZMANN * square * square * exchange.area * emissivity
    return (exchange.absorbed + convection - emitted) / exchange.heat_capacity


def _infrared_absorptivity(film: Film, temperature: jax.Array) -> jax.Array:
    return film.infrared_absorptivity + film.infrared_absorptivity_slope * (temperature - 210.0)


def _total_absorptivity(film: Film, absorptivity: jax.Array | float) -> jax.Array | float:
    """t(a): absorptivity of the whole envelope from that of one layer of its film."""
    return absorptivity * (1.0 + (1.0 - absorptivity - film.reflectivity) / (1.0 - film.reflectivity))
