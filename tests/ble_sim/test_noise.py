"""Wind noise against recordings of the reference."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.precision import precision_scope
from ble_sim.wind import simplex
from ble_sim.wind.noise import WindNoise, sample_wind_noise, wind_noise

RECORDED = np.load(Path(__file__).parents[1] / "data" / "wind_noise.npz")

sample = jax.jit(sample_wind_noise)
permutations = jax.jit(jnp.vectorize(simplex.permutation, signature="()->(n)"))
noise_at_points = jax.jit(jax.vmap(wind_noise, (None, 0, 0, 0, 0)))


def evaluate(noise, points, precision):
    """(u, v) at points[N, 4] of x, y, pressure, time."""
    x, y, pressure, seconds = points.T
    with precision_scope(precision):
        position = [jnp.asarray(coordinate, precision) for coordinate in (x, y, pressure)]
        return noise_at_points(noise, *position, jnp.asarray(seconds, jnp.int32))


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_draws_are_the_recorded_ones(precision):
    with precision_scope(precision):
        noise = sample(jnp.asarray(RECORDED["key"][0]))
    np.testing.assert_array_equal(noise.offsets, RECORDED["offsets"][0])
    np.testing.assert_array_equal(noise.permutations, permutations(RECORDED["simplex_seeds"][0]))


def test_draws_of_a_batch_of_keys():
    noise = jax.jit(jax.vmap(sample_wind_noise))(RECORDED["key"])
    np.testing.assert_array_equal(noise.offsets, RECORDED["offsets"])
    seeds = RECORDED["simplex_seeds"].reshape(-1, 5)
    np.testing.assert_array_equal(noise.permutations.reshape(-1, 5, 256), permutations(seeds))


def test_noise_of_recorded_keys():
    for seed, points, uv in zip(
        RECORDED["model_key_seed"], RECORDED["model_points_x_y_p_t"], RECORDED["model_uv"], strict=True
    ):
        u, v = evaluate(sample(jax.random.PRNGKey(seed)), points, "float64")
        np.testing.assert_allclose(np.stack([u, v], axis=-1), uv, rtol=0, atol=1e-9)


@pytest.mark.parametrize("component", ["u", "v"])
def test_components_of_recorded_seeds(component):
    for i, (points, expected) in enumerate(
        zip(RECORDED[f"{component}_points_x_y_p_t"], RECORDED[f"{component}_noise"], strict=True)
    ):
        seeds, offsets = RECORDED["component_simplex_seeds"][i], RECORDED["component_offsets"][i]
        noise = WindNoise(permutations=permutations(np.stack([seeds] * 2)), offsets=jnp.stack([offsets] * 2))
        u, v = evaluate(noise, points, "float64")
        np.testing.assert_allclose({"u": u, "v": v}[component], expected, rtol=0, atol=1e-9)


def test_float32_noise_stays_near_the_recorded():
    noise = sample(jax.random.PRNGKey(RECORDED["model_key_seed"][0]))
    u, v = evaluate(noise, RECORDED["model_points_x_y_p_t"][0], "float32")
    assert u.dtype == v.dtype == jnp.float32
    np.testing.assert_allclose(np.stack([u, v], axis=-1), RECORDED["model_uv"][0], rtol=0, atol=1e-4)


def test_noise_follows_the_type_of_x_under_x64():
    noise = sample(jax.random.PRNGKey(0))
    with jax.enable_x64(True):
        point = jnp.asarray([[1e4], [-2e4], [9e3]], jnp.float32)
        u, v = noise_at_points(noise, *point, jnp.asarray([7200], jnp.int32))
        same_u, same_v = noise_at_points(noise, *point, jnp.asarray([7200.0]))
    assert u.dtype == v.dtype == jnp.float32
    assert (u, v) == (same_u, same_v)
