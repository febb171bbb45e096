"""Forecasts on a grid of space and time, looked up linearly in all four dimensions."""

import abc
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.wind.field import WindField

GRID_SHAPE = (21, 21, 10, 9, 2)
"""x, y, pressure, time, (u, v)."""
MAX_DISTANCE = 500_000.0
"""x and y reach this far from the station [m]."""
MIN_PRESSURE, MAX_PRESSURE = 5000.0, 14000.0
"""[Pa]"""
FORECAST_SECONDS = 48 * SECONDS_PER_HOUR
"""Time that a forecast covers [s]."""


class GridWindField(WindField):
    """A wind field whose forecasts are arrays on the grid of `GRID_SHAPE`."""

    @abc.abstractmethod
    def sample_field(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> jax.Array:
        """Sample a forecast: float32[21, 21, 10, 9, 2], m/s, over x, y, pressure, time, (u, v).

        The axes are even: -500 to 500 km, 5000 to 14000 Pa, 0 to 48 h. See `WindField.sample` for the arguments.
        """

    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> jax.Array:
        return self.sample_field(parameters, key, start_time)

    def wind(self, forecast, x, y, pressure, elapsed):
        return interpolate(forecast, x, y, pressure, elapsed)

    def wind_in_stack(self, forecasts, place, x, y, pressure, elapsed):
        return interpolate(forecasts, x, y, pressure, elapsed, (place,))


def interpolate(
    field: jax.Array,
    x: jax.Array,
    y: jax.Array,
    pressure: jax.Array,
    elapsed: jax.Array,
    place: tuple[jax.Array, ...] = (),
) -> tuple[jax.Array, jax.Array]:
    """Interpolate a field of `GRID_SHAPE` linearly along its four axes; see `WindField.wind` for the arguments.

    The field may be one of many: `place` has its indices (int32) on the axes that `field` has before those of
    `GRID_SHAPE`. Only the cells around the balloon are read. Positions and pressures beyond the grid are clamped to its
    edge, and time runs back and forth between its ends.
    """
    dtype = jnp.result_type(x)
    i, x_weight = _cell(jnp.clip(x, -MAX_DISTANCE, MAX_DISTANCE) + MAX_DISTANCE, 2.0 * MAX_DISTANCE, GRID_SHAPE[0])
    j, y_weight = _cell(jnp.clip(y, -MAX_DISTANCE, MAX_DISTANCE) + MAX_DISTANCE, 2.0 * MAX_DISTANCE, GRID_SHAPE[1])
    cycle, remainder = jnp.divmod(elapsed, FORECAST_SECONDS)
    time = jnp.where(cycle % 2 == 0, remainder, FORECAST_SECONDS - remainder).astype(dtype)
    k, time_weight = _cell(time, FORECAST_SECONDS, GRID_SHAPE[3])

    zero = jnp.zeros_like(i)
    start, shape = (i, j, zero, k, zero), (2, 2, GRID_SHAPE[2], 2, 2)
    cells = jax.lax.dynamic_slice(field, (*place, *start), (1,) * len(place) + shape)
    corners = cells.reshape(shape).astype(dtype)
    along_y = corners[0] + x_weight * (corners[1] - corners[0])
    along_time = along_y[0] + y_weight * (along_y[1] - along_y[0])
    profile = along_time[:, 0] + time_weight * (along_time[:, 1] - along_time[:, 0])  # float[10, (u, v)]

    height = jnp.clip(pressure, MIN_PRESSURE, MAX_PRESSURE) - MIN_PRESSURE
    level, weight = _cell(height, MAX_PRESSURE - MIN_PRESSURE, GRID_SHAPE[2])
    u, v = (_lookup(jnp.unstack(profile[:, component]), level, weight) for component in range(GRID_SHAPE[4]))
    return u, v


@functools.partial(jax.jit, static_argnums=0)
def on_grid(wind_field: WindField, forecast: Any) -> jax.Array:
    """A forecast of any wind field at the points of `GRID_SHAPE`, float32, m/s, for instance to train a generative
    wind.

    Args:
        wind_field: the field.
        forecast: of one episode, as its `sample` returned it.
    """
    distances = jnp.linspace(-MAX_DISTANCE, MAX_DISTANCE, GRID_SHAPE[0])
    pressures = jnp.linspace(MIN_PRESSURE, MAX_PRESSURE, GRID_SHAPE[2])
    times = jnp.linspace(0, FORECAST_SECONDS, GRID_SHAPE[3]).astype(jnp.int32)
    column = jax.vmap(lambda x, y, time: wind_field.wind(forecast, x, y, pressures, time), (None, None, 0))
    u, v = jax.vmap(jax.vmap(column, (None, 0, None)), (0, None, None))(distances, distances, times)
    return jnp.moveaxis(jnp.stack([u, v], axis=-1), 2, 3).astype(jnp.float32)  # time comes last but (u, v)


def _lookup(knots: Sequence[jax.Array], cell: jax.Array, weight: jax.Array) -> jax.Array:
    """Interpolate scalars in their cells. Selects and no gathers, so that the levels of a column stay SIMD."""
    value = knots[0] + weight * (knots[1] - knots[0])
    for k in range(1, len(knots) - 1):
        value = jnp.where(cell >= k, knots[k] + weight * (knots[k + 1] - knots[k]), value)
    return value


def _cell(offset: jax.Array, extent: float, knots: int) -> tuple[jax.Array, jax.Array]:
    """The cell of `knots` even points over `extent` that contains `offset`: its index, and the fraction of it below."""
    scaled = offset * ((knots - 1) / extent)
    index = jnp.clip(scaled.astype(jnp.int32), 0, knots - 2)
    return index, scaled - index.astype(scaled.dtype)
