"""The functional core under jit and vmap: nothing is compiled twice, and a batch flies like each balloon alone."""

import logging
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from vectorized import NUM_LANES, TASK, advance_batch, begin_batch, take

from ble_env.features import FeatureConstructor
from ble_env.functional import compiled
from ble_env.gym_env import BalloonEnv
from ble_sim.precision import precision_scope
from ble_sim.wind.field import WindField


def flight(episodes, precision, num_steps=3):
    """A batch of scenarios, the state after some random steps, and actions for the next."""
    random = np.random.RandomState(1)
    scenario = take(episodes(precision), np.arange(NUM_LANES))
    state, _ = begin_batch(scenario)
    for _ in range(num_steps):
        state, _ = advance_batch(scenario, state, random.randint(0, 3, NUM_LANES).astype(np.int32))
    return scenario, state, random.randint(0, 3, NUM_LANES).astype(np.int32)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_step_returns_a_state_of_the_types_that_it_takes(episodes, precision):
    with precision_scope(precision):
        scenario, before, actions = flight(episodes, precision, num_steps=0)
        after, outcome = advance_batch(scenario, before, actions)
    assert jax.tree.structure(after) == jax.tree.structure(before)
    for new, old in zip(*map(jax.tree.leaves, (after, before)), strict=True):
        assert jax.typeof(new) == jax.typeof(old)
        assert not new.weak_type
        assert new.dtype in (precision, np.int32, bool)
    assert outcome.observation.dtype == np.float32
    assert outcome.reward.dtype == outcome.telemetry.dtype == precision


BATCH_ATOL = {
    "float64": {"observation": 0.0, "reward": 1e-12, "telemetry": 1e-10},
    "float32": {"observation": 1e-4, "reward": 1e-6, "telemetry": 0.02},
}
"""By which a balloon in a batch may differ from the same one alone, after a step. Telemetry is Pa and m."""


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_batch_flies_like_each_balloon_alone(episodes, precision):
    with precision_scope(precision):
        scenario, state, actions = flight(episodes, precision)
        after, outcome = advance_batch(scenario, state, actions)
        for lane in range(NUM_LANES):
            alone, alone_outcome = compiled(TASK).advance(take(scenario, lane), take(state, lane), actions[lane])
            for name, atol in BATCH_ATOL[precision].items():
                found, expected = getattr(outcome, name)[lane], getattr(alone_outcome, name)
                np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=name)
            for name, expected in vars(alone.safety).items():
                np.testing.assert_array_equal(getattr(after.safety, name)[lane], expected, err_msg=name)
            assert after.balloon.effective_action[lane] == alone.balloon.effective_action


@pytest.fixture(scope="module", params=["float64", "float32"])
def warm_env(request) -> BalloonEnv:
    env = BalloonEnv(precision=request.param)
    env.reset(seed=0)
    env.step(1)
    env.set_simulator_state(env.get_simulator_state())
    return env


def compilations(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "ompil" in record.getMessage()]


def test_nothing_is_compiled_after_the_first_step(warm_env, caplog):
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        jax.jit(lambda x: x + 1)(1.0)
        assert compilations(caplog)  # This is what a compilation looks like.
        caplog.clear()
        for seed in (1, None):
            warm_env.reset(seed=seed)
            for action in (0, np.int64(1), 2):
                warm_env.step(action)
            state = warm_env.get_simulator_state()
            warm_env.set_simulator_state(state)
            warm_env.set_simulator_state(jax.device_get(state))
            warm_env.step(2)
        assert compilations(caplog) == []


@dataclass(frozen=True)
class Breeze(WindField):
    """The same wind everywhere, of a speed that is a parameter."""

    def parameters(self):
        return {"speed": np.float32(7.0)}

    def sample(self, parameters, key, start_time):
        return parameters["speed"]

    def wind(self, forecast, x, y, pressure, elapsed):
        u = jnp.full(jnp.shape(pressure), forecast, x.dtype)
        return u, -u


@dataclass(frozen=True)
class Place(FeatureConstructor):
    """Where the balloon is [km]."""

    @property
    def observation_space(self) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def observe(self, wind_field, scenario, state):
        return jnp.stack([state.balloon.x, state.balloon.y]).astype(jnp.float32) / 1000.0


@dataclass(frozen=True)
class Elapsed:
    """Rewards endurance, and notes when it is traced."""

    traces: list = field(default_factory=list, compare=False)

    def __call__(self, scenario, state):
        self.traces.append(state.elapsed.dtype)
        return state.elapsed / 3600.0


def test_an_environment_of_other_parts_traces_each_function_once():
    reward = Elapsed()
    env = BalloonEnv(wind_field=Breeze(), feature_constructor=Place(), reward_function=reward)
    assert env.observation_space == Place().observation_space
    for seed in (1, 2):
        start, info = env.reset(seed=seed, options={"x": 0.0})
        for step in (1, 2, 3):
            wind = info["wind"]
            assert wind == pytest.approx([7.0, -7.0], abs=5.0)  # The noise is added to every field.
            observation, value, *_, info = env.step(1)
            assert observation - start == pytest.approx(wind * 0.18, abs=1e-4)
            assert value == pytest.approx(step * 0.05)
            start = observation
    assert len(reward.traces) == 2  # One for `begin` and one for `advance`.
