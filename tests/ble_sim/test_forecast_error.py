"""The Gaussian process of the wind against recordings, and what it forgets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import flights, load

from ble_sim.wind.forecast_error import CAPACITY, add_measurement, empty_wind_gp, predict

RECORDED = load("units/wind_gp")
ATOL = {"float64": (1e-9, 1e-10), "float32": (1e-2, 1e-3)}  # Of the mean [m/s] and of the uncertainty.


MOST = 961
"""Measurements at most; fewer are padded to this, so that there is one program for any number."""


@jax.jit
def observe_all(num, points, elapsed, errors):
    def add(i, gp):
        return add_measurement(gp, *points[i], elapsed[i], errors[i])

    return jax.lax.fori_loop(0, num, add, empty_wind_gp())


predict_column = jax.jit(predict)


def learned(points, errors, precision):
    """A model of measured errors[n, 2] at points[n, 4] of x, y, pressure, time."""
    num = len(points)
    points, errors = (np.pad(rows, ((0, MOST - num), (0, 0))) for rows in (points, errors))
    return observe_all(
        np.int32(num),
        jnp.asarray(points[:, :3], precision),
        jnp.asarray(points[:, 3], jnp.int32),
        jnp.asarray(errors, precision),
    )


def column(gp, query, precision):
    """The prediction at query[n, 4] of one x, y and time."""
    x, y, _, elapsed = query[0]
    return predict_column(
        gp,
        jnp.asarray(x, precision),
        jnp.asarray(y, precision),
        jnp.asarray(query[:, 2], precision),
        jnp.int32(elapsed),
    )


@pytest.mark.parametrize("size", RECORDED["sizes"].tolist())
def test_columns_after_any_number_of_measurements(precision, size):
    points, errors, query = (RECORDED[f"n{size}_{name}"] for name in ("points", "errors", "query"))
    mean, uncertainty = column(learned(points, errors, precision), query, precision)
    assert mean.dtype == uncertainty.dtype == precision
    mean_atol, uncertainty_atol = ATOL[precision]
    np.testing.assert_allclose(mean, RECORDED[f"n{size}_mean"], rtol=0, atol=mean_atol)
    np.testing.assert_allclose(uncertainty, RECORDED[f"n{size}_uncertainty"], rtol=0, atol=uncertainty_atol)


def test_nothing_is_known_before_the_first_measurement(precision):
    mean, uncertainty = column(empty_wind_gp(), RECORDED["n1_query"], precision)
    np.testing.assert_array_equal(mean, 0.0)
    np.testing.assert_array_equal(uncertainty, 1.0)


def test_after_two_days_it_knows_the_last_six_hours_and_no_rounding_has_piled_up(precision):
    flight = {name: flights("random")[name][3] for name in ("x", "y", "pressure", "elapsed")}
    points = np.stack(list(flight.values()), axis=-1)
    errors = np.stack([np.sin(points[:, 0] / 2e4), np.cos(points[:, 2] / 300.0)], axis=-1)
    query = np.tile(points[-1], (181, 1))
    query[:, 2] = np.linspace(5000.0, 14000.0, 181)
    sliding = column(learned(points, errors, precision), query, precision)
    with jax.enable_x64(True):
        anew = column(learned(points[-CAPACITY:], errors[-CAPACITY:], "float64"), query, "float64")
    for found, expected, atol in zip(sliding, anew, ATOL[precision], strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol)
