"""Diagnostics that are not recorded: the pressures within reach."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import flown_steps, restore_balloon, restore_safety, restore_scenario, restore_wind

from ble_env.diagnostics import diagnose
from ble_sim.conditions import conditions_at
from ble_sim.state import SimState


@pytest.fixture(scope="module")
def measured():
    """Scenarios, states and conditions of a few recorded steps."""
    _, after = flown_steps()
    few = {name: column[:40] for name, column in after.items()}
    elapsed = jnp.asarray(few["elapsed"], jnp.int32)
    state = SimState(restore_balloon(few), restore_safety(few), elapsed, restore_wind(few), gp=())
    scenario = restore_scenario(few)
    return scenario, state, jax.jit(jax.vmap(conditions_at))(scenario, state)


def diagnosed(scenario, state, conditions):
    return jax.vmap(lambda *each: diagnose(*each, 50.0))(scenario, state, conditions)


def test_the_pressures_within_reach_surround_the_balloon(measured):
    found = diagnosed(*measured)
    assert (found.lowest_pressure < found.pressure).all()
    assert (found.pressure < found.highest_pressure).all()
    assert (found.highest_pressure - found.lowest_pressure > 1000.0).all()


def test_where_nothing_is_within_reach_both_are_the_balloons_own(measured):
    """So that all diagnostics are finite, as JSON needs them."""
    scenario, state, conditions = measured
    nothing = dataclasses.replace(
        conditions,
        lowest_pressure=jnp.full_like(conditions.lowest_pressure, jnp.inf),
        highest_pressure=jnp.full_like(conditions.highest_pressure, -jnp.inf),
    )
    found = diagnosed(scenario, state, nothing)
    np.testing.assert_array_equal(found.lowest_pressure, state.balloon.pressure)
    np.testing.assert_array_equal(found.highest_pressure, state.balloon.pressure)
