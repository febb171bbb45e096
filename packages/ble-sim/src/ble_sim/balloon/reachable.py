"""The range of pressures at which the balloon can float without danger to its envelope."""

import jax
import jax.numpy as jnp

from ble_sim.balloon.envelope import system_mass
from ble_sim.balloon.equilibrium import floating_balloon
from ble_sim.balloon.safety import MIN_ALTITUDE, SUPERPRESSURE_BUFFER
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import AIR_MOLAR_MASS, GAS_CONSTANT
from ble_sim.sky.atmosphere import Atmosphere, pressure_at_height, temperature_at_pressure
from ble_sim.sky.sun import Sun, attenuation

_LOWEST_PRESSURE = 1000.0
_NUM_LEVELS = 20


def reachable_pressures(
    vehicle: Vehicle, atmosphere: Atmosphere, sun: Sun, upwelling_infrared: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Lowest and highest pressure [Pa] at which a balloon floats safely under the present sun. Scalars.

    Twenty levels from 1000 Pa to the pressure at the minimum altitude are examined, and the ceiling: the pressure at
    which a balloon with an empty ballonet floats, p / T = m R / (M V0). The superpressure at each is that of a balloon
    in equilibrium, and it is safe between the bounds of the envelope's safety layer. Where it crosses a bound between
    two levels, the crossing is interpolated. If no level is safe the range is empty, (inf, -inf).

    Args:
        sun: at the balloon.
        upwelling_infrared: W/m2.
    """
    highest = pressure_at_height(atmosphere, jnp.full_like(upwelling_infrared, MIN_ALTITUDE))
    fractions = jnp.linspace(0.0, 1.0, _NUM_LEVELS, dtype=highest.dtype)
    levels = _LOWEST_PRESSURE + (highest - _LOWEST_PRESSURE) * fractions
    temperatures = temperature_at_pressure(atmosphere, levels)

    empty_ratio = system_mass(vehicle, 0.0) * GAS_CONSTANT / (AIR_MOLAR_MASS * vehicle.envelope_volume_base)
    ceiling = _interpolate(empty_ratio, levels / temperatures, levels)

    pressures = jnp.append(levels, ceiling)
    floating = floating_balloon(
        vehicle,
        pressures,
        jnp.append(temperatures, temperature_at_pressure(atmosphere, ceiling)),
        sun.flux * attenuation(sun.elevation, pressures),
        upwelling_infrared,
    )
    superpressures, ceiling_superpressure = floating.superpressure[:-1], floating.superpressure[-1]
    low, high = SUPERPRESSURE_BUFFER, vehicle.envelope_max_superpressure - SUPERPRESSURE_BUFFER
    is_safe = (superpressures >= low) & (superpressures <= high)
    is_ceiling_safe = (ceiling_superpressure >= low) & (ceiling_superpressure <= high)

    def crossing(safe, unsafe):
        (safe_pressure, safe_superpressure), (pressure, superpressure) = safe, unsafe
        bound = jnp.where(superpressure < low, low, high)
        gap = superpressure - safe_superpressure
        fraction = (bound - safe_superpressure) / jnp.where(gap == 0.0, 1.0, gap)
        return safe_pressure + fraction * (pressure - safe_pressure)

    def at(index):
        return levels[index], superpressures[index]

    # Downwards from the ceiling to the first safe level, and upwards from the minimum altitude.
    is_first_choice = is_safe & (levels >= ceiling)
    first = jnp.argmax(is_first_choice)
    before = jnp.maximum(first - 1, 0)
    is_before_below_ceiling = (first > 0) & (levels[before] >= ceiling)
    previous = (
        jnp.where(is_before_below_ceiling, levels[before], ceiling),
        jnp.where(is_before_below_ceiling, superpressures[before], ceiling_superpressure),
    )
    lowest = jnp.where(is_ceiling_safe, ceiling, crossing(at(first), previous))
    exists = is_ceiling_safe | jnp.any(is_first_choice)

    last = _NUM_LEVELS - 1 - jnp.argmax(is_safe[::-1])
    after = jnp.minimum(last + 1, _NUM_LEVELS - 1)
    highest = jnp.where(last == _NUM_LEVELS - 1, levels[last], crossing(at(last), at(after)))
    exists &= jnp.any(is_safe)
    return jnp.where(exists, lowest, jnp.inf), jnp.where(exists, highest, -jnp.inf)


def _interpolate(x: jax.Array | float, knots: jax.Array, values: jax.Array) -> jax.Array:
    """Linear interpolation at a scalar `x` over rising `knots`, extrapolated along the end segments."""
    upper = jnp.clip(jnp.sum(knots < x), 1, len(knots) - 1)
    lower = upper - 1
    slope = (values[upper] - values[lower]) / (knots[upper] - knots[lower])
    return values[lower] + slope * (x - knots[lower])
