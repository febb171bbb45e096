"""The error of a forecast: a weighted sum of simplex noise at several scales.

Each component (u, v) is the sum over five harmonics of simplex noise n_i of variance 0.0569, with weights w_i and
length scales in x, y, pressure and time,

    error = sqrt(1.02 / 0.0569) * sum(w_i n_i) / sqrt(sum(w_i) sum(w_i^2))

so that its variance is 1.02 m2/s2 over the sum of the weights, which is about 1. Source of the numbers unknown, from
BLE 1.0.2.
"""

import math
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.keys import as_key
from ble_sim.precision import reference_draws
from ble_sim.structs import struct
from ble_sim.wind import simplex

# Weight and length scales of each harmonic, of the eastward (u) and the northward (v) component.
_HARMONICS: Final = np.array(
    [
        #  weight      x [km]    y [km]  p [Pa]    t [h]
        [
            [0.1445, 702.269, 2116.987, 2587.802, 245.0],
            [0.2766, 1483.57, 752.124, 646.208, 16.39],
            [0.2627, 276.81, 147.04, 587.702, 3.836],
            [0.2137, 10214.525, 1512.216, 965.629, 41.78],
            [0.1025, 181.286, 420.942, 8500.0, 245.0],
        ],
        [
            [0.2716, 1974.228, 2028.814, 713.697, 26.435],
            [0.2684, 699.738, 541.845, 632.116, 9.53],
            [0.2348, 217.75, 196.522, 686.825, 3.546],
            [0.1186, 47.5, 43.048, 66.553, 8.424],
            [0.1066, 3663.291, 232.023, 7499.741, 225.0],
        ],
    ]
)
_NUM_HARMONICS: Final = _HARMONICS.shape[1]
_WEIGHTS: Final = _HARMONICS[..., 0]
SCALES: Final = _HARMONICS[..., 1:]
"""Of x, y, pressure and time of each harmonic [km, km, Pa, h]: float64[2, 5, 4], first the component (u, v)."""

_WIND_VARIANCE: Final = 1.02  # of one component [m2/s2]
_SIMPLEX_VARIANCE: Final = 0.0569
# A sum of independent harmonics with these gains has the variance of the wind over the sum of the weights.
GAINS: Final = (
    math.sqrt(_WIND_VARIANCE / _SIMPLEX_VARIANCE)
    * _WEIGHTS
    / np.sqrt(_WEIGHTS.sum(-1, keepdims=True) * (_WEIGHTS**2).sum(-1, keepdims=True))
)
"""What the noise of each harmonic is multiplied with [m/s]: float64[2, 5]."""

_NUM_SIMPLEX_SEEDS: Final = 1634753849


@struct
class WindNoise:
    """The forecast error of one episode; the first axis is the component (u, v), the second the harmonic."""

    permutations: jax.Array
    """uint8[2, 5, 256], see `simplex.permutation`"""
    offsets: jax.Array
    """float32[2, 5, 4], shifts of (x, y, pressure, time) in units of the harmonic's scales"""


def _sample_harmonic(key: jax.Array) -> tuple[jax.Array, jax.Array]:
    seed = jax.random.randint(key, (), 0, _NUM_SIMPLEX_SEEDS, dtype=jnp.int32)
    # The same key once more, as in the reference.
    offsets = jax.random.uniform(jax.random.clone(key), (4,), dtype=jnp.float32, minval=-1, maxval=1)
    return simplex.permutation(seed), offsets


def sample_wind_noise(key: jax.Array) -> WindNoise:
    """The forecast error of one episode, drawn from its noise key (uint32[2], or typed)."""
    with reference_draws():
        keys = jax.vmap(lambda k: jax.random.split(k, _NUM_HARMONICS))(jax.random.split(as_key(key)))
        permutations, offsets = jax.vmap(jax.vmap(_sample_harmonic))(keys)
    return WindNoise(permutations=permutations, offsets=offsets)


def wind_noise(
    noise: WindNoise, x: jax.Array, y: jax.Array, pressure: jax.Array, elapsed_seconds: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The forecast error (u, v) [m/s] at one point, in the dtype of `x`.

    Args:
        noise: of the episode.
        x, y: scalars, m from the station.
        pressure: Pa.
        elapsed_seconds: since the start of the episode, of any dtype.
    """
    x = jnp.asarray(x)
    hours = jnp.asarray(elapsed_seconds).astype(x.dtype) / SECONDS_PER_HOUR
    point = jnp.stack([x / 1000, y / 1000, pressure, hours])
    coordinates = point[None, None] / SCALES.astype(x.dtype) + noise.offsets.astype(x.dtype)
    # All harmonics of both components are one batch, and one batch axis compiles to faster code than two.
    permutations = noise.permutations.reshape(-1, noise.permutations.shape[-1])
    harmonics = jax.vmap(simplex.noise4)(permutations, *coordinates.reshape(-1, 4).T).reshape(GAINS.shape)
    u, v = jnp.sum(harmonics * GAINS.astype(x.dtype), axis=-1)
    return u, v
