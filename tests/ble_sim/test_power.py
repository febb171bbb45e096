"""Loads and battery."""

import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.balloon.power import charged_battery, has_excess_energy, power_flow, solar_power
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.sky.sun import HORIZON_ELEVATION


def test_the_sun_decides_which_load_there_is_and_whether_panels_charge(precision):
    elevation = jnp.asarray([HORIZON_ELEVATION, HORIZON_ELEVATION + 0.01, 60.0], precision)
    pressure = jnp.full(3, 8000.0, precision)
    from_panels = solar_power(Vehicle(), elevation, pressure)
    charging, load = power_flow(Vehicle(), elevation, from_panels, jnp.asarray(50.0, precision))
    np.testing.assert_allclose(load, [233.7, 170.4, 170.4], rtol=1e-6)
    assert charging[0] == 0.0 and charging[1] > 0.0
    np.testing.assert_allclose(charging[2], from_panels[2], rtol=1e-6)


@pytest.mark.parametrize(
    ("charge", "power", "expected"),
    [(1000.0, 360.0, 1001.0), (1000.0, -720.0, 998.0), (1.0, -720.0, 0.0), (3058.0, 720.0, 3058.56)],
)
def test_the_battery_integrates_between_empty_and_full(precision, charge, power, expected):
    found = charged_battery(Vehicle(), jnp.asarray(charge, precision), jnp.asarray(power, precision), 10.0)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_excess_energy_takes_sun_and_a_full_battery(precision):
    elevation = jnp.asarray([60.0, 60.0, -10.0], precision)
    charge = jnp.asarray([0.991, 0.989, 0.991], precision) * 3058.56
    excess = has_excess_energy(Vehicle(), elevation, jnp.asarray(8000.0, precision), charge)
    np.testing.assert_array_equal(excess, [True, False, False])
