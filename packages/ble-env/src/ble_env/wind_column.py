"""The winds of all levels above and below a balloon: the forecast, the truth, and what the measurements make of it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.scenario import Scenario
from ble_sim.sky.atmosphere import height_at_pressure, pressure_at_height
from ble_sim.state import SimState
from ble_sim.structs import struct
from ble_sim.wind.field import WindField, forecast_at, forecast_error
from ble_sim.wind.forecast_error import predict

PICTURE_HEIGHTS = np.arange(14_000.0, 21_001.0, 100.0)
"""Heights of the levels that renderers receive [m]."""


@struct
class WindColumn:
    """The winds at the levels of a column of air, (u, v) towards the east and the north in m/s."""

    pressure: jax.Array
    """float[levels], Pa"""
    height: jax.Array
    """float[levels], m"""
    forecast: jax.Array
    """float[levels, 2], what agents see"""
    wind: jax.Array
    """float[levels, 2], the wind that the balloon would meet"""
    predicted: jax.Array
    """float[levels, 2], the forecast and its error as the Gaussian process predicts it"""
    uncertainty: jax.Array
    """float[levels], of the predicted error, from 0 to 1; see `ble_sim.wind.forecast_error.predict`"""


def winds_at_levels(wind_field: WindField, scenario: Scenario, state: SimState, pressures: jax.Array) -> WindColumn:
    """The winds at the balloon's place and time. Pure and traceable by JAX.

    Args:
        wind_field: of the task.
        scenario, state: of one balloon.
        pressures: float[levels], Pa.
    """
    balloon = state.balloon
    place = balloon.x, balloon.y, pressures, state.elapsed
    forecast = jnp.stack(forecast_at(wind_field, scenario.forecast, *place), axis=-1)
    at_level = jax.vmap(functools.partial(forecast_error, wind_field), in_axes=(None, None, None, None, 0, None))
    error = jnp.stack(at_level(scenario.forecast, scenario.noise, *place), axis=-1)
    predicted_error, uncertainty = predict(state.gp, *place)
    return WindColumn(
        pressure=pressures,
        height=height_at_pressure(scenario.atmosphere, pressures),
        forecast=forecast,
        wind=forecast + error,
        predicted=forecast + predicted_error,
        uncertainty=uncertainty,
    )


def picture_column(wind_field: WindField, scenario: Scenario, state: SimState) -> WindColumn:
    """The column that renderers receive, at `PICTURE_HEIGHTS`."""
    heights = jnp.asarray(PICTURE_HEIGHTS, state.balloon.x.dtype)
    return winds_at_levels(wind_field, scenario, state, pressure_at_height(scenario.atmosphere, heights))
