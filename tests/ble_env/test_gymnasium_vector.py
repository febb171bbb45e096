"""Many environments at once: as each of them alone, whatever their number, and as Gymnasium batches environments."""

import functools
import logging
import re
from collections.abc import Callable
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.error import ClosedEnvironmentError
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import ble_env
from ble_env import BalloonEnv, BalloonVectorEnv, core
from ble_env.host.tile import Tile
from ble_env.observation.perciatelli import perciatelli_observation
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import STEP_SECONDS
from ble_sim.precision import precision_scope

ID = "ble_env:BalloonLearningEnvironment-v0"
NUM_ENVS = 6
TILE_SIZE = 4
"""Two tiles, the second with padding; the same in all tests, so that each precision is compiled once."""

TASK: dict[str, Any] = {"wind_field": "simple", "observation": perciatelli_observation(Vehicle())}
WEAK = Vehicle(battery_initial_charge=150.0)
"""Some of its flights end early, out of power."""


def make(num_envs: int = NUM_ENVS, precision: str = "float64", **options: Any) -> BalloonVectorEnv:
    return BalloonVectorEnv(num_envs, **{**TASK, "precision": precision, "tile_size": TILE_SIZE, **options})


@pytest.fixture(scope="module")
def envs() -> BalloonVectorEnv:
    """Environments that tests share; each resets them first."""
    return make(seed=0)


def actions(seed: int, num_steps: int, num_envs: int = NUM_ENVS) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, (num_steps, num_envs))


def fly(envs: BalloonVectorEnv, all_actions: np.ndarray) -> list[np.ndarray]:
    """The observations of some steps."""
    return [envs.step(row)[0] for row in all_actions]


# --- As each environment alone, in Gymnasium's form

TIGHT = {"observation": 1e-7, "reward": 1e-12, "info": 1e-7}
"""By which float64 may differ over episodes of 100 steps. Infos are in m and Pa."""
LOOSE = {"observation": 2e-3, "reward": 1e-5, "info": 1.0}
"""By which float32 may differ over a few steps."""


def assert_same_infos(found: dict[str, Any], expected: dict[str, Any], atol: float) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        if isinstance(value, dict):
            assert_same_infos(found[key], value, atol)
        elif value.dtype != object:
            assert found[key].dtype == value.dtype and found[key].shape == value.shape, key
            np.testing.assert_allclose(found[key], value, rtol=1e-9, atol=atol, err_msg=key)
        else:
            reported = expected[f"_{key}"]
            for one, other in zip(found[key][reported], value[reported], strict=True):
                if key == "final_obs":
                    np.testing.assert_allclose(one, other, rtol=0, atol=TIGHT["observation"])
                else:
                    assert one.item() == other, key
            if key == "final_obs":
                assert all(one is None for one in found[key][~reported])


def assert_same_step(found: Any, expected: Any, atol: dict[str, float]) -> None:
    observation, *rewards_and_ends, infos = found
    other, *other_rewards_and_ends, other_infos = expected
    np.testing.assert_allclose(observation, other, rtol=0, atol=atol["observation"])
    for array, other_array in zip(rewards_and_ends, other_rewards_and_ends, strict=True):
        assert array.dtype == other_array.dtype
        np.testing.assert_allclose(array, other_array, rtol=0, atol=atol["reward"])
    assert_same_infos(infos, other_infos, atol["info"])


def one_by_one(autoreset_mode: AutoresetMode, seed: int, **options: Any) -> SyncVectorEnv:
    """Gymnasium's batch of `BalloonEnv`s."""

    def make_one(index: int) -> Callable[[], BalloonEnv]:
        return lambda: BalloonEnv(**TASK, seed=seed + index, **options)

    return SyncVectorEnv([make_one(index) for index in range(NUM_ENVS)], autoreset_mode=autoreset_mode)


@pytest.mark.long
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_batch_reports_what_gymnasium_batches_one_by_one(mode):
    options: dict[str, Any] = {"precision": "float64", "vehicle": WEAK, "max_episode_steps": 100}
    batch, singles = make(seed=20, autoreset_mode=mode, **options), one_by_one(mode, 20, **options)
    assert batch.metadata["autoreset_mode"] == singles.metadata["autoreset_mode"]
    assert (batch.observation_space, batch.action_space) == (singles.observation_space, singles.action_space)
    assert_same_step(batch.reset(), singles.reset(), TIGHT)
    num_terminated = num_truncated = 0
    for row in actions(0, 130):
        found = batch.step(row)
        assert_same_step(found, singles.step(row), TIGHT)
        num_terminated, num_truncated = num_terminated + found[2].sum(), num_truncated + found[3].sum()
    assert num_terminated > 0 and num_truncated > 0


def test_without_autoreset_a_mask_says_which_episodes_begin():
    options: dict[str, Any] = {"precision": "float64", "max_episode_steps": 2}
    batch = make(seed=1, autoreset_mode=AutoresetMode.DISABLED, **options)
    singles = one_by_one(AutoresetMode.DISABLED, 1, **options)
    assert_same_step(batch.reset(seed=7), singles.reset(seed=7), TIGHT)
    early, late = np.arange(NUM_ENVS) < 3, np.arange(NUM_ENVS) >= 3
    for mask, seed in ((None, None), (early, None), (late, [None, 1, None, None, 8, None]), (early, 5)):
        row = actions(1, 1)[0]
        if mask is not None:
            resets = ((envs.reset(seed=seed, options={"reset_mask": mask, "x": 1e4})) for envs in (batch, singles))
            assert_same_step(*resets, TIGHT)
        found = batch.step(row)
        assert_same_step(found, singles.step(row), TIGHT)
    assert found[3].tolist() == late.tolist()
    with pytest.raises(RuntimeError, match=r"episodes of environments \[3, 4, 5\] have ended: call reset"):
        batch.step(row)


@pytest.mark.long
def test_float32_agrees_with_float64_over_a_few_steps():
    batch, singles = make(precision="float32", seed=3), one_by_one(AutoresetMode.NEXT_STEP, 3, precision="float64")
    found, expected = batch.reset(), singles.reset()
    for row in actions(2, 5):
        assert_same_step(found, expected, LOOSE)
        found, expected = batch.step(row), singles.step(row)


def test_gymnasiums_wrappers_take_it():
    recorded = gymnasium.wrappers.vector.RecordEpisodeStatistics(make(seed=0, max_episode_steps=3))
    recorded.reset(seed=0)
    rewards = 0.0
    for row in actions(3, 3):
        _, reward, _, truncated, infos = recorded.step(row)
        rewards += reward
    assert truncated.all()
    np.testing.assert_array_equal(infos["episode"]["l"], 3)
    np.testing.assert_allclose(infos["episode"]["r"], rewards, rtol=1e-6)


# --- Whatever their number


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_flight_is_the_same_bit_for_bit_in_any_company(precision):
    many, few = make(9, precision), make(2, precision)
    order = [8, 3]
    seeds = np.arange(100, 109)
    all_actions = actions(4, 6, 9)
    observations, infos = many.reset(seed=seeds)
    few_observations, few_infos = few.reset(seed=seeds[order])
    for row in all_actions:
        np.testing.assert_array_equal(few_observations, observations[order])
        for key, value in infos.items():
            np.testing.assert_array_equal(few_infos[key], value[order], err_msg=key)
        observations, rewards, _, _, infos = many.step(row)
        few_observations, few_rewards, _, _, few_infos = few.step(row[order])
        np.testing.assert_array_equal(few_rewards, rewards[order])


@pytest.mark.parametrize(("num_envs", "tiles"), [(1, [1]), (5, [8]), (8, [8]), (33, [32, 32]), (96, [32, 32, 32])])
def test_tiles_are_the_smallest_that_hold_a_batch_and_at_most_32(num_envs, tiles, monkeypatch):
    sizes = []
    monkeypatch.setattr(Tile, "__init__", _recording(Tile.__init__, lambda *args: sizes.append(args[4])))
    BalloonVectorEnv(num_envs, **TASK)
    assert sizes == tiles


def _recording(function: Callable[..., Any], record: Callable[..., Any]) -> Callable[..., Any]:
    def recording(*args: Any) -> Any:
        record(*args)
        return function(*args)

    return recording


def test_no_work_for_episodes_that_go_on(monkeypatch):
    envs = make(seed=0, max_episode_steps=4)
    envs.reset()
    fly(envs, actions(5, 2))
    envs.reset(options={"reset_mask": np.isin(np.arange(NUM_ENVS), (0, 2, 3))})
    resets, steps = [], []
    monkeypatch.setattr(Tile, "reset", _recording(Tile.reset, lambda tile, lanes, *_: resets.append(list(lanes))))
    monkeypatch.setattr(Tile, "step", _recording(Tile.step, lambda tile, _: steps.append(tile)))
    work = []
    for row in actions(6, 6):
        *_, infos = envs.step(row)
        work.append((sorted(resets), len(steps)))
        resets.clear()
        steps.clear()
    # Both episodes of the second tile begin in the third step, so it is not flown then.
    assert work == [([], 2), ([], 2), ([[0, 1], [1]], 1), ([], 2), ([[0, 2, 3]], 2), ([], 2)]
    steps_flown = infos["time_elapsed"] / STEP_SECONDS
    np.testing.assert_array_equal(steps_flown, [1, 3, 1, 1, 3, 3])


def test_nothing_is_compiled_after_the_first_step(envs, caplog):
    envs.reset(seed=0)
    fly(envs, actions(7, 1))
    envs.set_snapshot(envs.get_snapshot())
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        jax.jit(lambda x: x + 1)(1.0)
        assert any("ompil" in record.getMessage() for record in caplog.records)
        caplog.clear()
        for options in ({}, {"x": 5, "start_time": 1_300_000_000}, {"reset_mask": np.arange(NUM_ENVS) > 3, "y": 0.5}):
            envs.reset(options=options, seed=[None, 1, 2, None, 3, None])
            fly(envs, actions(8, 2))
        envs.set_snapshot(envs.get_snapshot(5), 2)
        others = make(3, seed=8)
        others.reset()
        fly(others, actions(8, 2, 3))
        assert not [record for record in caplog.records if "ompil" in record.getMessage()]


# --- Seeds and resets


def test_an_integer_seeds_consecutive_streams(envs):
    first, _ = envs.reset(seed=30)
    second, _ = envs.reset()
    seeds_of_six = range(30, 36), tuple(range(30, 36)), np.arange(30, 36), jnp.arange(30, 36)
    for seeds in (30, np.int64(30), np.array(30), jnp.uint32(30), *seeds_of_six):
        np.testing.assert_array_equal(envs.reset(seed=seeds)[0], first)
        np.testing.assert_array_equal(envs.reset()[0], second)
    assert len(np.unique(np.concatenate([first, second]), axis=0)) == 2 * NUM_ENVS
    np.testing.assert_array_equal(make(seed=30).reset()[0], second)  # Its first is that of `reset(seed=30)`.


def test_none_among_seeds_goes_on_with_its_stream(envs):
    envs.reset(seed=40)
    expected = envs.reset()[0]
    fresh = envs.reset(seed=50)[0]
    envs.reset(seed=40)
    observations, _ = envs.reset(seed=[None, 51, None, None, 54, None])
    is_seeded = np.isin(np.arange(NUM_ENVS), (1, 4))
    np.testing.assert_array_equal(observations, np.where(is_seeded[:, None], fresh, expected))


def test_streams_differ_without_a_seed():
    observations = np.concatenate([make().reset()[0], make().reset()[0]])
    assert len(np.unique(observations, axis=0)) == 2 * NUM_ENVS


def test_a_masked_reset_leaves_the_others_alone(envs):
    mask = np.array([False, True, False, False, True, True])
    row, *rest = actions(9, 4)
    envs.reset(seed=60)
    envs.step(row)
    expected = fly(envs, np.array(rest))
    envs.reset(seed=60)
    before = envs.step(row)[0]
    observations, infos = envs.reset(options={"reset_mask": mask, "pressure": 9000.0})
    np.testing.assert_array_equal(observations[~mask], before[~mask])
    np.testing.assert_array_equal(infos["_pressure"], mask)
    np.testing.assert_array_equal(infos["pressure"], np.where(mask, 9000.0, 0.0))
    for found, other in zip(fly(envs, np.array(rest)), expected, strict=True):
        np.testing.assert_array_equal(found[~mask], other[~mask])
        assert not (found[mask] == other[mask]).all(axis=1).any()


def test_observations_are_new_arrays(envs):
    observations, infos = envs.reset(seed=70)
    kept = observations.copy(), infos["x"].copy()
    following = envs.step(np.zeros(NUM_ENVS, int))
    following[0][:] = -1.0
    following[4]["x"][:] = -1.0
    np.testing.assert_array_equal(observations, kept[0])
    np.testing.assert_array_equal(infos["x"], kept[1])
    assert (envs.step(np.zeros(NUM_ENVS, int))[4]["x"] != -1.0).all()


# --- States


def test_states_are_restored_and_branched(envs):
    all_actions = actions(10, 6)
    envs.reset(seed=80)
    here = fly(envs, all_actions[:3])[-1]
    state = envs.get_snapshot()
    expected = fly(envs, all_actions[3:])
    others = make(seed=0)
    for branch in (envs, others):
        observations, infos = branch.set_snapshot(state)
        np.testing.assert_allclose(observations, here, rtol=0, atol=1e-7)  # Compiled apart, so equal to rounding.
        assert (infos["time_elapsed"] == 3 * STEP_SECONDS).all()
        np.testing.assert_array_equal(fly(branch, all_actions[3:]), expected)


def test_a_restored_flight_ends_when_it_would_have(envs):
    options: dict[str, Any] = {"vehicle": Vehicle(battery_initial_charge=0.1), "max_episode_steps": 3}
    ending, restored = (make(seed=85, autoreset_mode="Disabled", **options) for _ in range(2))
    ending.reset()
    *_, terminated, truncated, _ = ending.step(np.zeros(NUM_ENVS, int))
    assert terminated.any() and not terminated.all() and not truncated.any()
    restored.set_snapshot(ending.get_snapshot())
    with pytest.raises(RuntimeError, match=re.escape(f"environments {np.flatnonzero(terminated).tolist()} have ended")):
        restored.step(np.zeros(NUM_ENVS, int))
    envs.reset(seed=85)
    fly(envs, actions(12, 2))
    restored.set_snapshot(envs.get_snapshot())
    *_, truncated, infos = restored.step(np.ones(NUM_ENVS, int))
    assert truncated.all() and (infos["time_elapsed"] == 3 * STEP_SECONDS).all()


@pytest.mark.parametrize("wind_field", ["simple", "generative"])
def test_environments_go_on_from_a_state_which_has_keys_in_place_of_forecasts(wind_field):
    all_actions = actions(14, 6)
    envs, others = (make(seed=seed, precision="float32", wind_field=wind_field) for seed in (95, 0))
    envs.reset(options={"start_time": 1_300_000_000, "x": 7_000.0})
    envs.reset(options={"reset_mask": np.arange(NUM_ENVS) > 2})
    fly(envs, all_actions[:3])
    state, forecasts = envs.get_state(), envs.get_snapshot().scenario.forecast
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(state)) < 65_000 * NUM_ENVS
    expected = fly(envs, all_actions[3:]), envs.reset()[0]
    others.set_state(state)
    jax.tree.map(np.testing.assert_array_equal, others.get_snapshot().scenario.forecast, forecasts)
    jax.tree.map(np.testing.assert_array_equal, others.get_state(), state)
    np.testing.assert_array_equal((fly(others, all_actions[3:])), expected[0])
    np.testing.assert_array_equal(others.reset()[0], expected[1])


def test_a_flight_from_a_snapshot_has_no_key(envs):
    envs.reset(seed=96)
    envs.set_snapshot(envs.get_snapshot(1), 4)
    with pytest.raises(RuntimeError, match=r"the episode of environment 4 goes on from .* get_snapshot saves any"):
        envs.get_state()
    envs.reset(options={"reset_mask": np.arange(NUM_ENVS) == 4})
    state = envs.get_state()
    with pytest.raises(ValueError, match="expected the state of 5 environments, got that of 6"):
        make(5).set_state(state)
    with pytest.raises(ValueError, match="the snapshot is in float64, this environment in float32"):
        make(precision="float32").set_state(state)


def test_one_flight_moves_between_environments(envs):
    all_actions = actions(11, 4)
    envs.reset(seed=90)
    fly(envs, all_actions[:2])
    state = envs.get_snapshot(5)
    expected = fly(envs, all_actions[2:])
    with precision_scope("float64"):
        as_balloon_env_does = jax.jit(functools.partial(core.step, envs.task))
        _, transition = as_balloon_env_does(*state, np.int32(all_actions[2, 5]))
    np.testing.assert_allclose(transition.observation, expected[0][5], rtol=0, atol=1e-7)
    envs.reset(seed=91)
    _, infos = envs.set_snapshot(state, 0)
    assert infos["_x"].tolist() == [True] + [False] * 5
    for row, observations in zip(all_actions[2:], expected, strict=True):
        np.testing.assert_array_equal(envs.step(row[[5, 1, 2, 3, 4, 0]])[0][0], observations[5])


def test_other_snapshots_are_refused(envs):
    envs.reset(seed=0)
    state = envs.get_snapshot()
    with pytest.raises(ValueError, match="the snapshot is in float64, this environment in float32"):
        make(precision="float32").set_snapshot(state)
    with pytest.raises(ValueError, match=r"snapshots of 5 environments, got a leading shape of \(6,\)"):
        make(5).set_snapshot(state)
    for index in (-1, 6):
        with pytest.raises(IndexError, match=f"below 6, got {index}"):
            envs.get_snapshot(index)
        with pytest.raises(IndexError, match=f"below 6, got {index}"):
            envs.set_snapshot(envs.get_snapshot(0), index)


# --- Making them


def test_make_vec_makes_it():
    made = gymnasium.make_vec(ID, num_envs=3, wind_field="simple", autoreset_mode="SameStep")
    assert isinstance(made, BalloonVectorEnv)
    assert (made.num_envs, made.max_episode_steps) == (3, ble_env.EPISODE_STEPS)
    assert made.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert gymnasium.make_vec(ID, num_envs=2, wind_field="simple", max_episode_steps=7).max_episode_steps == 7
    assert isinstance(gymnasium.make_vec(ID, 2, "sync", wind_field="simple"), SyncVectorEnv)
    assert ble_env.BalloonVectorEnv is BalloonVectorEnv


@pytest.mark.parametrize("device", ["cpu", jax.devices("cpu")[0], None])
def test_a_device_is_chosen(device, monkeypatch):
    chosen = device and jax.devices("cpu")[0]
    tiles, tile = [], Tile.__init__
    monkeypatch.setattr(Tile, "__init__", _recording(tile, lambda *args: tiles.append(args)))
    make(device=device)
    assert [args[5] for args in tiles] == [chosen, chosen]
    tile = tiles[0][0]
    assert all(leaf.committed == (chosen is not None) for leaf in jax.tree.leaves(tile.lanes))
    for scope in (tile.scope, BalloonEnv(**TASK, device=device)._scope):
        with scope():
            assert jax.config.jax_default_device == chosen


@pytest.mark.parametrize("constructor", [BalloonEnv, BalloonVectorEnv])
def test_another_device_is_refused(constructor):
    with pytest.raises(ValueError, match=r"Unknown device 'cqu'. Did you mean 'cpu'\? Known: cpu"):
        constructor(**TASK, device="cqu")
    with pytest.raises(ValueError, match=r"device must be a jax.Device, .*, got 0"):
        constructor(**TASK, device=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_envs": 0}, "num_envs must be at least 1, got 0"),
        ({"tile_size": 0}, "tile_size must be at least 1, got 0"),
        ({"max_episode_steps": 0}, "max_episode_steps must be at least 1"),
        ({"precision": "float16"}, 'precision must be "float32" or "float64"'),
        ({"autoreset_mode": "NextSteps"}, "Unknown autoreset mode 'NextSteps'. Did you mean 'NextStep'"),
        ({"seed": 2**64 - 2}, "whole number from 0 to 18446744073709551615, not 18446744073709551616"),
        ({"seed": -1}, "whole number from 0 to 18446744073709551615, not -1"),
        ({"wind_field": "simpel"}, "Unknown wind field 'simpel'. Did you mean 'simple'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        BalloonVectorEnv(**{"num_envs": 3, **TASK, **arguments})


# --- Using them


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([1, 1], r"actions must be int\[6\], got int64\[2\]"),
        (1, r"actions must be int\[6\], got int64\[\]"),
        (np.ones((6, 1), int), r"actions must be int\[6\], got int64\[6, 1\]"),
        (np.ones(6), r"actions must be int\[6\], got float64\[6\]"),
        (np.ones(6, bool), r"actions must be int\[6\], got bool\[6\]"),
        ([0, 1, [2], 0, 1, 2], r"actions must be int\[6\], got \[0, 1"),
        ([0, 1, 2, 3, 1, -1], "got 3 for environment 3"),
        ([0, 1, 2, 2, 1, -1], "got -1 for environment 5"),
    ],
)
def test_other_actions_are_refused(envs, wrong, message):
    envs.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        envs.step(wrong)


@pytest.mark.parametrize(
    "kind", [np.int8, np.uint8, np.int32, np.uint64, tuple, jnp.array, lambda row: [*jnp.array(row)]]
)
def test_integers_of_every_kind_are_actions(envs, kind):
    row = [0, 1, 2, 0, 1, 2]
    envs.reset(seed=0)
    expected = envs.step(row)[0]
    envs.reset(seed=0)
    np.testing.assert_array_equal(envs.step(kind(row))[0], expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "whole number from 0 to 18446744073709551615, not -1"),
        ({"seed": 2**64 - 3}, "whole number from 0 to 18446744073709551615, not 18446744073709551616"),
        ({"seed": [1, 2]}, "a whole number or a sequence of 6, got 2"),
        ({"seed": [0, 1, 2, 3, 4, 0.5]}, "whole number from 0 to 18446744073709551615, not 0.5"),
        ({"options": {"presure": 1.0}}, "Unknown reset option 'presure'. Did you mean 'pressure'"),
        ({"options": {"x": 1e7}}, "'x' must be a number in"),
        ({"options": {"reset_mask": np.ones(5, bool)}}, r"reset_mask must be bool\[6\] with at least one True"),
        ({"options": {"reset_mask": np.ones(6)}}, r"reset_mask must be bool\[6\] with at least one True"),
        ({"options": {"reset_mask": np.zeros(6, bool)}}, r"reset_mask must be bool\[6\] with at least one True"),
    ],
)
def test_a_refused_reset_leaves_the_environments_alone(envs, arguments, message):
    envs.reset(seed=0)
    expected = envs.step(np.ones(6, int))[0], envs.reset()[0]
    envs.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        envs.reset(**arguments)
    np.testing.assert_array_equal(envs.step(np.ones(6, int))[0], expected[0])
    np.testing.assert_array_equal(envs.reset()[0], expected[1])


def test_the_callers_options_are_left_alone(envs):
    options = {"reset_mask": np.ones(6, bool), "x": 0.0}
    envs.reset(options=options)
    assert options.keys() == {"reset_mask", "x"}


def test_nothing_works_before_the_first_reset():
    fresh = make()
    for call in (lambda: fresh.step(np.ones(6, int)), fresh.get_snapshot):
        with pytest.raises(RuntimeError, match="before the first reset"):
            call()
    with pytest.raises(ValueError, match="the first reset must be of every environment"):
        fresh.reset(options={"reset_mask": np.arange(6) == 0})


def test_nothing_works_once_closed():
    closed = make()
    closed.reset()
    closed.close()
    closed.close()
    for call in (closed.reset, lambda: closed.step(np.ones(6, int))):
        with pytest.raises(ClosedEnvironmentError, match="have been closed"):
            call()
