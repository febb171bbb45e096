"""The sun against recordings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import load

from ble_sim.balloon.power import solar_power
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.sky.sun import HORIZON_ELEVATION, attenuation, next_sunrise_sunset, sun_at

SHARE_EQUAL = {"float64": 1.0, "float32": 0.98}
"""A bisection may take another way where rounding decides a tie, which float32 leaves to the processor."""

next_events = jax.jit(jax.vmap(next_sunrise_sunset))


def test_elevation_and_flux(precision):
    recorded = load("units/solar_calculator")
    latitude, longitude = (jnp.asarray(recorded[name], precision) for name in ("lat_deg", "lng_deg"))
    sun = jax.jit(sun_at)(latitude, longitude, jnp.asarray(recorded["unix_s"], jnp.int32))
    assert sun.elevation.dtype == sun.flux.dtype == precision
    atol = {"float64": 1e-9, "float32": 2e-4}[precision]
    np.testing.assert_allclose(sun.elevation, recorded["el_deg"], rtol=0, atol=atol)
    np.testing.assert_allclose(sun.flux, recorded["flux"], rtol={"float64": 1e-12, "float32": 1e-6}[precision])


def test_attenuation_and_panel_power(precision):
    recorded = load("units/solar_power")
    elevation = jnp.asarray(recorded["el_deg"], precision)
    pressure = jnp.asarray(recorded["pressure"], precision)
    rtol = {"float64": 1e-12, "float32": 2e-5}[precision]
    np.testing.assert_allclose(attenuation(elevation, pressure), recorded["attenuation"], rtol=rtol)
    np.testing.assert_allclose(solar_power(Vehicle(), elevation, pressure), recorded["solar_power_w"], rtol=rtol)


def test_there_is_no_sunlight_below_the_horizon_and_some_at_it(precision):
    elevation = jnp.asarray([HORIZON_ELEVATION - 0.001, HORIZON_ELEVATION], precision)
    light = attenuation(elevation, jnp.asarray(8000.0, precision))
    assert light[0] == 0.0 and light[1] > 0.0


def test_sunrise_and_sunset_are_found_on_the_recorded_grid(precision):
    recorded = load("units/sunrise_sunset")
    latitude, longitude = (jnp.asarray(recorded[name], precision) for name in ("lat_deg", "lng_deg"))
    sunrise, sunset = next_events(latitude, longitude, jnp.asarray(recorded["unix_s"], jnp.int32))
    for found, name in ((sunrise, "sunrise"), (sunset, "sunset")):
        assert np.mean(found == recorded[name]) >= SHARE_EQUAL[precision]


@pytest.mark.parametrize("latitude", [-59.0, 0.0, 59.0])
def test_events_lie_within_a_day_of_the_query(precision, latitude):
    times = jnp.asarray(np.linspace(1388534400, 1388534400 + 200 * 86399, 200), jnp.int32)
    latitudes, longitudes = jnp.full(200, latitude, precision), jnp.linspace(-180, 180, 200, dtype=precision)
    for events in next_events(latitudes, longitudes, times):
        assert (events >= times).all()
        assert (events - times <= 86400).all()
