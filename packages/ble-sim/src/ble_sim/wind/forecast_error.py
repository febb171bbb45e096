"""A Gaussian process that models the forecast error from the measurements of the last six hours.

The errors of u and v are modelled apart, with prior mean 0 and the exponential covariance (Matern, nu = 1/2; see
Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, 4.2)

    k(a, b) = 12.96 exp(-r) m2/s2

of points (x, y, pressure, time) at the distance r after division by the scales 357 km, 357 km, 326 Pa and 34560 s, plus
a noise variance of 0.05 m2/s2 per measurement. The scales are those of BLE 1.0.2. With the measured errors e at points
X, and K = k(X, X) + noise, the model predicts at a point q

    mean = k(q, X) K^-1 e,     variance = k(q, q) - k(q, X) K^-1 k(X, q)

Covariances below are in units of the prior variance 12.96.

One measurement is added each agent step, so six hours hold at most 120, in a buffer ordered by age with the newest
last. Their inverse covariance matrix is updated: the oldest measurement leaves by a Schur complement and the newest
enters by bordering, in O(n^2) instead of the O(n^3) of a factorisation. The measurement noise keeps it well
conditioned, and rounding errors are damped as fast as they arise, also in float32.
"""

import functools

import jax
import jax.numpy as jnp

from ble_sim.constants import SECONDS_PER_HOUR, STEP_SECONDS
from ble_sim.precision import float_dtype
from ble_sim.structs import struct

CAPACITY = 6 * SECONDS_PER_HOUR // STEP_SECONDS
"""Measurements in six hours."""
PRIOR_VARIANCE = 3.6**2
"""[m2/s2]"""
_NOISE = 0.05 / PRIOR_VARIANCE
_SCALES = (357_000.0, 357_000.0, 326.0, 34_560.0)
_FAR_AWAY = 1e6
"""Scaled coordinates of unused places of the buffer: at this distance the covariance is exactly zero."""


@struct
class WindGP:
    """The measurements in the window, oldest first, and the inverse of their covariance matrix."""

    points: jax.Array
    """float[CAPACITY, 4]: x, y, pressure and elapsed time, each over its scale"""
    errors: jax.Array
    """float[CAPACITY, 2]: wind minus forecast, (u, v) in m/s; 0 where unused"""
    inverse: jax.Array
    """float[CAPACITY, CAPACITY], of the covariance over `PRIOR_VARIANCE`; 0 where unused"""


def empty_wind_gp() -> WindGP:
    """A model without measurements."""
    dtype = float_dtype()
    return WindGP(
        points=jnp.full((CAPACITY, 4), _FAR_AWAY, dtype),
        errors=jnp.zeros((CAPACITY, 2), dtype),
        inverse=jnp.zeros((CAPACITY, CAPACITY), dtype),
    )


def add_measurement(
    gp: WindGP, x: jax.Array, y: jax.Array, pressure: jax.Array, elapsed: jax.Array, error: jax.Array
) -> WindGP:
    """Add the error (float[2], m/s) measured at a point (scalars: m, m, Pa, s) and drop the oldest place."""
    point = _scaled(x, y, pressure, elapsed)
    kept = gp.points[1:]
    oldest, row = gp.inverse[0, 0], gp.inverse[0, 1:]
    gain = row * jnp.where(oldest > 0.0, 1.0 / jnp.where(oldest > 0.0, oldest, 1.0), 0.0)

    covariance = jnp.exp(-jnp.sqrt(jnp.sum((kept - point[None]) ** 2, axis=-1)))
    weights = _product(gp.inverse[1:, 1:], covariance) - gain * jnp.sum(row * covariance)
    corner = 1.0 / (1.0 + _NOISE - jnp.sum(covariance * weights))
    border = -weights * corner

    # Written as one loop over the whole matrix: a compiler makes fewer passes of it than of concatenations.
    longer = functools.partial(jnp.pad, pad_width=(0, 1))
    inner = jnp.pad(gp.inverse[1:, 1:], (0, 1)) - jnp.outer(longer(row), longer(gain))
    inner = inner - jnp.outer(longer(weights), longer(border))
    newest = jnp.concatenate([border, corner[None]])
    is_newest = jnp.arange(CAPACITY) == CAPACITY - 1
    inverse = jnp.where(is_newest[:, None], newest[None, :], jnp.where(is_newest[None, :], newest[:, None], inner))
    return WindGP(
        points=jnp.concatenate([kept, point[None]]),
        errors=jnp.concatenate([gp.errors[1:], error[None]]),
        inverse=inverse,
    )


def predict(
    gp: WindGP, x: jax.Array, y: jax.Array, pressures: jax.Array, elapsed: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Predict the forecast's error in a column of air.

    Args:
        x, y, elapsed: scalars [m, m, s].
        pressures: float[n], Pa.

    Returns:
        The mean error, float[n, 2] in m/s, and its uncertainty, float[n]: the posterior variance over the prior's,
        between 0 and 1.
    """
    query = _scaled(x, y, jnp.zeros_like(x), elapsed)
    beside = (gp.points - query[None]) ** 2
    above = gp.points[:, 2, None] - pressures[None] / _SCALES[2]
    square = (beside[:, 0] + beside[:, 1] + beside[:, 3])[:, None] + above * above
    covariance = jnp.exp(-jnp.sqrt(square))  # [CAPACITY, n]

    weights = _product(gp.inverse, gp.errors)
    mean = jnp.stack([jnp.sum(weights[:, i, None] * covariance, axis=0) for i in range(2)], axis=-1)
    explained = jnp.sum(covariance * _product(gp.inverse, covariance), axis=0)
    return mean, jnp.clip(1.0 - explained, 0.0, 1.0)


def _scaled(x: jax.Array, y: jax.Array, pressure: jax.Array, elapsed: jax.Array) -> jax.Array:
    dtype = jnp.result_type(x)
    return jnp.stack([x, y, pressure, elapsed.astype(dtype)]) / jnp.asarray(_SCALES, dtype)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)
