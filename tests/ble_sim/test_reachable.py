"""The range of pressures within reach, against recordings."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import alphas, concatenate, flown_steps, load, restore_scenario

from ble_sim.balloon.reachable import reachable_pressures
from ble_sim.scenario import sun_over

STRIDE = 5
"""Of the rows of the flights, this one in so many is compared."""


@pytest.fixture(scope="module")
def places():
    """Places and what was recorded there: 200 at random, then along the flights."""
    recorded = load("units/pressure_range_and_stable_init")
    random = {
        "alpha": alphas(recorded["atmosphere_seed"]),
        "latitude": recorded["center_lat_deg"],
        "longitude": recorded["center_lng_deg"],
        "start_time": recorded["unix_s"].astype(np.int32),
        "upwelling_infrared": recorded["upwelling_infrared"],
        "x": recorded["x_m"],
        "y": recorded["y_m"],
        "elapsed": np.zeros(200, np.int32),
        "lowest_pressure": recorded["range_min"],
        "highest_pressure": recorded["range_max"],
    }
    flown = {name: column[::STRIDE] for name, column in flown_steps()[1].items()}
    return concatenate([random, flown])


@jax.jit
@jax.vmap
def reach(scenario, x, y, elapsed):
    sun = sun_over(scenario, x, y, elapsed)
    return reachable_pressures(scenario.vehicle, scenario.atmosphere, sun, scenario.upwelling_infrared)


def reach_all(scenario, places, precision):
    x, y = (jnp.asarray(places[name], precision) for name in ("x", "y"))
    return reach(scenario, x, y, jnp.asarray(places["elapsed"], jnp.int32))


def test_ranges_at_recorded_places(places, precision):
    found = reach_all(restore_scenario(places), places, precision)
    atol = {"float64": 1e-9, "float32": 0.02}[precision]
    for pressure, name in zip(found, ("lowest_pressure", "highest_pressure"), strict=True):
        np.testing.assert_allclose(pressure[:200], places[name][:200], rtol=0, atol=atol)
        # The copies of the flights hold float32.
        np.testing.assert_allclose(pressure[200:], places[name][200:], rtol=2.0**-24, atol=atol)


def test_a_balloon_that_is_safe_nowhere_has_an_empty_range(places, precision):
    scenario = restore_scenario(places)
    heavy = dataclasses.replace(scenario.vehicle, payload_mass=jnp.full_like(scenario.latitude, 5000.0))
    lowest, highest = reach_all(dataclasses.replace(scenario, vehicle=heavy), places, precision)
    np.testing.assert_array_equal(lowest, np.inf)
    np.testing.assert_array_equal(highest, -np.inf)
