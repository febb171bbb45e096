"""The atmosphere against recordings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import alphas, load

from ble_sim.sky.atmosphere import (
    HEIGHT_TRANSITIONS,
    height_at_pressure,
    make_atmosphere,
    pressure_at_height,
    pressure_per_height,
    temperature_at_pressure,
)

RECORDED = load("units/atmosphere")
RTOL = {"float64": 1e-12, "float32": 1e-5}


make_atmospheres = jax.jit(jax.vmap(make_atmosphere))
heights_at_pressures = jax.jit(jax.vmap(height_at_pressure))
temperatures_at_pressures = jax.jit(jax.vmap(temperature_at_pressure))
pressures_at_heights = jax.jit(jax.vmap(pressure_at_height))
slopes = jax.jit(jax.vmap(pressure_per_height))


@pytest.fixture
def atmospheres(precision):
    """[20], of the recorded alphas."""
    return make_atmospheres(jnp.asarray(RECORDED["alpha"], precision))


def test_alphas_are_the_recorded_draws():
    np.testing.assert_array_equal(alphas(RECORDED["key_seed"]), RECORDED["alpha"])


def test_layers(atmospheres, precision):
    rtol = RTOL[precision]
    np.testing.assert_allclose(atmospheres.lapse_rates, RECORDED["lapse_rates"], rtol=rtol)
    np.testing.assert_allclose(atmospheres.pressures, RECORDED["pressure_transitions"], rtol=rtol)
    np.testing.assert_allclose(atmospheres.temperatures, RECORDED["temperature_transitions"], rtol=rtol)


def test_heights_and_temperatures_at_pressures(atmospheres, precision):
    pressure = jnp.asarray(RECORDED["pressure"], precision)
    height = heights_at_pressures(atmospheres, pressure)
    temperature = temperatures_at_pressures(atmospheres, pressure)
    atol = {"float64": 1e-8, "float32": 0.05}[precision]
    np.testing.assert_allclose(height, RECORDED["height_at_pressure"], rtol=0, atol=atol)
    np.testing.assert_allclose(temperature, RECORDED["temperature_at_pressure"], rtol=RTOL[precision])


def test_pressures_at_heights(atmospheres, precision):
    pressure = pressures_at_heights(atmospheres, jnp.asarray(RECORDED["height"], precision))
    np.testing.assert_allclose(pressure, RECORDED["pressure_at_height"], rtol=RTOL[precision])


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_slope_is_the_finite_difference_over_one_pascal_across_layers_too(atmospheres, precision, direction):
    boundaries = RECORDED["pressure_transitions"][:, 1:5, None]  # Down to some 100 Pa.
    offsets = np.array([-1.0, -0.7, -0.5, -0.1, 0.0, 0.1, 0.5, 0.7, 1.0, 400.0])
    pressure = jnp.asarray(boundaries + offsets, precision)
    slope = slopes(atmospheres, pressure, jnp.full_like(pressure, direction))
    with jax.enable_x64(True):  # In 64 bits the difference of two heights has digits to spare.
        exact, start = make_atmospheres(RECORDED["alpha"]), np.asarray(pressure, np.float64)
        below, above = (np.asarray(heights_at_pressures(exact, p)) for p in (start, start + direction))
    rtol = {"float64": 1e-8, "float32": 1e-4}[precision]
    np.testing.assert_allclose(slope, direction / (above - below), rtol=rtol)


def test_transitions_map_onto_each_other(atmospheres, precision):
    height = heights_at_pressures(atmospheres, atmospheres.pressures[:, 1:-1])
    expected = np.broadcast_to(HEIGHT_TRANSITIONS[1:-1], height.shape)
    np.testing.assert_allclose(height, expected, rtol=RTOL[precision])
