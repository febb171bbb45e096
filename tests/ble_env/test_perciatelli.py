"""Observations of recorded states: the balloon, and all that it had measured by then, come from the recordings."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import NUM_SEEDS, POLICIES, flights, load, restore_balloon, restore_safety, restore_wind
from vectorized import TASK, begin_batch, observe_alone, take

from ble_env import BalloonEnv, Snapshot
from ble_env.observation.layout import (
    FIRST_WIND_FEATURE,
    NUM_FEATURES,
    NUM_LEVELS,
    UNREACHABLE,
    Feature,
    named_features,
)
from ble_env.observation.perciatelli import PerciatelliObservation, perciatelli_observation, power_to_use
from ble_sim.balloon.envelope import system_mass
from ble_sim.balloon.safety import MIN_ALTITUDE
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import AIR_MOLAR_MASS, GAS_CONSTANT
from ble_sim.sky.atmosphere import make_atmosphere, pressure_at_height, temperature_at_pressure
from ble_sim.state import SimState
from ble_sim.wind.forecast_error import add_measurement, empty_wind_gp

STRIDE = 2
"""Of the recorded observations, this one in so many is compared."""


@jax.jit
@jax.vmap
def observe_all(gp, x, y, pressure, elapsed, error):
    """Add measurements [n] to the models of a batch."""
    return jax.lax.scan(
        lambda gp, measured: (add_measurement(gp, *measured), None), gp, (x, y, pressure, elapsed, error)
    )[0]


def observed(scenarios, policy, precision):
    """Our observations of the recorded rows, [seed, number, 1099]."""
    columns, steps = flights(policy), load(f"flight_observations_{policy}")["step"][::STRIDE]
    num_seeds, num_rows = columns["x"].shape
    errors = np.stack([columns[f"wind_{c}"] - columns[f"forecast_{c}"] for c in "uv"], axis=-1)
    gp = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num_seeds, *leaf.shape)), empty_wind_gp())
    observations = []
    for first, step in zip([0, *(steps[:-1] + 1)], steps, strict=True):
        new = slice(first, step + 1)
        place = [jnp.asarray(columns[name][:, new], precision) for name in ("x", "y", "pressure")]
        elapsed = jnp.asarray(columns["elapsed"][:, new], jnp.int32)
        gp = observe_all(gp, *place, elapsed, jnp.asarray(errors[:, new], precision))
        row = {name: column[:, step] for name, column in columns.items() if column.shape[1] == num_rows}
        states = SimState(
            restore_balloon(row), restore_safety(row), jnp.asarray(row["elapsed"], jnp.int32), restore_wind(row), gp
        )
        states = jax.device_get(states)
        observations.append([observe_alone(scenarios[i], take(states, i), precision) for i in range(num_seeds)])
    return np.swapaxes(np.asarray(observations), 0, 1)


# Largest errors of a feature: measured were a third of those in float32. In float64 they are what the wind's decoder
# leaves (recordings hold float32). All others are equal to the last digits.
LAST_DIGITS = 2e-7
ATOL = {
    "float64": {"uncertainty": 2e-7, "bearing": 3e-5, "wind_speed": 1e-6},
    "float32": {"uncertainty": 3e-3, "bearing": 1e-2, "wind_speed": 3e-4},
}
ATOL_FLOAT32_SUN = 2e-6


@pytest.mark.parametrize("policy", POLICIES)
def test_observations_of_recorded_states(precision, policy):
    scenarios = jax.device_get(begin_batch(range(NUM_SEEDS), precision)[0])
    scenarios = [take(scenarios, seed) for seed in range(NUM_SEEDS)]
    found = observed(scenarios, policy, precision).astype(np.float64)
    expected = load(f"flight_observations_{policy}")["obs"][:, ::STRIDE]
    np.testing.assert_array_equal(named_features(found).reachable, named_features(expected).reachable)

    error = np.abs(found - expected)
    atol = np.full(FIRST_WIND_FEATURE, LAST_DIGITS)
    if precision == "float32":
        atol[[Feature.SOLAR_ELEVATION, Feature.SIN_SOLAR_CYCLE, Feature.COS_SOLAR_CYCLE]] = ATOL_FLOAT32_SUN
    assert (error[..., :FIRST_WIND_FEATURE] <= atol).all()
    columns = error[..., FIRST_WIND_FEATURE:].reshape(-1, 3).max(axis=0)
    for largest, (name, atol) in zip(columns, ATOL[precision].items(), strict=True):
        assert largest <= atol, name


@pytest.fixture(scope="module")
def windless():
    """An episode in float32, in a forecast without wind, about which nothing has been measured."""
    scenario, state, _ = begin_batch([0], "float32")
    scenario = dataclasses.replace(scenario, forecast=jnp.zeros_like(scenario.forecast))
    return take(scenario, 0), dataclasses.replace(take(state, 0), gp=empty_wind_gp())


def observation(scenario, state):
    return named_features(observe_alone(scenario, state, "float32"))


def test_calm_air_blows_away_from_the_station(windless):
    features = observation(*windless)
    assert features.reachable.any()
    np.testing.assert_allclose(features.bearing[features.reachable], np.pi, rtol=1e-6)
    np.testing.assert_array_equal(features.wind_speed[features.reachable], 0.0)
    np.testing.assert_array_equal(features.uncertainty[features.reachable], 1.0)


def test_any_wind_blows_towards_the_station_when_there(windless):
    scenario, state = windless
    balloon = dataclasses.replace(state.balloon, x=np.float32(0.0), y=np.float32(5e-6))
    features = observation(scenario, dataclasses.replace(state, balloon=balloon))
    np.testing.assert_array_equal(features.bearing[features.reachable], 0.0)
    assert features.distance < 1e-6


@pytest.mark.parametrize(("pressure", "center"), [(2000.0, 0), (9024.0, 80), (9025.0, 80), (9075.0, 82), (16e3, 180)])
def test_the_column_is_centered_on_the_nearest_level(windless, pressure, center):
    """Halfway between two levels, on the even one."""
    scenario, state = windless
    first, found = (
        np.flatnonzero(observation(scenario, dataclasses.replace(state, balloon=balloon)).reachable)
        for balloon in (dataclasses.replace(state.balloon, pressure=np.float32(p)) for p in (5000.0, pressure))
    )
    np.testing.assert_array_equal(found, first - center)


def test_the_window_of_the_benchmark_holds_all_that_its_balloon_reaches():
    """At most from where it floats with an empty ballonet (the pressure over the temperature is then fixed) to the
    minimum altitude, in any atmosphere.
    """
    vehicle = Vehicle()
    with jax.enable_x64(True):
        pressures = jnp.linspace(1000.0, 14_000.0, 2000)

        @jax.jit
        @jax.vmap
        def reach(alpha):
            atmosphere = make_atmosphere(alpha)
            temperatures = temperature_at_pressure(atmosphere, pressures)
            mols = pressures * vehicle.envelope_volume_base / (GAS_CONSTANT * temperatures)
            floats_empty = mols * AIR_MOLAR_MASS <= system_mass(vehicle, 0.0)
            lowest = jnp.where(floats_empty, pressures, 0.0).max()
            return pressure_at_height(atmosphere, jnp.asarray(MIN_ALTITUDE)) - lowest

        largest = float(reach(jnp.linspace(0.0, 1.0, 101)).max())
    assert 6000.0 < largest < (perciatelli_observation(vehicle).window - 1) * 50.0
    assert perciatelli_observation(dataclasses.replace(vehicle, payload_mass=90.0)).window == NUM_LEVELS


def test_the_window_changes_nothing():
    wide = BalloonEnv(observation=PerciatelliObservation())
    scenario, state, _ = begin_batch([0, 1, 2, 3], "float32")
    for lane in range(4):
        alone = take(state, lane)
        for pressure in (5000.0, 9000.0, 12_000.0):
            balloon = dataclasses.replace(alone.balloon, pressure=np.float32(pressure))
            moved = Snapshot(take(scenario, lane), dataclasses.replace(alone, balloon=balloon))
            found, expected = observe_alone(*moved, "float32"), wide.set_snapshot(moved)[0]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_power_to_use_is_the_recorded_table(precision):
    recorded = load("units/power_table")
    ratio, charge = (jnp.asarray(recorded[name], precision) for name in ("pressure_ratio", "soc"))
    power = jax.jit(jax.vmap(jax.vmap(power_to_use, (None, 0)), (0, None)))(ratio, charge)
    np.testing.assert_array_equal(power, recorded["power"])


def test_the_observation_space_is_the_documented_one():
    space = TASK.observation.observation_space
    assert space.shape == (NUM_FEATURES,) and space.dtype == np.float32
    is_signed = np.isin(np.arange(NUM_FEATURES), [3, 4, 5, 6])
    is_ratio = np.arange(NUM_FEATURES) == 15
    np.testing.assert_array_equal(space.low, np.where(is_signed, -1.0, np.where(is_ratio, 1.0, 0.0)))
    np.testing.assert_array_equal(space.high[~is_ratio], 1.0)
    assert space.high[15] > 1.3
    assert space.contains(np.concatenate([[0.5] * 15, [1.1], np.tile(UNREACHABLE, 361)]).astype(np.float32))
