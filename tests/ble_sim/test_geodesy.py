"""Positions on the sphere against recordings."""

import jax
import jax.numpy as jnp
import numpy as np
from recordings import load

from ble_sim.sky.geodesy import position


def test_positions(precision):
    recorded = load("units/latlng_from_offset")
    (latitude, longitude), x, y = (
        jnp.asarray(column, precision) for column in (recorded["center_deg"].T, recorded["x_m"], recorded["y_m"])
    )
    found = np.stack(jax.jit(position)(latitude, longitude, x, y), axis=-1)
    error = (found - recorded["latlng_deg"] + 180.0) % 360.0 - 180.0
    assert np.abs(error).max() < {"float64": 1e-11, "float32": 5e-5}[precision]
    assert (found[:, 1] >= -180.0).all() and (found[:, 1] < 180.0).all()


def test_the_station_is_where_it_is(precision):
    zero = jnp.zeros((), precision)
    latitude, longitude = position(jnp.asarray(-7.5, precision), jnp.asarray(120.25, precision), zero, zero)
    np.testing.assert_allclose([latitude, longitude], [-7.5, 120.25], rtol=1e-6)
