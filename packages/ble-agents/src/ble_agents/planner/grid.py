"""The grid of a plan: places, pressures and times."""

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.constants import SECONDS_PER_HOUR, STEP_SECONDS
from ble_sim.wind.fields.grid import FORECAST_SECONDS

STEPS_PER_STAGE = 2
"""Agent steps from one time of the plan to the next."""
STAGE_SECONDS = STEPS_PER_STAGE * STEP_SECONDS
NUM_STAGES = FORECAST_SECONDS // STAGE_SECONDS
"""Stages of a plan, which covers the time that a forecast covers."""
STAGES_PER_WIND = SECONDS_PER_HOUR // STAGE_SECONDS
"""Stages in which the plan holds the wind of a place: an hour."""

REACH = 460_000.0
"""East, west, north and south of the station the grid ends at this distance [m]."""
STRETCH = 113_000.0
"""Distance from the station at which the spacing has grown by the square root of two [m]."""

Part = tuple[slice | jax.Array, slice | jax.Array]
"""Part of a grid's places: the indices of its points along x, and along y."""
WHOLE: Part = slice(None), slice(None)


@dataclass(frozen=True)
class PlanGrid:
    """Points of a plan: x and y alike, at x = STRETCH sinh(s) for even s, and even pressures.

    Attributes:
        num_distances: points along x, and along y.
        num_pressures: points along the pressure.
        min_pressure, max_pressure: its range [Pa].
    """

    num_distances: int
    num_pressures: int
    min_pressure: float
    max_pressure: float

    @cached_property
    def stretched(self) -> np.ndarray:
        """Stretched coordinates s of the points along x, float64[num_distances]."""
        return np.linspace(-1.0, 1.0, self.num_distances) * np.arcsinh(REACH / STRETCH)

    @property
    def spacing(self) -> float:
        """From one s to the next."""
        return 2.0 * float(np.arcsinh(REACH / STRETCH)) / (self.num_distances - 1)

    @cached_property
    def distances(self) -> np.ndarray:
        """Coordinates of the points along x, and along y [m], float64[num_distances]."""
        return STRETCH * np.sinh(self.stretched)

    @cached_property
    def pressures(self) -> np.ndarray:
        """Pa, float64[num_pressures]."""
        return np.linspace(self.min_pressure, self.max_pressure, self.num_pressures)

    @property
    def pressure_spacing(self) -> float:
        """Pa."""
        return (self.max_pressure - self.min_pressure) / (self.num_pressures - 1)

    def nothing_to_come(self) -> jax.Array:
        """The values at the end of a flight, float32[num_pressures, num_distances, num_distances]."""
        return jnp.zeros((self.num_pressures, self.num_distances, self.num_distances), jnp.float32)

    def place(self, x: jax.Array) -> jax.Array:
        """Fractional index of a coordinate [m] along x or y."""
        return jnp.arcsinh(x / STRETCH) / self.spacing + (self.num_distances - 1) / 2

    def level(self, pressure: jax.Array) -> jax.Array:
        """Fractional index of a pressure [Pa]."""
        return (pressure - self.min_pressure) / self.pressure_spacing


def interpolation_matrix(points: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Linear interpolation from even knots to points, which are clamped to the knots' range.

    Returns:
        float32[points, knots], whose product with values at the knots is those at the points.
    """
    place = (np.clip(points, knots[0], knots[-1]) - knots[0]) / (knots[1] - knots[0])
    below = np.clip(place.astype(int), 0, len(knots) - 2)
    matrix = np.zeros((len(points), len(knots)), np.float32)
    rows = np.arange(len(points))
    matrix[rows, below] = 1.0 - (place - below)
    matrix[rows, below + 1] += place - below
    return matrix


def shifted(values: jax.Array, shift: jax.Array, axis: int) -> jax.Array:
    """Values at the places `index + shift` along an axis, for shifts between -1 and 1, which broadcast to `values`.

    Cubic interpolation by Catmull and Rom, clamped between the two neighbours: it neither smears nor overshoots.
    Beyond an end, values are those at the end.
    """
    width = [(0, 0)] * values.ndim
    width[axis] = (2, 2)
    length = values.shape[axis]
    # Without the barrier the padding becomes part of the loop below, which is then not vectorised.
    padded = jax.lax.optimization_barrier(jnp.pad(values, width, mode="edge"))

    def at(offset: int) -> jax.Array:
        return jax.lax.slice_in_dim(padded, 2 + offset, 2 + offset + length, axis=axis)

    is_forward = shift >= 0
    # Everything is read from the padded array: XLA would compute what `values` come from once more to read them, too.
    return clamped_cubic(
        jnp.where(is_forward, at(-1), at(1)),
        at(0),
        jnp.where(is_forward, at(1), at(-1)),
        jnp.where(is_forward, at(2), at(-2)),
        jnp.abs(shift),
    )


def clamped_cubic(before: jax.Array, low: jax.Array, high: jax.Array, after: jax.Array, place: jax.Array) -> jax.Array:
    """The Catmull-Rom spline through four even points at a place between `low` (0) and `high` (1), clamped to them."""
    slope = high - before
    bend = 2.0 * before - 5.0 * low + 4.0 * high - after
    twist = 3.0 * (low - high) + after - before
    cubic = low + 0.5 * place * (slope + place * (bend + place * twist))
    return jnp.clip(cubic, jnp.minimum(low, high), jnp.maximum(low, high))
