"""4-d OpenSimplex noise against recordings of the Python package opensimplex 0.3."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.wind import simplex

RECORDED = np.load(Path(__file__).parents[1] / "data" / "opensimplex4.npz")


def noise_at(table, points, dtype):
    """Noise at points[N, 4]."""
    return jax.jit(jax.vmap(simplex.noise4, (None, 0, 0, 0, 0)))(table, *jnp.asarray(points, dtype).T)


@pytest.mark.parametrize("x64", [False, True])
def test_permutations_are_the_recorded_ones(x64):
    with jax.enable_x64(x64):
        tables = jax.jit(jax.vmap(simplex.permutation))(jnp.asarray(RECORDED["seed"]))
        assert tables.dtype == jnp.uint8
    np.testing.assert_array_equal(tables, RECORDED["perm"])


def test_noise_at_recorded_points():
    with jax.enable_x64(True):
        noise = jax.vmap(noise_at, (0, 0, None))(RECORDED["perm"], RECORDED["points"], jnp.float64)
    np.testing.assert_allclose(noise, RECORDED["noise"], rtol=0, atol=1e-12)


def test_noise_where_the_choice_of_vertices_is_tied():
    with jax.enable_x64(True):
        table = jax.jit(simplex.permutation)(int(RECORDED["tie_seed"]))
        noise = noise_at(table, RECORDED["tie_points"], jnp.float64)
    np.testing.assert_allclose(noise, RECORDED["tie_noise"], rtol=0, atol=1e-12)


def test_the_table_may_have_any_integer_type():
    table, points = RECORDED["perm"][0], RECORDED["points"][0]
    np.testing.assert_array_equal(
        noise_at(table.astype(np.int32), points, jnp.float32), noise_at(table, points, jnp.float32)
    )


@pytest.mark.parametrize("x64", [False, True])
def test_float32_coordinates_give_float32_noise(x64):
    points = RECORDED["points"][0].astype(np.float32)
    near = np.abs(points).max(axis=-1) < 100  # beyond, float32 leaves too little of the fraction
    with jax.enable_x64(x64):
        noise = noise_at(RECORDED["perm"][0], points, jnp.float32)
    assert noise.dtype == jnp.float32
    assert near.sum() > 20
    np.testing.assert_allclose(noise[near], RECORDED["noise"][0][near], rtol=0, atol=2e-5)
