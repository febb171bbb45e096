"""PPO: its equations against loops over numbers, and that it learns."""

import dataclasses
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from ble_train.algorithms.options import PpoOptions
from ble_train.algorithms.ppo import Rollout, clipped_surrogate, generalised_advantages
from ble_train.algorithms.ppo_agent import PpoAgent
from ble_train.learner import LaneStep

SMALL = PpoOptions(
    network_options='{"level_sizes": [8], "summary_sizes": [8]}',
    rollout_steps=8,
    minibatch_size=32,
    learning_rate=1e-2,
    decay_steps=10**9,
)
VECTORS = PpoOptions(
    network="actor_critic_mlp",
    network_options='{"hidden_sizes": [16]}',
    rollout_steps=8,
    minibatch_size=32,
    learning_rate=1e-2,
    decay_steps=10**9,
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
        valid=None,
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
    assert set(agent.take_metrics()) == {"PolicyGain", "ValueLoss", "Entropy", "KL", "LearningRate"}
    assert agent.take_metrics() == {}


def test_evaluation_is_greedy_and_changes_nothing():
    rng = np.random.default_rng(0)
    agent = PpoAgent(3, (1099,), seed=1, options=SMALL)
    agent.start_lanes(8)
    agent.step_lanes(lanes_like(observations(rng), begins=True))
    before = jax.tree.map(np.array, (agent.learned_state(), agent.working_state()))
    agent.set_mode("eval")
    seen = observations(rng)
    first, second = (agent.step_lanes(lanes_like(seen, 1.0)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    jax.tree.map(np.testing.assert_array_equal, before, (agent.learned_state(), agent.working_state()))
    policy = agent.policy()
    for row, action in zip(seen, first, strict=True):
        assert policy.init(policy.params, None, row)[1] == action


def test_a_restored_agent_goes_on_as_the_saved_one():
    rng = np.random.default_rng(0)
    steps = [lanes_like(observations(rng), rng.random(8, np.float32)) for _ in range(30)]
    agent, other = PpoAgent(3, (1099,), seed=1, options=SMALL), PpoAgent(3, (1099,), seed=2, options=SMALL)
    agent.start_lanes(8)
    for lanes in steps[:13]:  # within its second rollout
        agent.step_lanes(lanes)
    other.start_lanes(8)
    other.set_learned_state(jax.tree.map(np.array, agent.learned_state()))
    other.set_working_state(jax.tree.map(np.array, agent.working_state()))
    for lanes in steps[13:]:
        np.testing.assert_array_equal(agent.step_lanes(lanes), other.step_lanes(lanes))
    jax.tree.map(np.testing.assert_array_equal, agent.learned_state(), other.learned_state())


def test_choices_at_an_episodes_end_teach_nothing():
    """The step at which the next episode begins brings neither reward nor gradient."""
    rng = np.random.default_rng(0)
    steps = [lanes_like(observations(rng), rng.random(8, np.float32)) for _ in range(9)]
    begins = np.zeros(8, bool)
    begins[3] = True
    last = np.zeros(8, bool)
    last[3] = True
    steps[4] = steps[4]._replace(truncated=last)

    def learned(reward):
        agent = PpoAgent(3, (1099,), seed=1, options=SMALL)
        agent.start_lanes(8)
        rewards = steps[5].reward.copy()
        rewards[3] = reward
        for lanes in [*steps[:5], steps[5]._replace(begins=begins, reward=rewards), *steps[6:]]:
            agent.step_lanes(lanes)
        return agent.learned_state()

    jax.tree.map(np.testing.assert_array_equal, learned(0.0), learned(1000.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network_options": '{"level_sizes": []}'}, "level_sizes must name"),
        ({"network_options": '{"level_size": [8]}'}, "Unknown option of LevelNetworkOptions 'level_size'"),
        ({"network": "level"}, "Unknown network 'level'. Did you mean 'levels'"),
        ({"network": "q_values"}, "ppo cannot use the network 'q_values'"),
    ],
)
def test_networks_that_do_not_suit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PpoAgent(3, (1099,), options=PpoOptions(**options))


@pytest.mark.parametrize(("num_actions", "shape"), [(4, (1099,)), (3, (5,))])
def test_the_level_network_refuses_another_environment(num_actions, shape):
    with pytest.raises(ValueError, match="ppo cannot use the network 'levels'"):
        PpoAgent(num_actions, shape)


def test_a_network_for_vectors_refuses_images():
    with pytest.raises(ValueError, match="ppo needs logits of 3 actions and a value"):
        PpoAgent(3, (4, 4), options=VECTORS)


def test_another_network_learns_from_any_vector():
    rng = np.random.default_rng(0)
    agent = PpoAgent(5, (2,), seed=1, options=VECTORS)
    agent.start_lanes(8)
    actions = agent.step_lanes(lanes_like(rng.random((8, 2), np.float32), begins=True))
    share = []
    for _ in range(240):
        share.append(np.mean(actions == 4))
        actions = agent.step_lanes(lanes_like(rng.random((8, 2), np.float32), (actions == 4).astype(np.float32)))
    assert np.mean(share[:24]) < 0.6
    assert np.mean(share[-24:]) > 0.9
    policy = agent.policy()
    assert policy.init(policy.params, None, np.zeros(2, np.float32))[1] == 4


def moved(agent, rounds):
    """How far each round of learning moves the parameters; the lanes get the same in all rounds."""
    rng = np.random.default_rng(0)
    agent.start_lanes(8)
    distances, before = [], agent.learned_state()["params"]
    for step in range(8 * rounds + 1):
        agent.step_lanes(lanes_like(rng.random((8, 2), np.float32), rng.random(8, np.float32)))
        if step and step % 8 == 0:
            after = agent.learned_state()["params"]
            changes = jax.tree.map(lambda new, old: float(np.abs(new - old).max()), after, before)
            distances.append(max(jax.tree.leaves(changes)))
            before = after
    return distances


@pytest.mark.parametrize(("decay_steps", "planned"), [(0, 192), (192, None), (192, 10**6)])
def test_the_decay_ends_with_the_option_or_else_with_the_run(decay_steps, planned):
    options = dataclasses.replace(VECTORS, decay_steps=decay_steps, final_learning_rate=0.0)
    agent = PpoAgent(5, (2,), seed=1, options=options)
    agent.plan(planned)
    first, second, third, *after = moved(agent, 5)  # 64 steps each
    assert first > second > third > 0.0
    assert after == [0.0, 0.0]


def test_nothing_decays_while_the_runs_length_is_unknown():
    options = dataclasses.replace(VECTORS, decay_steps=0, final_learning_rate=0.0)
    assert min(moved(PpoAgent(5, (2,), seed=1, options=options), 5)) > 1e-3


def test_metrics_are_logged_by_environment_step():
    agent = PpoAgent(5, (2,), seed=1, options=VECTORS)
    scalars = []
    agent.set_summary_writer(SimpleNamespace(add_scalar=lambda *scalar: scalars.append(scalar)))
    moved(agent, 2)
    names = [f"Train/{name}" for name in ("PolicyGain", "ValueLoss", "Entropy", "KL", "LearningRate")]
    assert sorted((tag, step) for tag, _, step in scalars) == sorted(
        (name, step) for name in names for step in (64, 128)
    )
