"""The reward against recordings, and its parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import flown_steps, restore_balloon, restore_safety, restore_scenario, restore_wind

from ble_env import StationKeepingOptions, StationKeepingReward
from ble_sim.conditions import conditions_at
from ble_sim.state import SimState

ROUNDED = 1.5e-7  # The copies of the recordings are float32.


def states(columns):
    elapsed = jnp.asarray(columns["elapsed"], jnp.int32)
    return SimState(restore_balloon(columns), restore_safety(columns), elapsed, restore_wind(columns), gp=())


def test_reward_and_excess_energy_after_every_step_of_the_flights(precision):
    _, after = flown_steps()
    is_down = after["last_command"] == 0
    assert (is_down & after["excess_energy"]).any() and (is_down & (after["effective_action"] != 0)).any()

    @jax.jit
    @jax.vmap
    def judge(scenario, state):
        conditions = conditions_at(scenario, state)
        return StationKeepingReward()(scenario, state, conditions), conditions.excess_energy

    reward, excess = judge(restore_scenario(after), states(after))
    np.testing.assert_array_equal(excess, after["excess_energy"])
    np.testing.assert_allclose(reward, after["reward"], rtol=0, atol=ROUNDED)


@pytest.mark.parametrize(
    ("options", "distance", "action", "acs_power", "expected"),
    [
        ({}, 50.0, 1, 0.0, 1.0),
        ({}, 50.01, 2, 0.0, 0.4 * 2 ** (-0.01 / 100)),
        ({}, 150.0, 1, 0.0, 0.2),
        ({}, 10.0, 0, 0.0, 0.95),
        ({}, 10.0, 0, 100.0, 0.95),
        ({}, 10.0, 0, 200.0, 0.80),
        ({}, 150.0, 0, 400.0, 0.2 * 0.65),
        ({"radius_km": 20.0}, 120.0, 1, 0.0, 0.2),
        ({"dropoff": 0.9}, 150.0, 1, 0.0, 0.45),
        ({"halflife_km": 10.0}, 60.0, 1, 0.0, 0.2),
    ],
)
def test_parameters_and_the_price_of_descending(options, distance, action, acs_power, expected):
    rows = {name: column[:1].copy() for name, column in flown_steps()[1].items()}
    rows["x"][:], rows["y"][:], rows["last_command"][:] = distance * 600.0, distance * -800.0, action
    rows["acs_power"][:], rows["battery_charge"][:] = acs_power, 1000.0
    with jax.enable_x64(True):
        scenario, state = restore_scenario(rows), states(rows)
        conditions = jax.vmap(conditions_at)(scenario, state)
        reward = jax.vmap(StationKeepingReward(StationKeepingOptions(**options)))(scenario, state, conditions)
    np.testing.assert_allclose(reward, expected, rtol=1e-9)
