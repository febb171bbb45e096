"""PPO: its equations against loops over numbers, and that it learns."""

import jax
import numpy as np
import pytest

from ble_train.algorithms.options import PpoOptions
from ble_train.algorithms.ppo import PpoAgent, Rollout, clipped_surrogate, generalised_advantages
from ble_train.learner import LaneStep

SMALL = PpoOptions(
    level_sizes=(8,), summary_sizes=(8,), rollout_steps=8, minibatch_size=32, learning_rate=1e-2, decay_steps=10**9
)


def lanes_like(observation, reward=0.0, begins=False):
    number = len(observation)
    return LaneStep(
        observation=observation,
        reward=np.broadcast_to(np.float32(reward), number),
        terminated=np.zeros(number, bool),
        truncated=np.zeros(number, bool),
        begins=np.full(number, begins),
    )


def observations(rng, number=8):
    return rng.random((number, 1099), dtype=np.float32)


def test_advantages_are_sums_of_decayed_errors():
    rng = np.random.default_rng(3)
    steps, lanes, gamma, decay = 12, 5, 0.9, 0.8
    rollout = Rollout(
        observation=None,
        action=None,
        log_probability=None,
        value=rng.normal(size=(steps, lanes)).astype(np.float32),
        reward=rng.normal(size=(steps, lanes)).astype(np.float32),
        terminated=rng.random((steps, lanes)) < 0.1,
        is_last=rng.random((steps, lanes)) < 0.2,
        is_flown=None,
    )
    rollout = rollout._replace(is_last=rollout.is_last | rollout.terminated)
    last_value = rng.normal(size=lanes).astype(np.float32)
    expected = np.zeros((steps, lanes))
    for lane in range(lanes):
        for start in range(steps):
            weight = 1.0
            for step in range(start, steps):
                following = last_value[lane] if step == steps - 1 else rollout.value[step + 1, lane]
                following = 0.0 if rollout.terminated[step, lane] else following
                error = rollout.reward[step, lane] + gamma * following - rollout.value[step, lane]
                expected[start, lane] += weight * error
                weight *= gamma * decay
                if rollout.is_last[step, lane]:
                    break
    found = generalised_advantages(rollout, last_value, gamma, decay)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [(1.1, 2.0, 2.2), (1.5, 2.0, 2.4), (0.5, 2.0, 1.0), (0.5, -2.0, -1.6), (1.5, -2.0, -3.0)],
)
def test_the_surrogate_gains_nothing_beyond_the_clip_range(ratio, advantage, expected):
    found = clipped_surrogate(np.log(np.float32(ratio)), np.float32(0.0), np.float32(advantage), 0.2)
    assert found == pytest.approx(expected, rel=1e-5)


def test_it_learns_which_action_pays():
    rng = np.random.default_rng(0)
    agent = PpoAgent(3, (1099,), seed=1, options=SMALL)
    agent.start_lanes(8)
    actions = agent.step_lanes(lanes_like(observations(rng), begins=True))
    share = []
    for _ in range(240):
        share.append(np.mean(actions == 2))
        actions = agent.step_lanes(lanes_like(observations(rng), (actions == 2).astype(np.float32)))
    assert np.mean(share[:24]) < 0.6
    assert np.mean(share[-24:]) > 0.9
    assert set(agent.take_metrics()) == {"PolicyGain", "ValueLoss", "Entropy", "KL"}
    assert agent.take_metrics() == {}


def test_evaluation_is_greedy_and_changes_nothing():
    rng = np.random.default_rng(0)
    agent = PpoAgent(3, (1099,), seed=1, options=SMALL)
    agent.start_lanes(8)
    agent.step_lanes(lanes_like(observations(rng), begins=True))
    before = jax.tree.map(np.array, (agent.learned_state(), agent.working_state()))
    agent.set_mode("eval")
    told = observations(rng)
    first, second = (agent.step_lanes(lanes_like(told, 1.0)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    jax.tree.map(np.testing.assert_array_equal, before, (agent.learned_state(), agent.working_state()))
    policy = agent.policy()
    for row, action in zip(told, first, strict=True):
        assert policy.init(policy.params, None, row)[1] == action


def test_a_restored_agent_goes_on_as_the_saved_one():
    rng = np.random.default_rng(0)
    told = [lanes_like(observations(rng), rng.random(8, np.float32)) for _ in range(30)]
    agent, other = PpoAgent(3, (1099,), seed=1, options=SMALL), PpoAgent(3, (1099,), seed=2, options=SMALL)
    agent.start_lanes(8)
    for lanes in told[:13]:  # within its second rollout
        agent.step_lanes(lanes)
    other.start_lanes(8)
    other.set_learned_state(jax.tree.map(np.array, agent.learned_state()))
    other.set_working_state(jax.tree.map(np.array, agent.working_state()))
    for lanes in told[13:]:
        np.testing.assert_array_equal(agent.step_lanes(lanes), other.step_lanes(lanes))
    jax.tree.map(np.testing.assert_array_equal, agent.learned_state(), other.learned_state())


def test_choices_that_were_never_flown_teach_nothing():
    """The step at which the next episode begins brings neither reward nor gradient."""
    rng = np.random.default_rng(0)
    told = [lanes_like(observations(rng), rng.random(8, np.float32)) for _ in range(9)]
    begins = np.zeros(8, bool)
    begins[3] = True
    last = np.zeros(8, bool)
    last[3] = True
    told[4] = told[4]._replace(truncated=last)

    def learned(reward):
        agent = PpoAgent(3, (1099,), seed=1, options=SMALL)
        agent.start_lanes(8)
        rewards = told[5].reward.copy()
        rewards[3] = reward
        for lanes in [*told[:5], told[5]._replace(begins=begins, reward=rewards), *told[6:]]:
            agent.step_lanes(lanes)
        return agent.learned_state()

    jax.tree.map(np.testing.assert_array_equal, learned(0.0), learned(1000.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 1.5}, "gamma must be in"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"level_sizes": ()}, "level_sizes must name"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        PpoOptions(**options)


def test_another_environment_is_refused():
    with pytest.raises(ValueError, match="ppo"):
        PpoAgent(4, (1099,))
