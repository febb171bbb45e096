"""The atmosphere: seven layers of linear temperature, in the form of the U.S. Standard Atmosphere 1976.

In a layer that starts at height h0 with temperature T0 and pressure p0, the temperature is T = T0 + L (h - h0) with the
lapse rate L (positive where it becomes warmer upwards). Hydrostatic balance dp/dh = -rho g and the ideal gas law
p = rho R_air T then give

    p = p0 (T / T0)^(-g / (R_air L)),     or p0 exp(-g (h - h0) / (R_air T0)) if L = 0

and inverted, with k = -R_air L / g and z = k log(p / p0),

    T = T0 (p / p0)^k
    h = h0 - (R_air T0 / g) log(p / p0) (exp(z) - 1) / z

where the last factor is 1 for z = 0. One episode has one atmosphere: its lapse rates lie between two sets,
`LAPSE_RATES_LOW` and `LAPSE_RATES_HIGH`. Heights of the layers and lapse rates are not the standard's below 32 km:
source unknown, from BLE 1.0.2.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.constants import AIR_GAS_CONSTANT, GRAVITY
from ble_sim.structs import struct

HEIGHT_TRANSITIONS = np.array([-610.0, 17000.0, 21000.0, 32000.0, 47000.0, 51000.0, 71000.0, 85000.0])
"""Heights at which the layers begin and the last one ends [m]."""
LAPSE_RATES_LOW = np.array([-0.007, 0.006, 0.001, 0.0028, 0.0, -0.0028, -0.002])
LAPSE_RATES_HIGH = np.array([-0.0058, 0.005, 0.001, 0.0028, 0.0, -0.0028, -0.002])
"""Change of temperature with height in each layer at alpha = 0 and alpha = 1 [K/m]."""
BASE_TEMPERATURE = 300.0
"""At the lowest height [K]."""
BASE_PRESSURE = 108870.8213
"""At the lowest height [Pa]."""


@struct
class Atmosphere:
    """The layers of one episode's atmosphere, in the precision in force."""

    lapse_rates: jax.Array
    """float[7], K/m"""
    temperatures: jax.Array
    """float[8], at the height transitions, K"""
    pressures: jax.Array
    """float[8], at the height transitions, Pa, falling"""


@struct
class _Layer:
    lapse_rate: jax.Array
    height: jax.Array
    temperature: jax.Array
    pressure: jax.Array
    top_pressure: jax.Array


def make_atmosphere(alpha: jax.Array) -> Atmosphere:
    """The atmosphere of the lapse rates (1 - alpha) low + alpha high, with `alpha` in [0, 1] (scalar)."""
    dtype = jnp.result_type(alpha)
    lapse_rates = (1.0 - alpha) * jnp.asarray(LAPSE_RATES_LOW, dtype) + alpha * jnp.asarray(LAPSE_RATES_HIGH, dtype)
    thickness = np.diff(HEIGHT_TRANSITIONS)
    temperatures = [jnp.asarray(BASE_TEMPERATURE, dtype)]
    pressures = [jnp.asarray(BASE_PRESSURE, dtype)]
    for i in range(len(thickness)):
        layer = _Layer(lapse_rates[i], jnp.zeros((), dtype), temperatures[-1], pressures[-1], jnp.zeros((), dtype))
        temperature, pressure = _at_height_above_base(layer, jnp.asarray(thickness[i], dtype))
        temperatures.append(temperature)
        pressures.append(pressure)
    return Atmosphere(lapse_rates, jnp.stack(temperatures), jnp.stack(pressures))


def height_at_pressure(atmosphere: Atmosphere, pressure: jax.Array) -> jax.Array:
    """Height [m] at which the air has the given pressure [Pa]. Any shape."""
    layer = _layer_at_pressure(atmosphere, pressure)
    return layer.height + _rise(layer.lapse_rate, layer.temperature, jnp.log(pressure / layer.pressure))


def temperature_at_pressure(atmosphere: Atmosphere, pressure: jax.Array) -> jax.Array:
    """Temperature [K] of the air where it has the given pressure [Pa]. Any shape."""
    layer = _layer_at_pressure(atmosphere, pressure)
    return layer.temperature * jnp.exp(_exponent(layer.lapse_rate) * jnp.log(pressure / layer.pressure))


def pressure_at_height(atmosphere: Atmosphere, height: jax.Array) -> jax.Array:
    """Pressure [Pa] at the given height [m]. Any shape."""
    layer = _select_layer(atmosphere, [height >= h for h in HEIGHT_TRANSITIONS[1:-1]])
    return _at_height_above_base(layer, height - layer.height)[1]


def pressure_per_height(atmosphere: Atmosphere, pressure: jax.Array, direction: jax.Array) -> jax.Array:
    """dp/dh [Pa/m] as the finite difference from `pressure` to `pressure + direction`, `direction` = +1 or -1 Pa.

    The rise from one to the other is less than a metre, which float32 cannot resolve in the difference of two heights.
    It is computed from the ratio of the pressures, in two parts where a layer ends between them.
    """
    start = _layer_at_pressure(atmosphere, pressure)
    target = pressure + direction
    bend = jnp.clip(target, start.top_pressure, start.pressure)
    temperature = start.temperature * jnp.exp(_exponent(start.lapse_rate) * jnp.log(pressure / start.pressure))
    log_ratio = jnp.log1p((bend - pressure) / pressure)
    rise = _rise(start.lapse_rate, temperature, log_ratio)

    beyond = _layer_at_pressure(atmosphere, target)
    bend_temperature = temperature * jnp.exp(_exponent(start.lapse_rate) * log_ratio)
    rise += _rise(beyond.lapse_rate, bend_temperature, jnp.log1p((target - bend) / bend))
    return direction / rise


def _exponent(lapse_rate: jax.Array) -> jax.Array:
    return -AIR_GAS_CONSTANT / GRAVITY * lapse_rate


def _rise(lapse_rate: jax.Array, temperature: jax.Array, log_ratio: jax.Array) -> jax.Array:
    """Height [m] gained while the logarithm of pressure changes by `log_ratio`, starting at `temperature`."""
    z = _exponent(lapse_rate) * log_ratio
    is_isothermal = z == 0.0
    growth = jnp.where(is_isothermal, 1.0, jnp.expm1(z) / jnp.where(is_isothermal, 1.0, z))
    return -AIR_GAS_CONSTANT / GRAVITY * temperature * log_ratio * growth


def _at_height_above_base(layer: _Layer, rise: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Temperature and pressure at `rise` metres above the base of a layer."""
    temperature = layer.temperature + layer.lapse_rate * rise
    is_isothermal = layer.lapse_rate == 0.0
    lapse_rate = jnp.where(is_isothermal, 1.0, layer.lapse_rate)
    log_ratio = jnp.where(
        is_isothermal,
        -GRAVITY / AIR_GAS_CONSTANT * rise / layer.temperature,
        -GRAVITY / AIR_GAS_CONSTANT / lapse_rate * jnp.log(temperature / layer.temperature),
    )
    return temperature, layer.pressure * jnp.exp(log_ratio)


def _layer_at_pressure(atmosphere: Atmosphere, pressure: jax.Array) -> _Layer:
    return _select_layer(atmosphere, [pressure <= atmosphere.pressures[i] for i in range(1, 7)])


def _select_layer(atmosphere: Atmosphere, is_above: list[jax.Array]) -> _Layer:
    """The layer above the last base that `is_above` holds for. Selects and no gathers, so that lanes stay SIMD."""
    heights = jnp.asarray(HEIGHT_TRANSITIONS, atmosphere.pressures.dtype)

    def layer(i: int) -> _Layer:
        return _Layer(
            atmosphere.lapse_rates[i],
            heights[i],
            atmosphere.temperatures[i],
            atmosphere.pressures[i],
            atmosphere.pressures[i + 1],
        )

    selected = layer(0)
    for i, above in enumerate(is_above, start=1):
        selected = jax.tree.map(lambda new, old, above=above: jnp.where(above, new, old), layer(i), selected)
    return selected
