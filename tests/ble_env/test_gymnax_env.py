"""The environment for JAX trainers: its flights, its resets, its pool of episodes, and what trainers ask of it."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from vectorized import outside_of_space, take

from ble_env import BalloonEnv, Diagnostics
from ble_env.gymnax_env.env import BalloonGymnaxEnv, EnvParams, EnvState
from ble_env.host.seeding import first_episode_keys
from ble_env.observation.perciatelli import PerciatelliObservation
from ble_sim.constants import STEP_SECONDS
from ble_sim.state import BalloonStatus
from ble_sim.wind.field import forecast_and_error
from ble_sim.wind.fields.layers import SimpleStaticWindField

NUM_ENVS = 4
SEEDS = range(8)
GYMNAX_KEYS = {"discount", "terminated", "truncated", "final_observation"}
"""What the info has beside that of the single environment."""
TIME_LIMIT = 5
NUM_STEPS = 40


@pytest.fixture(scope="module")
def env() -> BalloonGymnaxEnv:
    return BalloonGymnaxEnv()


@pytest.fixture(scope="module")
def params(env) -> EnvParams:
    """Episodes that end early, so that many of them end."""
    return env.make_params_from_keys(first_episode_keys(SEEDS), max_steps_in_episode=TIME_LIMIT)


@pytest.fixture(scope="module")
def reset(env):
    return jax.jit(jax.vmap(env.reset, in_axes=(0, None)))


@pytest.fixture(scope="module")
def step(env):
    return jax.jit(jax.vmap(env.step, in_axes=(0, 0, 0, None)))


@pytest.fixture(scope="module")
def refresh(env):
    """Three episodes, within compiled code."""
    return jax.jit(functools.partial(env.refresh, num_episodes=3))


@pytest.fixture(scope="module")
def begin(env):
    return jax.jit(jax.vmap(env.begin, in_axes=(0, None)))


class Steps(NamedTuple):
    """Steps of a batch; arrays [step, environment]."""

    observation: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    info: dict[str, jax.Array]
    episode: jax.Array
    """That was flown."""
    next_episode: jax.Array
    """That the state is in afterwards."""
    time: jax.Array
    """Of the state afterwards."""


class Rollout:
    """Random flights of `NUM_ENVS` environments over `NUM_STEPS` steps, as a trainer would compile them."""

    def __init__(self, env: BalloonGymnaxEnv) -> None:
        self.num_traces = 0
        self._env = env
        self._roll = jax.jit(self._trace)

    def __call__(self, seed: int, params: EnvParams) -> tuple[EnvState, Steps]:
        return self._roll(jax.random.key(seed), params)

    def _trace(self, key, params):
        self.num_traces += 1
        reset_key, steps_key = jax.random.split(key)
        step = jax.vmap(self._env.step, in_axes=(0, 0, 0, None))

        def step_all(state, key):
            step_key, action_key = jax.random.split(key)
            actions = jax.random.randint(action_key, (NUM_ENVS,), 0, self._env.num_actions)
            observation, after, *rest = step(jax.random.split(step_key, NUM_ENVS), state, actions, params)
            return after, Steps(observation, *rest, state.episode, after.episode, after.time)

        _, state = jax.vmap(self._env.reset, in_axes=(0, None))(jax.random.split(reset_key, NUM_ENVS), params)
        return jax.lax.scan(step_all, state, jax.random.split(steps_key, NUM_STEPS))


@pytest.fixture(scope="module")
def rollout(env) -> Rollout:
    return Rollout(env)


def keys(seed: int) -> jax.Array:
    return jax.random.split(jax.random.key(seed), NUM_ENVS)


def constantly(action: int) -> np.ndarray:
    return np.full(NUM_ENVS, action)


def with_balloon(state: EnvState, **changes) -> EnvState:
    balloon = dataclasses.replace(state.sim_state.balloon, **changes)
    return dataclasses.replace(state, sim_state=dataclasses.replace(state.sim_state, balloon=balloon))


def assert_trees_equal(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


# --- Flights


@pytest.mark.long
def test_flights_are_those_of_the_single_environment(env, step, begin, precision):
    """At the start to the last digit; compiled for a batch, a step is rounded differently."""
    single = BalloonEnv(precision=precision)
    params = env.make_params_from_keys(first_episode_keys(SEEDS))
    observations, state = begin(np.arange(NUM_ENVS), params)
    actions = np.random.default_rng(0).integers(0, 3, (12, NUM_ENVS))
    flown = []
    for action in actions:
        observation, state, *rest = step(keys(0), state, action, params)
        flown.append((observation, *rest))

    tolerance = {"float64": 1e-6, "float32": 2e-3}[precision]
    for i in range(NUM_ENVS):
        np.testing.assert_array_equal(observations[i], single.reset(seed=SEEDS[i])[0])
        for action, (observation, reward, terminated, truncated, info) in zip(actions[:, i], flown, strict=True):
            expected_observation, expected_reward, *_, expected_info = single.step(action)
            np.testing.assert_allclose(observation[i], expected_observation, rtol=0, atol=tolerance)
            assert reward[i] == pytest.approx(expected_reward, abs=tolerance)
            assert not terminated[i] and not truncated[i]
            for name in ("x", "y", "pressure", "battery"):
                assert info[name][i] == pytest.approx(expected_info[name], rel=tolerance)
            assert info["inside_radius"][i] == expected_info["inside_radius"]
            assert info.keys() - expected_info.keys() == GYMNAX_KEYS
            assert not expected_info.keys() - info.keys()


def test_a_long_rollout_stays_within_the_space(params, rollout):
    _, steps = rollout(0, params)
    assert steps.observation.shape == (NUM_STEPS, NUM_ENVS, 1099) and steps.observation.dtype == np.float32
    for observations in (steps.observation, steps.info["final_observation"]):
        assert not np.any(outside_of_space(np.asarray(observations)))
    assert steps.reward.dtype == np.float32 and np.all((steps.reward >= 0) & (steps.reward <= 1))
    assert {field.name for field in dataclasses.fields(Diagnostics)} <= set(steps.info)
    assert all(np.all(np.isfinite(value)) for value in steps.info.values())


def test_a_rollout_is_compiled_once(refresh, params, rollout):
    state, _ = rollout(1, params)
    rollout(2, refresh(jax.random.key(0), state, params))
    assert rollout.num_traces == 1


def test_dtypes_follow_the_precision(env, precision):
    def fly_one_step():
        params = env.make_params(np.zeros(2, np.uint32), 2)
        _, state = env.reset(np.zeros(2, np.uint32), params)
        return env.step(np.zeros(2, np.uint32), state, 1, params)

    observation, state, reward, terminated, truncated, info = jax.eval_shape(fly_one_step)
    assert observation.dtype == np.float32 and reward.dtype == precision == info["discount"].dtype
    assert terminated.dtype == truncated.dtype == bool
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} == {np.dtype(name) for name in (precision, "int32", "bool")}


@pytest.mark.long
def test_another_wind_and_other_features():
    env = BalloonGymnaxEnv(wind_field="simple", observation=PerciatelliObservation(1))
    params = env.make_params_from_keys(first_episode_keys([4]))
    _, state = env.begin(0, params)
    look_up = jax.jit(lambda *point: forecast_and_error(SimpleStaticWindField(), (), *point))
    for action in (0, 2):
        _, state, *_ = env.step(jax.random.key(0), state, action, params)
        balloon, noise = state.sim_state.balloon, take(params.pool.scenarios.noise, 0)
        point = balloon.x, balloon.y, balloon.pressure, state.sim_state.elapsed
        wind = np.add(*look_up(noise, *point))
        np.testing.assert_allclose(state.sim_state.wind, wind, rtol=0, atol=1e-4)


# --- Ends of episodes


def test_the_time_limit_truncates_and_the_next_episode_begins(begin, params, rollout):
    _, steps = rollout(3, params)
    number = np.arange(1, NUM_STEPS + 1)
    ends = number % TIME_LIMIT == 0
    np.testing.assert_array_equal(steps.truncated, np.broadcast_to(ends[:, None], steps.truncated.shape))
    np.testing.assert_array_equal(steps.info["truncated"], steps.truncated)
    assert not np.any(steps.terminated) and np.all(steps.info["discount"] == 1.0)
    np.testing.assert_array_equal(steps.time, np.broadcast_to(number[:, None] % TIME_LIMIT, steps.time.shape))
    np.testing.assert_array_equal(steps.episode[1:], steps.next_episode[:-1])
    np.testing.assert_array_equal(steps.episode[~ends], steps.next_episode[~ends])
    assert len(np.unique(steps.next_episode[ends])) > len(SEEDS) // 2

    first_observations = np.asarray(params.pool.observations)
    last_observations = steps.info["final_observation"]
    np.testing.assert_array_equal(steps.observation[ends], first_observations[steps.next_episode[ends]])
    np.testing.assert_array_equal(steps.observation[~ends], last_observations[~ends])
    assert np.all(np.any(steps.observation[ends] != last_observations[ends], axis=-1))


def test_a_flight_does_not_remember_the_one_before(reset, step, begin, params):
    """Begun within a step or by `begin`, an episode is the same to the last digit."""
    _, state = reset(keys(0), params)
    for _ in range(TIME_LIMIT):
        observation, state, *_ = step(keys(1), state, constantly(0), params)
    begun = begin(state.episode, params)
    assert_trees_equal((observation, state), begun)
    for _ in range(2):
        (_, state, *rest), (_, begun_state, *expected) = (
            step(keys(2), one, constantly(2), params) for one in (state, begun[1])
        )
        assert_trees_equal((state, rest), (begun_state, expected))
        begun = None, begun_state


def test_a_failure_terminates_and_only_that_flight(reset, step, params):
    _, state = reset(keys(0), params)
    failed = np.arange(NUM_ENVS) == 2
    state = with_balloon(state, mols_air=jnp.where(failed, 1e5, state.sim_state.balloon.mols_air))
    observation, state, _, terminated, truncated, info = step(keys(1), state, constantly(1), params)
    np.testing.assert_array_equal(terminated, failed)
    np.testing.assert_array_equal(info["terminated"], failed)
    np.testing.assert_array_equal(info["status"] == BalloonStatus.BURST, failed)
    np.testing.assert_array_equal(info["discount"], np.where(failed, 0.0, 1.0))
    np.testing.assert_array_equal(state.time, np.where(failed, 0, 1))
    assert not np.any(truncated)
    np.testing.assert_array_equal(observation[2], params.pool.observations[state.episode[2]])


def test_a_failure_in_the_last_step_is_an_end_of_both_kinds(reset, step, params):
    _, state = reset(keys(0), params)
    for _ in range(TIME_LIMIT - 1):
        _, state, *_ = step(keys(1), state, constantly(1), params)
    state = with_balloon(state, mols_air=jnp.full_like(state.sim_state.balloon.mols_air, 1e5))
    *_, terminated, truncated, info = step(keys(1), state, constantly(1), params)
    assert np.all(terminated) and np.all(truncated) and np.all(info["elapsed"] < TIME_LIMIT * STEP_SECONDS)


def test_step_env_goes_on_beyond_the_time_limit(env, params):
    _, state = env.begin(1, params)
    for number in range(1, TIME_LIMIT + 2):
        _, state, _, terminated, _ = env.step_env(jax.random.key(0), state, 1, params)
        assert state.time == number and state.episode == 1 and not terminated


# --- The pool


def test_a_key_makes_the_same_pool_of_different_episodes(env):
    new, legacy, other = (env.make_params(key, 8) for key in (jax.random.key(1), jax.random.PRNGKey(1), keys(2)[0]))
    assert_trees_equal(new, legacy)
    assert len(np.unique([new.pool.scenarios.latitude, other.pool.scenarios.latitude])) == 16
    assert new.pool.size == 8 and new.max_steps_in_episode == 960


def test_refreshing_replaces_as_many_as_asked_but_none_that_is_flown(refresh, begin, params):
    _, state = begin(np.array([0, 5, 5, 2]), params)
    replaced = set()
    for seed in range(6):
        refreshed = refresh(jax.random.key(seed), state, params)
        changed = np.flatnonzero(refreshed.pool.scenarios.latitude != params.pool.scenarios.latitude)
        assert len(changed) == 3
        replaced |= set(changed.tolist())

        kept = np.setdiff1d(SEEDS, changed)
        assert_trees_equal(take(refreshed.pool.scenarios, kept), take(params.pool.scenarios, kept))
        np.testing.assert_array_equal(refreshed.pool.observations[kept], params.pool.observations[kept])
        observations, begun = begin(np.append(changed, 0), refreshed)
        assert not np.any(outside_of_space(np.asarray(observations)))
        np.testing.assert_array_equal(begun.sim_state.balloon.x, refreshed.pool.scenarios.start_x[begun.episode])
    assert replaced == {1, 3, 4, 6, 7}


def test_bad_numbers_are_named(env, begin, params):
    with pytest.raises(ValueError, match="num_episodes must be at least 1, got 0"):
        env.make_params(jax.random.key(0), 0)
    with pytest.raises(ValueError, match="max_steps_in_episode must be at least 1, got 0"):
        env.make_params(jax.random.key(0), 1, max_steps_in_episode=0)
    _, state = begin(np.arange(NUM_ENVS), params)
    with pytest.raises(ValueError, match=r"between 1 and 4, .* a pool of 8 .* while 4 environments fly, got 5"):
        env.refresh(jax.random.key(0), state, params, 5)


# --- What trainers ask for


def test_names_and_defaults(env, monkeypatch):
    given = []
    monkeypatch.setattr(env, "make_params", lambda key: given.append(key))
    monkeypatch.setattr(env, "_default_params", {})
    assert env.default_params is env.default_params
    assert len(given) == 1  # The episodes are sampled once.
    np.testing.assert_array_equal(given[0], jax.random.key_data(jax.random.key(0)))
    assert env.name == "BalloonLearningEnvironment-v0" and env.num_actions == 3


def test_spaces(env, params):
    actions, observations = env.action_space(params), env.observation_space(params)
    assert actions.n == env.num_actions and actions.shape == () and observations.shape == (1099,)
    drawn = jax.vmap(actions.sample)(jax.random.split(jax.random.key(0), 50))
    assert set(drawn.tolist()) == {0, 1, 2} and drawn.dtype == actions.dtype == jnp.int32
    assert actions.contains(2) and not actions.contains(3) and not actions.contains(-1)
    sample = jax.jit(observations.sample)(jax.random.key(1))
    assert sample.shape == (1099,) and sample.dtype == observations.dtype == np.float32
    assert observations.contains(sample) and not observations.contains(sample.at[7].set(1.5))
    assert np.all(jax.vmap(observations.contains)(params.pool.observations))


def test_wrappers_and_spaces_of_gymnax(env, params):
    spaces = pytest.importorskip("gymnax.environments.spaces")
    wrappers = pytest.importorskip("gymnax.wrappers")
    assert isinstance(env.action_space(params), spaces.Discrete)
    assert isinstance(env.observation_space(params), spaces.Box)
    wrapped = wrappers.LogWrapper(wrappers.FlattenObservationWrapper(env))
    _, state = wrapped.reset(jax.random.key(0), params)
    rewards = []
    for i in range(TIME_LIMIT):
        _, state, reward, _, truncated, info = wrapped.step(jax.random.key(i), state, 1, params)
        rewards.append(float(reward))
    assert truncated and info["returned_episode"]
    assert info["returned_episode_lengths"] == TIME_LIMIT
    assert info["returned_episode_returns"] == pytest.approx(sum(rewards), rel=1e-5)
