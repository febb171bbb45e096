"""Random keys, and draws from them, under other settings of JAX."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.keys import as_key, seed_data, split_data
from ble_sim.precision import reference_layout
from ble_sim.scenario import draw


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_the_key_of_a_seed_is_that_of_jax(seed):
    np.testing.assert_array_equal(seed_data(seed), jax.random.key_data(jax.random.key(np.uint32(seed))))


def test_the_host_splits_keys_as_jax_does():
    data = np.random.default_rng(0).integers(0, 2**32, (64, 2)).astype(np.uint32)
    data[:2] = [[0, 0], [2**32 - 1, 2**32 - 1]]
    with reference_layout():
        expected = jax.random.key_data(jax.vmap(jax.random.split)(as_key(data)))
    np.testing.assert_array_equal(split_data(data), expected)
    np.testing.assert_array_equal(split_data(data[7]), expected[7])
    assert split_data(data[:0]).shape == (0, 2, 2)


def test_a_typed_key_is_returned_as_it_is():
    key = jax.random.key(3, impl="threefry2x32")
    assert as_key(key) is key


def test_data_become_a_typed_key_whatever_the_default_implementation_is():
    with jax.default_prng_impl("rbg"), jax.legacy_prng_key("error"):
        keys = as_key(np.array([[1, 2], [3, 4]], np.uint32))
        assert keys.shape == (2,)
        np.testing.assert_array_equal(jax.random.key_data(keys), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (np.zeros(4, np.uint32), r"uint32\[2\] or a typed JAX key, got uint32\[4\]"),
        (np.zeros(2, np.int32), r"got int32\[2\]"),
        (5, r"got None\[\]"),
    ],
)
def test_what_is_no_key_is_refused(key, message):
    with pytest.raises(ValueError, match=message):
        as_key(key)


def test_a_key_of_another_implementation_is_refused():
    with pytest.raises(ValueError, match="of the kind threefry2x32, got one of rbg"):
        as_key(jax.random.key(0, impl="rbg"))


@pytest.mark.parametrize("form", ["data", "typed"])
def test_draws_do_not_depend_on_settings(form):
    expected = draw(jnp.array([5, 6], jnp.uint32))
    with contextlib.ExitStack() as stack:
        for context in (
            jax.default_prng_impl("rbg"),
            jax.legacy_prng_key("error"),
            jax.threefry_partitionable(form == "data"),
            jax.debug_key_reuse(True),
            jax.numpy_dtype_promotion("strict"),
            jax.numpy_rank_promotion("raise"),
        ):
            stack.enter_context(context)
        key = np.array([5, 6], np.uint32)
        found = jax.jit(draw)(key if form == "data" else as_key(key))
    for name, value in vars(expected).items():
        for one, other in zip(jax.tree.leaves(getattr(found, name)), jax.tree.leaves(value), strict=True):
            if jnp.issubdtype(one.dtype, jax.dtypes.prng_key):
                one, other = jax.random.key_data(one), jax.random.key_data(other)
            np.testing.assert_allclose(one, other, rtol=1e-6, err_msg=name)
