"""Precision and random draws: what is entered, what it gives, and that nothing global changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import load

from ble_sim.precision import check_precision, float_dtype, precision_scope, reference_draws


def test_draws_are_those_of_the_legacy_layout_in_32_bits_whatever_the_context():
    recorded = dict(load("units/prng"))

    @jax.jit
    @jax.vmap
    def draw(seed):
        key = jax.random.PRNGKey(seed)
        return {
            "key": key,
            **{f"split{n}": jax.random.split(key, n) for n in (2, 3, 5, 6)},
            "uniform": jax.random.uniform(key),
            "uniform4_pm1": 2.0 * jax.random.uniform(key, (4,)) - 1.0,
            "normal64": jax.random.normal(key, (64,)),
            "beta_1p2_2": jax.random.beta(key, 1.2, 2.0),
            "choice_1634753849": jax.random.choice(key, 1634753849),
            "choice_126144000": jax.random.choice(key, 126144000),
        }

    with precision_scope("float64"), jax.threefry_partitionable(True), reference_draws():
        draws = draw(jnp.asarray(recorded.pop("seed"), jnp.uint32))
    assert draws.keys() == recorded.keys()
    for name, drawn in draws.items():
        assert drawn.dtype.itemsize == 4, name
        # Logarithms and error functions in float32 end in other digits with other compilers.
        rtol = 1e-6 if name in ("normal64", "beta_1p2_2") else 0.0
        np.testing.assert_allclose(drawn, recorded[name], rtol=rtol, err_msg=name)


def test_new_arrays_and_float_dtype_follow_the_scope(precision):
    assert float_dtype() == precision
    assert jnp.zeros(()).dtype == precision
    with precision_scope("float32"):
        assert float_dtype() == jnp.float32
    assert float_dtype() == precision


def test_scopes_leave_the_process_as_it_was():
    before = jax.config.jax_enable_x64, jax.config.jax_threefry_partitionable
    for scope in (precision_scope("float64"), reference_draws()):
        with pytest.raises(ZeroDivisionError), scope:
            1 / 0  # noqa: B018
        assert (jax.config.jax_enable_x64, jax.config.jax_threefry_partitionable) == before


@pytest.mark.parametrize("name", ["float16", "double", "", 64])
def test_other_precisions_are_refused(name):
    with pytest.raises(ValueError, match=r"\"float32\" or \"float64\""):
        check_precision(name)
