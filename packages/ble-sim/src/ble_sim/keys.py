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

_THREEFRY_PARITY = 0x1BD11BDA
_THREEFRY_ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)


def seed_data(seed: int) -> np.ndarray:
    """The data of the key of a seed, uint32[2]: those that `jax.random.key` makes by default.

    Raises:
        ValueError: it is no seed.
    """
    return np.array(seed_words(seed), np.uint32)


def split_data(data: np.ndarray) -> np.ndarray:
    """What `jax.random.split` makes of keys in the reference's layout, on the host: uint32[..., 2, 2] of [..., 2].

    The host draws a few keys at a time, which takes less time than to load a program for each number of them.
    Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011): Threefry-2x32 with 20 rounds, of the counters
    (0, 2) and (1, 3).
    """
    first, second = np.moveaxis(data.astype(np.uint32), -1, 0)[..., None]
    words = first, second, first ^ second ^ np.uint32(_THREEFRY_PARITY)
    left, right = first + np.array([0, 1], np.uint32), second + np.array([2, 3], np.uint32)
    for block in range(5):
        for bits in _THREEFRY_ROTATIONS[block % 2]:
            left = left + right
            right = ((right << np.uint32(bits)) | (right >> np.uint32(32 - bits))) ^ left
        left = left + words[(block + 1) % 3]
        right = right + words[(block + 2) % 3] + np.uint32(block + 1)
    return np.stack([left, right], axis=-2)


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
