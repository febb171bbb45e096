"""Random keys that mean the same however JAX is set up.

JAX's settings decide what a raw key or a seed means: the implementation, an offset of all seeds, and whether raw keys
are allowed at all. The keys here are typed and of one implementation, threefry2x32. On the host and in files there are
only their data, uint32[2]. What is drawn from them also depends on the layout of random bits: see `ble_sim.precision`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.seeds import seed_words

IMPLEMENTATION = "threefry2x32"


def seed_data(seed: int) -> np.ndarray:
    """The data of the key of a seed, uint32[2]: those that `jax.random.key` makes by default.

    Raises:
        ValueError: it is no seed.
    """
    return np.array(seed_words(seed), np.uint32)


def as_key(key: Any) -> jax.Array:
    """The typed key of data uint32[..., 2]; a typed key is returned as it is. Traceable by JAX.

    Raises:
        ValueError: it is neither, or a typed key of another implementation.
    """
    dtype, shape = getattr(key, "dtype", None), np.shape(key)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
        found = str(jax.random.key_impl(key))
        if found != IMPLEMENTATION:
            raise ValueError(
                f"the key of an episode is of the kind {IMPLEMENTATION}, got one of {found}: draw its data with"
                " jax.random.bits(key, (2,), 'uint32')"
            )
        return key
    if dtype != np.uint32 or shape[-1:] != (2,):
        raise ValueError(f"the key of an episode is uint32[2] or a typed JAX key, got {dtype}{list(shape)}")
    return jax.random.wrap_key_data(key, impl=IMPLEMENTATION)
