"""The altitude control system against recordings."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from recordings import load

from ble_sim.balloon.altitude_control import ascend, compressor_curves, compressor_efficiency, descend
from ble_sim.balloon.vehicle import Vehicle

VEHICLE = Vehicle()
RECORDED = load("units/acs")
# Close to where the efficiency is zero, its error goes with the size of the table and not with its own.
ATOL = {"float64": 1e-12, "float32": 3e-6}


@jax.jit
@jax.vmap
def run_compressor(ratio):
    curves = compressor_curves(VEHICLE.compressor, ratio.dtype)
    power, flow = descend(curves, ratio)
    return power, curves.power(ratio), compressor_efficiency(curves, ratio, power), flow


def test_compressor(precision):
    power, same_power, efficiency, flow = run_compressor(jnp.asarray(RECORDED["pressure_ratio"], precision))
    np.testing.assert_allclose(power, RECORDED["power_w"], rtol=ATOL[precision])
    np.testing.assert_array_equal(power, same_power)
    np.testing.assert_allclose(efficiency, RECORDED["efficiency"], rtol=0, atol=ATOL[precision])
    np.testing.assert_allclose(flow, RECORDED["mass_flow_kg_s"], rtol=0, atol=0.1 * ATOL[precision])


def test_efficiency_over_the_whole_table_and_beyond(precision):
    ratio, power = (jnp.asarray(RECORDED[f"grid_{name}"], precision) for name in ("pressure_ratio", "power"))
    look_up = functools.partial(compressor_efficiency, compressor_curves(VEHICLE.compressor, ratio.dtype))
    efficiency = jax.jit(jax.vmap(jax.vmap(look_up, (None, 0)), (0, None)))(ratio, power)
    np.testing.assert_allclose(efficiency, RECORDED["grid_efficiency"], rtol=0, atol=ATOL[precision])


def test_valve_flow(precision):
    flow = ascend(VEHICLE, *jnp.asarray([500.0, 8000.0, 210.0], precision))
    density = 8500.0 * 0.028964922481160 / (8.3144621 * 210.0)
    expected = -0.62 * np.pi * 0.04**2 / 4 * np.sqrt(2 * 500.0 * density)
    np.testing.assert_allclose(flow, expected, rtol=1e-6)
    assert ascend(VEHICLE, *jnp.asarray([0.0, 8000.0, 210.0], precision)) == 0.0
