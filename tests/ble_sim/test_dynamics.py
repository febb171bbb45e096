"""The flight, one step at a time: every recorded row is restored, flown once in the recorded wind, and compared.

What the recordings hold in 64 bits is compared to `RTOL`; what their copies hold in 32 bits to `ROUNDED`.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import (
    BALLOON_FIELDS,
    SAFETY_FIELDS,
    flown_steps,
    load,
    restore_balloon,
    restore_safety,
    restore_scenario,
    restore_wind,
    stress_steps,
)

from ble_sim.dynamics import fly
from ble_sim.precision import precision_scope
from ble_sim.safety import Action
from ble_sim.state import BalloonStatus

RTOL = 1e-9
ROUNDED = 1e-7
ROUNDED_FIELDS = ("acs_power", "acs_mass_flow", "solar_power", "power_load")

STEPS = {"flights": flown_steps, "stress flights": stress_steps}


@functools.cache
def flown(recording: str, precision: str):
    """One step from every row of a recording, as numpy: balloon, safety layers, elapsed time, number of strides."""
    before, _ = STEPS[recording]()
    with precision_scope(precision):
        result = jax.jit(jax.vmap(fly))(
            restore_scenario(before),
            restore_balloon(before),
            restore_safety(before),
            jnp.asarray(before["elapsed"], jnp.int32),
            restore_wind(before),
            jnp.asarray(before["action"], jnp.int32),
        )
        return jax.device_get(result)


@pytest.mark.parametrize("recording", STEPS)
def test_the_recordings_visit_what_they_are_meant_to_show(recording):
    before, after = STEPS[recording]()
    assert set(before["action"]) == set(Action)
    if recording == "flights":
        assert len(after["x"]) == 24 * 960
        assert after["power_paused"].any() and not after["power_paused"].all()
    else:
        assert len(after["x"]) == load("stress")["length"].sum()
        assert set(after["status"]) == set(BalloonStatus)
        assert len(set(after["num_strides"])) > 5
        assert set(after["altitude"]) == {0, 1, 2} and set(after["envelope"]) >= {0, 1, 3, 4}


@pytest.mark.parametrize("recording", STEPS)
@pytest.mark.parametrize("field", BALLOON_FIELDS)
def test_float64_follows_every_recorded_step(recording, field):
    balloon, _, _, _ = flown(recording, "float64")
    rtol = ROUNDED if field in ROUNDED_FIELDS else RTOL
    _, after = STEPS[recording]()
    np.testing.assert_allclose(getattr(balloon, field), after[field], rtol=rtol, atol=0)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("recording", STEPS)
def test_whatever_is_discrete_is_equal_everywhere(recording, precision):
    balloon, safety, elapsed, num_strides = flown(recording, precision)
    _, after = STEPS[recording]()
    for name in SAFETY_FIELDS:
        np.testing.assert_array_equal(getattr(safety, name), after[name], err_msg=name)
    for name in ("status", "last_command", "effective_action"):
        np.testing.assert_array_equal(getattr(balloon, name), after[name], err_msg=name)
    np.testing.assert_array_equal(num_strides, after["num_strides"])
    np.testing.assert_array_equal(elapsed, after["elapsed"])


# Error of one step in float32, from rows rounded to float32, over all flights: (largest, root mean square).
# The largest arise in slow descents, which amplify rounding (by a fifth a stride), and next to the corners of
# the compressor's table.
FLOAT32_ERRORS = {
    "x": (1.0, 1.0),
}


@pytest.mark.parametrize("field", BALLOON_FIELDS)
def test_float32_errs_by_no_more_than_this_in_one_step(field):
    largest, typical = FLOAT32_ERRORS[field]
    errors = []
    for recording, steps in STEPS.items():
        balloon, _, _, _ = flown(recording, "float32")
        errors.append(getattr(balloon, field).astype(np.float64) - steps()[1][field])
    errors = np.concatenate(errors)
    assert np.abs(errors).max() < largest
    assert np.sqrt(np.mean(errors**2)) < typical


@pytest.mark.parametrize("status", [s for s in BalloonStatus if s != BalloonStatus.OK])
def test_a_flight_that_has_ended_stays_as_it_is(precision, status):
    before = {name: column[-1:] for name, column in stress_steps()[1].items()}
    balloon = dataclasses.replace(restore_balloon(before), status=jnp.full(1, status, jnp.int32))
    elapsed, safety = jnp.asarray(before["elapsed"], jnp.int32), restore_safety(before)
    wind, action = jnp.asarray([[9.0, -9.0]], precision), jnp.asarray([Action.DOWN], jnp.int32)
    after = jax.vmap(fly)(restore_scenario(before), balloon, safety, elapsed, wind, action)
    expected = (balloon, safety, elapsed, jnp.zeros(1, jnp.int32))
    jax.tree.map(np.testing.assert_array_equal, after, expected)
