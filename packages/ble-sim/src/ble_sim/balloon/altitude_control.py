"""The altitude control system (ACS): a compressor that pumps air into the ballonet and a valve that vents it."""

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import AIR_MOLAR_MASS, GAS_CONSTANT, SECONDS_PER_HOUR

_POWER_RATIOS = np.array([1.0, 1.05, 1.2, 1.25, 1.35])
_POWERS = np.array([100.0, 100.0, 300.0, 400.0, 400.0])

_EFFICIENCY_RATIOS = np.linspace(1.05, 1.35, 13)
_EFFICIENCY_POWERS = np.linspace(100.0, 400.0, 4)
# Rows by pressure ratio, columns by power. The zeros near 1.10 and 1.20, where descending costs power and pumps
# nothing, are the benchmark's: scores depend on them.
_EFFICIENCIES = np.array(
    [
        [0.40, 0.40, 0.30, 0.20],
        [0.20, 0.00, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.00],
        [0.00, 0.40, 0.30, 0.30],
        [0.30, 0.25, 0.23, 0.20],
        [0.15, 0.12, 0.10, 0.00],
        [0.00, 0.00, 0.00, 0.30],
        [0.25, 0.25, 0.25, 0.20],
        [0.20, 0.20, 0.20, 0.15],
        [0.13, 0.12, 0.11, 0.00],
        [0.23, 0.23, 0.23, 0.23],
        [0.23, 0.20, 0.20, 0.20],
        [0.18, 0.16, 0.15, 0.13],
    ]
)


def compressor_power(pressure_ratio: jax.Array) -> jax.Array:
    """Power [W] at which the compressor moves most air per unit of energy against the pressure ratio."""
    return _interpolate(pressure_ratio, _POWER_RATIOS, jnp.asarray(_POWERS, pressure_ratio.dtype))


def compressor_efficiency(pressure_ratio: jax.Array, power: jax.Array) -> jax.Array:
    """Air moved per energy [kg/Wh], bilinear in pressure ratio and power [W], clamped to the table."""
    by_power = _interpolate(pressure_ratio, _EFFICIENCY_RATIOS, jnp.asarray(_EFFICIENCIES, pressure_ratio.dtype))
    return _interpolate(power, _EFFICIENCY_POWERS, by_power)


def descend(pressure_ratio: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Power [W] and mass flow into the ballonet [kg/s] of the running compressor."""
    power = compressor_power(pressure_ratio)
    return power, compressor_efficiency(pressure_ratio, power) * power / SECONDS_PER_HOUR


def ascend(vehicle: Vehicle, superpressure: jax.Array, pressure: jax.Array, temperature: jax.Array) -> jax.Array:
    """Mass flow [kg/s], not positive, through the open valve.

    Args:
        superpressure, pressure: Pa.
        temperature: of the gas inside [K].
    """
    valve_area = np.pi / 4.0 * vehicle.valve_diameter * vehicle.valve_diameter
    gas_density = (superpressure + pressure) * AIR_MOLAR_MASS / (GAS_CONSTANT * temperature)
    return -vehicle.valve_discharge_coefficient * valve_area * jnp.sqrt(2.0 * superpressure * gas_density)


def _interpolate(x: jax.Array, knots: np.ndarray, values: jax.Array) -> jax.Array:
    """Piecewise linear along the first axis of `values`, flat beyond the ends; a sum of ramps, so free of branches."""
    start, width = jnp.asarray(knots[:-1], x.dtype), jnp.asarray(np.diff(knots), x.dtype)
    ramps = jnp.clip((x - start) / width, 0.0, 1.0)
    return values[0] + jnp.tensordot(ramps, jnp.diff(values, axis=0), axes=1)
