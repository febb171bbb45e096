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
_BLOCK = 60
"""A map is computed for so many measurements at a time, so that early in a flight it takes less time."""
_SHARES = GAINS**2 / np.sum(GAINS**2, axis=-1, keepdims=True)
_METRIC_SCALES = SCALES * np.array([1000.0, 1000.0, 1.0, 3600.0])
"""m, m, Pa, s"""

Array = jax.Array | np.ndarray


class Belief(NamedTuple):
    """What is believed about the error after measurements; batches have a leading axis."""

    points: Array
    """float32[n, 4]: x, y, pressure, elapsed time of the measurements [m, m, Pa, s]."""
    weights: Array
    """float32[n, 2]: (k(X, X) + nugget I)^-1 e of both components."""
    count: Array
    """int32: number of measurements. What follows them is room for more, and must have weights of zero."""


class GrowingBelief:
    """The beliefs of several flights, which grow by one measurement of each at a time. In numpy and float64.

    With the Cholesky factor L of k(X, X) + nugget I and R = L^-1, the weights are R^T R e: the sum over the rows r of R
    of r (r . e). A row depends on its point and those before it, so that a measurement adds a row and its term. That
    takes the square of the number of measurements, where to solve anew would take the cube.

    Args:
        flights: number of them.
        room: number of measurements that a flight will have at most.
        nugget: variance of what is not a harmonic, over that of the error.
    """

    def __init__(self, flights: int, room: int, nugget: float) -> None:
        self._nugget = nugget
        self._used = 0
        self._points = np.zeros((flights, room, 4), np.float32)
        self._errors = np.zeros((flights, 2, room))
        self._weights = np.zeros((flights, 2, room))
        self._rows = np.zeros((flights, 2, room, room))

    def add(self, points: np.ndarray, errors: np.ndarray) -> None:
        """Add a measurement of each flight.

        Args:
            points: float32[flights, 4]: x, y, pressure, elapsed time [m, m, Pa, s].
            errors: float32[flights, 2], (u, v) in m/s.
        """
        used = self._used
        rows = self._rows[:, :, :used, :used]
        along = rows @ self._covariances(points)[..., None]
        row = np.ones((*errors.shape, used + 1))
        row[..., :used] = -(along.swapaxes(2, 3) @ rows)[:, :, 0]
        row /= np.sqrt(1.0 + self._nugget - np.sum(along**2, axis=2))
        self._points[:, used], self._errors[:, :, used] = points, errors
        self._rows[:, :, used, : used + 1] = row
        self._used += 1
        past_errors = self._errors[:, :, : self._used]
        self._weights[:, :, : self._used] += row * np.sum(row * past_errors, axis=2, keepdims=True)

    def _covariances(self, points: np.ndarray) -> np.ndarray:
        """Of new points with the measurements so far, float64[flights, 2, measurements]."""
        squares = np.square(self._points[:, : self._used].astype(np.float64) - points[:, None])
        scaled = np.einsum("fmd,chd->fchm", squares, _METRIC_SCALES**-2.0)
        return np.einsum("ch,fchm->fcm", _SHARES, np.exp(-_DECAY * scaled))

    def beliefs(self) -> Belief:
        """The beliefs of the flights, with a leading axis and n = room."""
        counts = np.full(len(self._points), self._used, np.int32)
        return Belief(self._points.copy(), self._weights.swapaxes(1, 2).astype(np.float32), counts)


def error_map(grid: PlanGrid, belief: Belief, elapsed: jax.Array) -> jax.Array:
    """The mean error over the field at a time.

    Args:
        grid: points of the map.
        belief: after the measurements so far.
        elapsed: scalar, s.

    Returns:
        float32[2, pressures, x, y], m/s.
    """
    room = [(0, -len(belief.points) % _BLOCK), (0, 0)]
    points, weights = jnp.pad(belief.points, room), jnp.pad(belief.weights, room)

    def add_block(number: jax.Array, total: jax.Array) -> jax.Array:
        def block(array: jax.Array) -> jax.Array:
            return jax.lax.dynamic_slice_in_dim(array, number * _BLOCK, _BLOCK)

        return total + _error_map_of(grid, block(points), block(weights), elapsed)

    nothing = jnp.zeros((2, grid.num_pressures, grid.num_distances, grid.num_distances), jnp.float32)
    return jax.lax.fori_loop(0, -(-belief.count // _BLOCK), add_block, nothing)


def _error_map_of(grid: PlanGrid, points: jax.Array, weights: jax.Array, elapsed: jax.Array) -> jax.Array:
    """What measurements with these weights add to `error_map`."""
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
            plane = (x[:, :, None] * y[:, None, :]).reshape(len(points), -1)
            total += jnp.matmul(vertical.T, plane, precision=jax.lax.Precision.HIGHEST)
        maps.append(total.reshape(grid.num_pressures, grid.num_distances, grid.num_distances))
    return jnp.stack(maps)
