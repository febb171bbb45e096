"""Volume and superpressure against recordings."""

import jax
import jax.numpy as jnp
import numpy as np
from recordings import load

from ble_sim.balloon.envelope import pressure_ratio, system_mass, volume_and_superpressure
from ble_sim.balloon.vehicle import Vehicle


@jax.jit
def inflate(mols_lift_gas, mols_air, temperature, pressure):
    return volume_and_superpressure(Vehicle(mols_lift_gas=mols_lift_gas), mols_air, temperature, pressure)


def test_volume_and_superpressure(precision):
    recorded = load("units/superpressure_volume")
    gases, air, temperature, pressure = (
        jnp.asarray(recorded[name], precision) for name in ("mols_lift_gas", "mols_air", "internal_temp", "pressure")
    )
    volume, superpressure = inflate(gases, air, temperature, pressure)
    is_slack = recorded["superpressure"] == 0.0
    assert is_slack.any() and not is_slack.all()
    np.testing.assert_array_equal(superpressure[is_slack], 0.0)
    rtol = {"float64": 1e-12, "float32": 5e-7}[precision]
    np.testing.assert_allclose(volume, recorded["volume"], rtol=rtol)
    # Superpressure is the difference of two pressures of that size.
    error = np.abs(superpressure - recorded["superpressure"]) / (recorded["pressure"] + recorded["superpressure"])
    assert error.max() < rtol


def test_ratio_is_at_least_one(precision):
    ratio = pressure_ratio(*jnp.asarray([[8000.0, 8000.0, 8000.0], [-5.0, 0.0, 400.0]], precision))
    np.testing.assert_allclose(ratio, [1.0, 1.0, 1.05], rtol=1e-6)


def test_mass_is_that_of_the_system_and_both_gases(precision):
    mass = system_mass(Vehicle(), jnp.asarray(1000.0, precision))
    np.testing.assert_allclose(mass, 68.5 + 92.5 + 6830 * 0.004002602 + 28.964922481160, rtol=1e-6)
