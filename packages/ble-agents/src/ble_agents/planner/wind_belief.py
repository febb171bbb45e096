"""The forecast's error where it was not measured.

Each component of the error is a sum of independent harmonics of simplex noise (`ble_sim.wind.noise`), whose scales are
published. Simplex noise is isotropic, and its correlation at the distance d, in units of a harmonic's scales, is close
to exp(-2.45 d^2). The error is thus nearly a Gaussian process with the covariance

    k(a, b) = sum over harmonics h of share_h exp(-2.45 |(a - b) / scales_h|^2)

and, given errors e at points X, its mean at a point q is k(q, X) (k(X, X) + nugget I)^-1 e. Every measurement of the
flight is used, not only the last six hours, since some harmonics change within days and over thousands of kilometres.
Each term of the covariance is a product over the four dimensions, which makes a map of the mean a product of matrices.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.planner.grid import PlanGrid
from ble_sim.wind.noise import GAINS, SCALES

_DECAY = 2.45
_MIN_MAPPED_SCALE = 60.0
"""Harmonics shorter than this [km] are noise to a map, whose points lie further apart."""
_SHARES = GAINS**2 / np.sum(GAINS**2, axis=-1, keepdims=True)
_METRIC_SCALES = SCALES * np.array([1000.0, 1000.0, 1.0, 3600.0])
"""m, m, Pa, s"""

Array = jax.Array | np.ndarray


class Belief(NamedTuple):
    """What is believed about the error after measurements; batches have a leading axis."""

    points: Array
    """float32[n, 4]: x, y, pressure, elapsed time of the measurements [m, m, Pa, s]."""
    weights: Array
    """float32[n, 2], of `belief_weights`; zero where a point is not used."""


def belief_weights(points: Array, errors: Array, nugget: float, dtype: type[np.floating]) -> Array:
    """(k(X, X) + nugget I)^-1 e of both components, by numpy or JAX, whichever the points are of.

    Args:
        points: float32[n, 4]: x, y, pressure, elapsed time [m, m, Pa, s].
        errors: float[n, 2], (u, v) in m/s.
        nugget: variance of what is not a harmonic, over that of the error.
        dtype: in which to compute.

    Returns:
        float32[n, 2].
    """
    xp = points.__array_namespace__()
    differences = xp.square((points[:, None] - points[None]).astype(dtype))
    weights = []
    for component in range(2):
        covariance = nugget * xp.eye(len(points), dtype=dtype)
        for share, scales in zip(_SHARES[component], _METRIC_SCALES[component], strict=True):
            covariance += share * xp.exp(-_DECAY * (differences @ (1.0 / scales**2)))
        weights.append(xp.linalg.solve(covariance, errors[:, component]))
    return xp.stack(weights, axis=-1).astype(np.float32)


def error_map(grid: PlanGrid, belief: Belief, elapsed: jax.Array) -> jax.Array:
    """The mean error over the field at a time.

    Args:
        grid: points of the map.
        belief: after the measurements so far.
        elapsed: scalar, s.

    Returns:
        float32[2, pressures, x, y], m/s.
    """
    points, weights = map(jnp.asarray, belief)
    distances = jnp.asarray(grid.distances, jnp.float32)
    pressures = jnp.asarray(grid.pressures, jnp.float32)

    def correlation(dimension: int, scales: np.ndarray, knots: jax.Array) -> jax.Array:
        return jnp.exp(-_DECAY * ((points[:, dimension, None] - knots) / scales[dimension].astype(np.float32)) ** 2)

    maps = []
    for component in range(2):
        total = jnp.zeros((grid.num_pressures, grid.num_distances**2), jnp.float32)
        for share, scales in zip(_SHARES[component], _METRIC_SCALES[component], strict=True):
            if scales[0] < 1000.0 * _MIN_MAPPED_SCALE:
                continue
            in_time = correlation(3, scales, elapsed[None]) * weights[:, component, None] * np.float32(share)
            vertical = correlation(2, scales, pressures) * in_time
            x, y = correlation(0, scales, distances), correlation(1, scales, distances)
            total += vertical.T @ (x[:, :, None] * y[:, None, :]).reshape(len(points), -1)
        maps.append(total.reshape(grid.num_pressures, grid.num_distances, grid.num_distances))
    return jnp.stack(maps)
