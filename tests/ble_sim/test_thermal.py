"""The heat balance against recordings."""

import jax
import jax.numpy as jnp
import numpy as np
from recordings import load

from ble_sim.balloon.thermal import heat_exchange, temperature_rate
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.sky.sun import attenuation


def test_temperature_rate(precision):
    recorded = {name: jnp.asarray(column, precision) for name, column in load("units/thermal").items()}
    exchange = heat_exchange(
        Vehicle(envelope_mass=recorded["mass"]),
        recorded["volume"],
        recorded["ambient_temp"],
        recorded["pressure"],
        recorded["solar_flux"] * attenuation(recorded["el_deg"], recorded["pressure"]),
        recorded["earth_flux"],
    )
    rate = jax.jit(temperature_rate)(exchange, recorded["balloon_temp"])
    expected = load("units/thermal")["dT_dt"]
    # Heat gained and lost cancel, so errors go with the size of the terms and not with that of their sum.
    atol = {"float64": 1e-12, "float32": 1e-6}[precision] * np.abs(expected).max()
    np.testing.assert_allclose(rate, expected, rtol=0, atol=atol)


def test_a_balloon_as_warm_as_the_air_only_radiates(precision):
    exchange = heat_exchange(Vehicle(), *(jnp.asarray(v, precision) for v in (1804.0, 210.0, 8000.0, 0.0, 0.0)))
    area = 4 * np.pi * (3 * 1804.0 / (4 * np.pi)) ** (2 / 3)
    absorptivity = 0.04587 * (1 + (1 - 0.04587 - 0.0291) / (1 - 0.0291))
    expected = -5.6704e-8 * 210.0**4 * area * absorptivity / (1500 * 68.5)
    np.testing.assert_allclose(temperature_rate(exchange, jnp.asarray(210.0, precision)), expected, rtol=1e-5)
