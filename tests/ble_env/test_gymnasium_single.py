"""The environment for Gymnasium: its contract, its stream of episodes, its states, and bad input."""

import dataclasses
import warnings
from importlib import resources
from types import SimpleNamespace
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from recordings import flights, load

import ble_env
from ble_env import BalloonEnv
from ble_env.host.reset_options import RESET_OPTIONS
from ble_env.host.seeding import start_streams
from ble_env.observation.perciatelli import perciatelli_observation
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import STEP_SECONDS
from ble_sim.files.models import ModelFileError
from ble_sim.scenario import FIRST_START, draw
from ble_sim.wind.fields import decoder, generative

ID = "ble_env:BalloonLearningEnvironment-v0"


@pytest.fixture(scope="module", params=["float64", "float32"])
def env(request) -> BalloonEnv:
    """An environment that all tests of this module share; each resets it first."""
    return BalloonEnv(precision=request.param, seed=0)


@pytest.fixture(scope="module")
def env32() -> BalloonEnv:
    return BalloonEnv(seed=0)


def fly(env, actions):
    """What the steps return, without `info`, and the last `info`."""
    results, info = [], {}
    for action in actions:
        *result, info = env.step(action)
        results.append(result)
    return results, info


def assert_equal_flights(found, expected):
    for (observation, *rest), (other, *other_rest) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(observation, other)
        assert rest == other_rest


# --- Contract


def test_gymnasium_finds_nothing_to_warn_about():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(ID).unwrapped)


def test_stable_baselines_finds_nothing_to_warn_about():
    env_checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env_checker.check_env(BalloonEnv())


def test_make_limits_an_episode_to_two_days():
    made = gymnasium.make(ID, seed=0, station_keeping_radius_km=100.0)
    assert made.spec is not None and made.spec.max_episode_steps == ble_env.EPISODE_STEPS == 960
    assert made.unwrapped.task.station_keeping_radius_km == 100.0
    made.reset(seed=0)
    for step in range(960):
        *_, terminated, truncated, info = made.step(1)
        assert not terminated and truncated == (step == 959)
    assert info["time_elapsed"] == 2 * 86400


def test_spaces(env):
    assert env.action_space == gymnasium.spaces.Discrete(3)
    observation, _ = env.reset(seed=4)
    assert observation.dtype == np.float32 and observation.shape == (1099,)
    assert env.observation_space.contains(observation)


INFO_TYPES: dict[str, type] = {
    "out_of_power": bool,
    "envelope_burst": bool,
    "zeropressure": bool,
    "time_elapsed": float,
    "date_time": int,
    "x": float,
    "y": float,
    "distance": float,
    "inside_radius": bool,
    "pressure": float,
    "superpressure": float,
    "lowest_pressure": float,
    "highest_pressure": float,
    "altitude": float,
    "latitude": float,
    "longitude": float,
    "battery": float,
    "wind_u": float,
    "wind_v": float,
    "solar_power": float,
    "power_load": float,
    "acs_power": float,
    "paused_power": bool,
    "paused_envelope": bool,
    "paused_altitude": bool,
    "effective_action": int,
    "status": int,
    "elapsed": int,
}


def test_observations_may_be_written_to(env32):
    """torch shares the memory of arrays, and warns of those that are read-only."""
    first, _ = env32.reset(seed=0)
    second, *_ = env32.step(1)
    as_returned = second.copy()
    first[:] = 0.0
    assert second.flags.writeable
    np.testing.assert_array_equal(second, as_returned)


def test_info_reports_the_recorded_flight_in_plain_types(env):
    _, info = env.reset(seed=5)
    recorded, tolerance = flights("random"), {"float64": 1e-4, "float32": 0.05}[env.precision]
    for row in range(4):
        if row > 0:
            _, reward, terminated, truncated, info = env.step(int(recorded["last_command"][5, row]))
            assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
            assert reward == pytest.approx(recorded["reward"][5, row - 1], abs=1e-5)
            assert info["effective_action"] == recorded["effective_action"][5, row - 1]
        assert {name: type(value) for name, value in info.items()} == INFO_TYPES
        here = {name: column[5, row] for name, column in recorded.items() if column.shape[1] == 961}
        for name in ("x", "y", "pressure", "superpressure", "solar_power", "power_load", "acs_power"):
            assert info[name] == pytest.approx(here[name], rel=1e-5, abs=tolerance), name
        assert info["distance"] == pytest.approx(np.hypot(here["x"], here["y"]), rel=1e-5)
        assert info["inside_radius"] == (info["distance"] <= 50_000.0)
        assert info["battery"] == pytest.approx(here["battery_charge"] / 3058.56, rel=1e-6)
        assert [info["wind_u"], info["wind_v"]] == pytest.approx([here["wind_u"], here["wind_v"]], abs=1e-3)
        assert (info["elapsed"], info["status"]) == (180 * row, 0)
        assert info["latitude"] == pytest.approx(here["latitude"] + here["y"] / 111_195, abs=1e-3)
        assert info["longitude"] == pytest.approx(here["longitude"] + here["x"] / 111_195, abs=0.03)
        assert 15_000.0 < info["altitude"] < 20_000.0
        assert info["paused_power"] == here["power_paused"]
        assert info["paused_altitude"] == (here["altitude"] != 0)
        assert info["paused_envelope"] == (here["envelope"] != 0)
        assert not (info["out_of_power"] or info["envelope_burst"] or info["zeropressure"])
        assert info["time_elapsed"] == row * STEP_SECONDS
        assert info["date_time"] == here["start_time"] + row * STEP_SECONDS


# --- The stream of episodes


def test_a_seed_gives_its_recorded_episode(env):
    for seed in (0, 17, np.int64(99)):
        observation, _ = env.reset(seed=seed)
        atol = {"float64": 1e-5, "float32": 1e-3}[env.precision]
        np.testing.assert_allclose(observation, load("resets")["obs"][seed], rtol=0, atol=atol)


def test_an_unseeded_reset_continues_the_stream(env32):
    env32.reset(seed=3)
    second, _ = env32.reset()
    third, _ = env32.reset()
    assert not np.array_equal(second, third)

    fresh = BalloonEnv(seed=3)  # Its constructor has used up the first episode.
    np.testing.assert_array_equal(fresh.reset()[0], second)
    np.testing.assert_array_equal(fresh.reset()[0], third)
    env32.reset(seed=3)
    np.testing.assert_array_equal(env32.reset()[0], second)


def test_the_stream_is_split_as_in_the_reference(env32):
    with jax.threefry_partitionable(False):
        key = jax.random.PRNGKey(6)
        for _ in range(3):
            key, episode_key = jax.random.split(key)
    env32.reset(seed=6)
    env32.reset()
    env32.reset()
    third = env32.get_snapshot().scenario
    start_offset, latitude = jax.jit(lambda key: (draw(key).start_offset, draw(key).latitude))(episode_key)
    assert FIRST_START + start_offset == third.start_time
    assert latitude == third.latitude


def test_environments_without_a_seed_differ():
    first, _ = BalloonEnv().reset()
    second, _ = BalloonEnv().reset()
    assert not np.array_equal(first, second)


def test_the_same_seed_flies_the_same_flight(env):
    actions = [0, 2, 1, 0, 0, 2]
    env.reset(seed=11)
    first, _ = fly(env, actions)
    env.reset(seed=11)
    assert_equal_flights(fly(env, actions)[0], first)


# --- Ends


@pytest.mark.parametrize(
    ("failure", "vehicle"),
    [
        ("out_of_power", Vehicle(battery_initial_charge=0.1, battery_capacity=0.1)),
        ("envelope_burst", Vehicle(envelope_max_superpressure=10.0)),
        ("zeropressure", Vehicle(mols_lift_gas=4900.0)),
    ],
)
def test_a_failure_ends_the_flight(failure, vehicle):
    fragile = BalloonEnv(vehicle=vehicle, observation=perciatelli_observation(Vehicle()))
    _, info = fragile.reset(seed=0, options={"start_time": 1_388_534_400, "longitude": 0.0})  # Midnight.
    terminated = False
    while not terminated:
        observation, _, terminated, truncated, info = fragile.step(2)
        assert fragile.observation_space.contains(observation)
        assert info["time_elapsed"] < 3 * 3600
    assert not truncated
    failures = {name: info[name] for name in ("out_of_power", "envelope_burst", "zeropressure")}
    assert failures == dict.fromkeys(failures, False) | {failure: True}
    with pytest.raises(RuntimeError, match="the episode has ended"):
        fragile.step(1)
    state = fragile.get_snapshot()
    healthy = BalloonEnv()
    healthy.set_snapshot(state)
    with pytest.raises(RuntimeError, match="the episode has ended"):
        healthy.step(1)


def test_a_time_limit_of_its_own_truncates():
    short = BalloonEnv(max_episode_steps=2)
    short.reset(seed=0)
    results, _ = fly(short, [1, 1])
    assert [(terminated, truncated) for _, _, terminated, truncated in results] == [(False, False), (False, True)]
    with pytest.raises(RuntimeError, match="the episode has ended"):
        short.step(1)
    short.reset(seed=0)
    assert not short.step(1)[3]


def test_an_environment_without_a_time_limit_flies_on_past_two_days(env32):
    env32.reset(seed=0)
    state = env32.get_snapshot()
    late = state._replace(state=dataclasses.replace(state.state, elapsed=np.int32(3 * 86400)))
    observation, _ = env32.set_snapshot(late)
    assert env32.observation_space.contains(observation)
    assert env32.step(1)[2:4] == (False, False)


# --- States


def test_a_restored_state_flies_the_same_flight_with_its_memory_of_the_wind(env):
    env.reset(seed=12)
    fly(env, [0, 1, 2] * 3)
    state = env.get_snapshot()
    main, _ = fly(env, [2, 2, 0, 1, 0])

    env.reset(seed=13)
    fly(env, [2])
    _, info = env.set_snapshot(state)
    assert info["time_elapsed"] == 9 * STEP_SECONDS
    branch, _ = fly(env, [0, 0, 0])  # A branch leaves the saved state alone.
    assert not np.array_equal(branch[-1][0], main[2][0])
    other = BalloonEnv(precision=env.precision, seed=1)
    for replaying in (env, other):
        replaying.set_snapshot(state)
        assert_equal_flights(fly(replaying, [2, 2, 0, 1, 0])[0], main)


def test_a_restored_observation_is_that_of_the_step_that_led_there(env):
    env.reset(seed=14)
    ((observation, *_), *_), info = fly(env, [0])
    restored, restored_info = env.set_snapshot(env.get_snapshot())
    # Compiled apart, so equal to rounding.
    np.testing.assert_allclose(restored, observation, rtol=0, atol=1e-4)
    assert restored_info["time_elapsed"] == info["time_elapsed"] and restored_info["x"] == info["x"]


def test_a_state_goes_through_numpy(env):
    """Saving is a matter of the leaves: plain arrays."""
    env.reset(seed=15)
    fly(env, [0, 0])
    state = env.get_snapshot()
    leaves, structure = jax.tree.flatten(jax.device_get(state))
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in leaves)
    expected, _ = fly(env, [1, 2])
    env.set_snapshot(jax.tree.unflatten(structure, leaves))
    assert_equal_flights(fly(env, [1, 2])[0], expected)


def test_a_state_of_the_other_precision_is_refused(env32):
    env32.reset(seed=0)
    with pytest.raises(ValueError, match="the snapshot is in float32, this environment in float64"):
        BalloonEnv(precision="float64").set_snapshot(env32.get_snapshot())


# --- Options


def test_reset_options_change_the_episode(env):
    options = {
        "x": -1000.0,
        "y": 2000.0,
        "pressure": 9000.0,
        "start_time": 1_300_000_000,
        "latitude": 5.0,
        "longitude": -100.0,
        "upwelling_infrared": 260.0,
    }
    _, info = env.reset(seed=1, options=options)
    assert (info["x"], info["y"], info["pressure"]) == (-1000.0, 2000.0, 9000.0)
    assert info["date_time"] == 1_300_000_000
    assert info["latitude"] == pytest.approx(5.0 + 2000 / 111_195, abs=1e-4)
    scenario = env.get_snapshot().scenario
    assert (float(scenario.longitude), float(scenario.upwelling_infrared)) == (-100.0, 260.0)
    changed = fly(env, [0, 1])[0]
    assert env.observation_space.contains(changed[-1][0])
    env.reset(seed=1)
    assert not np.array_equal(fly(env, [0, 1])[0][-1][0], changed[-1][0])


@pytest.mark.parametrize("corner", ["lowest", "highest"])
def test_reset_options_at_their_limits(env32, corner):
    limits = {name: {"lowest": low, "highest": high}[corner] for name, (_, low, high) in RESET_OPTIONS.items()}
    observation, _ = env32.reset(seed=0, options=limits)
    assert env32.observation_space.contains(observation)
    assert env32.observation_space.contains(env32.step(2)[0])


def test_an_unknown_reset_option_is_named_with_its_nearest(env32):
    with pytest.raises(ValueError, match=r"Unknown reset option 'presure'. Did you mean 'pressure'\?"):
        env32.reset(options={"presure": 9000.0})


@pytest.mark.parametrize(
    ("name", "value"),
    [("pressure", 4999.0), ("latitude", 60.0), ("x", float("nan")), ("start_time", -1), ("y", "far"), ("y", None)],
)
def test_a_reset_option_out_of_range_is_refused(env32, name, value):
    with pytest.raises(ValueError, match=f"{name}.*must be a number in"):
        env32.reset(options={name: value})


def test_a_refused_reset_leaves_the_flight_alone(env32):
    env32.reset(seed=2)
    expected, _ = fly(env32, [1])
    env32.reset(seed=2)
    with pytest.raises(ValueError, match="must be a number in"):
        env32.reset(options={"x": 1e9})
    assert_equal_flights(fly(env32, [1])[0], expected)


# --- Bad input


@pytest.mark.parametrize(
    "action",
    [
        3,
        -1,
        1.0,
        np.float32(1.0),
        True,
        "up",
        None,
        [1],
        np.array([1]),
        jnp.array([0, 1]),
        jnp.float32(1),
        jnp.bool_(1),
    ],
)
def test_other_actions_are_refused(env32, action: Any):
    env32.reset(seed=0)
    with pytest.raises(ValueError, match=r"action must be 0 \(down\), 1 \(stay\) or 2 \(up\), got"):
        env32.step(action)


@pytest.mark.parametrize("action", [np.int64(2), np.int32(2), np.array(2), np.uint8(2), jnp.int32(2), jnp.argmax])
def test_integer_scalars_of_all_libraries_are_actions(env32, action):
    action = action(jnp.array([0.1, 0.2, 0.9])) if action is jnp.argmax else action
    env32.reset(seed=0)
    expected, _ = fly(env32, [2])
    env32.reset(seed=0)
    assert_equal_flights(fly(env32, [action])[0], expected)


def test_nothing_works_before_the_first_reset():
    fresh = BalloonEnv()
    for call in (lambda: fresh.step(1), fresh.get_snapshot):
        with pytest.raises(RuntimeError, match="before the first reset"):
            call()


@pytest.mark.parametrize(
    "seed", [-1, 2**64, 1.5, True, "1", np.int64(-5), np.array([1]), jnp.float32(1.0), jnp.bool_(1)]
)
def test_other_seeds_are_refused_everywhere(env32, seed: Any):
    with pytest.raises(ValueError, match="whole number from 0 to 18446744073709551615"):
        env32.reset(seed=seed)
    with pytest.raises(ValueError, match="whole number from 0 to 18446744073709551615"):
        BalloonEnv(seed=seed)


@pytest.mark.parametrize("seed", [0, 2**31, 2**32 - 1, 2**32, 2**64 - 1, np.uint64(2**63), jnp.uint32(7), np.array(7)])
def test_all_seeds_of_64_bits_are_taken(env32, seed):
    observation, _ = env32.reset(seed=seed)
    assert env32.observation_space.contains(observation)


def test_a_seed_of_64_bits_has_the_key_that_jax_makes_of_it():
    seeds = [0, 7, 2**32 - 1, 2**32 + 7, 2**64 - 1]
    with jax.enable_x64(True):
        expected = [jax.random.key_data(jax.random.key(np.uint64(seed), impl="threefry2x32")) for seed in seeds]
    np.testing.assert_array_equal(start_streams(seeds), expected)


def test_an_unknown_wind_field_is_named_with_its_nearest():
    with pytest.raises(ValueError, match=r"Unknown wind field 'generatve'. Did you mean 'generative'\?"):
        BalloonEnv(wind_field="generatve")


def truncate(file):
    file.write_bytes(resources.files("ble_sim").joinpath("data", file.name).read_bytes()[:-1000])


def alter(file):
    np.savez(file, **decoder.load_decoder() | {"b3": np.zeros(4410, np.float32)})


@pytest.mark.parametrize(("damage", "message"), [(truncate, "cannot be read"), (alter, "Expected SHA-256 9f31897b")])
def test_a_damaged_decoder_is_refused_with_the_remedy(tmp_path, monkeypatch, damage, message):
    (tmp_path / "data").mkdir()
    damage(tmp_path / "data" / "offlineskies22_decoder.npz")
    monkeypatch.setattr(decoder, "resources", SimpleNamespace(files=lambda package: tmp_path))
    monkeypatch.setattr(generative, "load_decoder", decoder.load_decoder.__wrapped__)  # Without its cache.
    with pytest.raises(ModelFileError, match=f"{message}.*Reinstall ble-sim"):
        BalloonEnv()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"precision": "float16"}, 'precision must be "float32" or "float64"'),
        ({"station_keeping_radius_km": 0.0}, "station_keeping_radius_km must be positive"),
        ({"station_keeping_radius_km": float("nan")}, "station_keeping_radius_km must be positive"),
        ({"max_episode_steps": 0}, "max_episode_steps must be at least 1"),
    ],
)
def test_other_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        BalloonEnv(**arguments)
