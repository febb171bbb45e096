"""The functional core under jit and vmap: nothing is compiled twice, and a batch flies like each balloon alone."""

import functools
import logging
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from vectorized import NUM_LANES, TASK, begin_batch, environment, step_batch, take

from ble_env import BalloonEnv, Snapshot, core
from ble_env.host import quick_compilation
from ble_env.observation.perciatelli import ObservationFunction
from ble_sim.wind.field import WindField


def flight(precision):
    """A batch of scenarios, the states after some random steps, and actions for the next."""
    random = np.random.RandomState(1)
    scenario, state, _ = begin_batch(range(NUM_LANES), precision)
    for _ in range(3):
        state, _ = step_batch(scenario, state, random.randint(0, 3, NUM_LANES).astype(np.int32))
    return scenario, state, random.randint(0, 3, NUM_LANES).astype(np.int32)


def test_a_step_returns_a_state_of_the_types_that_it_takes(precision):
    scenario, _, _ = begin_batch([0], precision)
    scenario = take(scenario, 0)
    before, _ = jax.eval_shape(functools.partial(core.start, TASK), scenario)
    after, transition = jax.eval_shape(functools.partial(core.step, TASK), scenario, before, np.int32(0))
    assert jax.tree.structure(after) == jax.tree.structure(before)
    for new, old in zip(*map(jax.tree.leaves, (after, before)), strict=True):
        assert (new.shape, new.dtype) == (old.shape, old.dtype)
        assert not (new.weak_type or old.weak_type)
        assert new.dtype in (precision, np.int32, bool)
    assert transition.observation.dtype == np.float32
    assert transition.reward.dtype == precision and transition.terminated.dtype == bool
    bools, integers = {"inside_radius", "paused_power", "paused_envelope", "paused_altitude"}, {"status", "elapsed"}
    for name, leaf in vars(transition.diagnostics).items():
        kind = bool if name in bools else np.int32 if name in {*integers, "effective_action"} else precision
        assert (leaf.shape, leaf.dtype) == ((), kind), name


BATCH_ATOL = {
    "float64": {"observation": 1e-6, "reward": 1e-12, "state": 1e-9},
    "float32": {"observation": 1e-4, "reward": 1e-6, "state": 0.02},
}
"""By which a balloon in a batch may differ from the same one alone, after a step. The state is in Pa, m, K, W, Wh."""


def test_a_batch_flies_like_each_balloon_alone(precision):
    scenario, state, actions = flight(precision)
    after, transition = jax.device_get(step_batch(scenario, state, actions))
    env, atol = environment(precision), BATCH_ATOL[precision]
    for lane in range(NUM_LANES):
        env.set_snapshot(Snapshot(*take((scenario, state), lane)))
        observation, reward, terminated, *_ = env.step(actions[lane])
        np.testing.assert_allclose(transition.observation[lane], observation, rtol=0, atol=atol["observation"])
        np.testing.assert_allclose(transition.reward[lane], reward, rtol=0, atol=atol["reward"])
        assert transition.terminated[lane] == terminated
        alone = env.get_snapshot().state
        for found, expected in ((after.balloon, alone.balloon), (after.safety, alone.safety)):
            for name, value in vars(expected).items():
                rounding = atol["state"] if jnp.issubdtype(value.dtype, jnp.floating) else 0.0
                np.testing.assert_allclose(getattr(found, name)[lane], value, rtol=0, atol=rounding, err_msg=name)


@pytest.fixture
def warm_env(precision) -> BalloonEnv:
    env = environment(precision)
    env.reset(seed=0)
    env.step(1)
    env.set_snapshot(env.get_snapshot())
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
            state = warm_env.get_snapshot()
            warm_env.set_snapshot(state)
            warm_env.set_snapshot(jax.device_get(state))
            warm_env.step(2)
        assert compilations(caplog) == []


def test_an_option_that_xla_does_not_know_is_left_out(monkeypatch):
    assert quick_compilation.compiler_options() == {"xla_cpu_use_fusion_emitters": False}
    monkeypatch.setattr(quick_compilation, "_OLDER_EMITTERS", {"xla_cpu_use_emitters_of_the_future": True})
    assert quick_compilation.compiler_options.__wrapped__() is None


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
class Place(ObservationFunction):
    """Where the balloon is [km]."""

    @property
    def observation_space(self) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def __call__(self, wind_field, scenario, state, conditions):
        return jnp.stack([state.balloon.x, state.balloon.y]).astype(jnp.float32) / 1000.0


@dataclass(frozen=True)
class Elapsed:
    """Rewards endurance, and notes when it is traced."""

    traces: list = field(default_factory=list, compare=False)

    def __call__(self, scenario, state, conditions):
        self.traces.append(state.elapsed.dtype)
        return state.elapsed / 3600.0


def test_an_environment_of_other_parts_traces_each_function_once():
    reward = Elapsed()
    env = BalloonEnv(wind_field=Breeze(), observation=Place(), reward=reward)
    assert env.observation_space == Place().observation_space
    for seed in (1, 2):
        start, info = env.reset(seed=seed, options={"x": 0.0})
        for step in (1, 2, 3):
            wind = np.array([info["wind_u"], info["wind_v"]])
            assert wind == pytest.approx([7.0, -7.0], abs=5.0)  # The noise is added to every field.
            observation, value, *_, info = env.step(1)
            assert observation - start == pytest.approx(wind * 0.18, abs=1e-4)
            assert value == pytest.approx(step * 0.05)
            start = observation
    assert len(reward.traces) == 2  # One for `start` and one for `step`.
