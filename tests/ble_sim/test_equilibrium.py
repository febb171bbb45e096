"""The balloon at the start of a flight against recordings."""

import jax
import jax.numpy as jnp
import numpy as np
from recordings import alphas, load, restore_scenario

from ble_sim.flight import floating_start
from ble_sim.state import BalloonStatus

RECORDED = load("units/pressure_range_and_stable_init")
RTOL = {
    "float64": {"ambient_temp": 1e-12, "internal_temp": 1e-8, "mols_air": 1e-11, "volume": 1e-8},
    "float32": {"ambient_temp": 1e-6, "internal_temp": 2e-6, "mols_air": 5e-6, "volume": 1e-6},
}


def scenarios():
    return restore_scenario(
        {
            "x": RECORDED["x_m"],
            "alpha": alphas(RECORDED["atmosphere_seed"]),
            "latitude": RECORDED["center_lat_deg"],
            "longitude": RECORDED["center_lng_deg"],
            "start_time": RECORDED["unix_s"],
            "upwelling_infrared": RECORDED["upwelling_infrared"],
        }
    )


def test_a_balloon_starts_in_equilibrium(precision):
    place = [jnp.asarray(RECORDED[name], precision) for name in ("x_m", "y_m", "pressure")]
    balloon = jax.jit(jax.vmap(floating_start))(scenarios(), *place)
    found = {
        "ambient_temp": balloon.ambient_temperature,
        "internal_temp": balloon.internal_temperature,
        "mols_air": balloon.mols_air,
        "volume": balloon.volume,
    }
    for name, rtol in RTOL[precision].items():
        np.testing.assert_allclose(found[name], RECORDED[name], rtol=rtol, err_msg=name)
    atol = {"float64": 1e-5, "float32": 0.05}[precision]
    np.testing.assert_allclose(balloon.superpressure, RECORDED["superpressure"], rtol=0, atol=atol)
    assert (balloon.battery_charge == np.asarray(2905.6, precision)).all()
    assert (balloon.status == BalloonStatus.OK).all()
