"""Training in one compiled program: its flights, its records, and a run that was stopped."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_env import BalloonGymnaxEnv, PerciatelliObservation
from ble_train.algorithms import ppo
from ble_train.algorithms.compiled_ppo import begin_lanes, fly_round
from ble_train.algorithms.options import PpoOptions
from ble_train.algorithms.ppo_agent import PpoAgent
from ble_train.collectors.collector import Collector
from ble_train.loops.compiled import run_compiled_training_loop

NUM_ENVS, LIMIT, NUM_NEW = 6, 5, 9
OPTIONS = PpoOptions(
    network="actor_critic_mlp",
    network_options='{"hidden_sizes": [8]}',
    rollout_steps=8,
    minibatch_size=16,
    learning_rate=1e-2,
)

fly = jax.jit(fly_round, static_argnums=(0, 1, 2))


@pytest.fixture(scope="module")
def env():
    return BalloonGymnaxEnv(wind_field="simple", observation=PerciatelliObservation(window=1))


def new_agent(env, seed=0):
    shape = env.observation_space(None).shape
    return PpoAgent(env.num_actions, shape, seed=seed, options=OPTIONS)


def train(folder, env, num_iterations=3, agent=None, **options):
    agent = agent or new_agent(env)
    seen = {"episodes": [], "iterations": [], "starts": [], "agent": agent}
    arguments = {
        "collector_constructors": [],
        "num_envs": NUM_ENVS,
        "max_episode_length": LIMIT,
        "episodes_per_iteration": 15,  # 75 steps: two rollouts of 48
        "seed": 5,
        "on_start": seen["starts"].append,
        "on_episode": seen["episodes"].append,
        "on_iteration": seen["iterations"].append,
    }
    seen["is_over"] = run_compiled_training_loop(folder, env, agent, num_iterations, **arguments | options)
    return seen


def test_a_round_flies_the_environment_in_the_order_of_lane_steps(env):
    agent = new_agent(env)
    params = agent.learned_state()["params"]
    lanes = begin_lanes(env, np.uint32([0, 1]), NUM_ENVS, NUM_NEW, LIMIT)
    architecture = ppo.actor_critic(3, env.observation_space(None).shape, OPTIONS)
    after, rollout, flown = fly(env, architecture, 8, params, lanes)
    begins, ends = ~np.asarray(rollout.valid), np.asarray(flown.has_ended)
    np.testing.assert_array_equal(begins[1:], ends[:-1])
    np.testing.assert_array_equal(rollout.is_last, ends | begins)
    assert not begins[0].any()
    assert (np.asarray(rollout.reward)[begins] == 0.0).all()
    # The first episodes are cut off one after the other; all later ones have the whole time.
    first = ends.argmax(axis=0)
    assert (first + 1).tolist() == [max((lane + 1) * LIMIT // NUM_ENVS, 1) for lane in range(NUM_ENVS)]
    assert (np.asarray(flown.totals.length)[1 : LIMIT + 2, 0]).tolist() == [0, 1, 2, 3, 4, 5]
    # Each first episode again, one step of one environment at a time.
    for lane in range(NUM_ENVS):
        observation, state = env.begin(lane, lanes.pool)
        for step in range(int(first[lane]) + 1):
            np.testing.assert_allclose(rollout.observation[step, lane], observation, atol=1e-4)
            observation, state, reward, _, _ = env.step_env(None, state, rollout.action[step, lane], lanes.pool)
            np.testing.assert_allclose(rollout.reward[step, lane], reward, atol=1e-4)
        last = int(first[lane])
        np.testing.assert_allclose(rollout.observation[last + 1, lane], observation, atol=1e-4)
        total = np.asarray(rollout.reward)[: last + 1, lane].sum()
        assert float(flown.totals.reward[last, lane]) == pytest.approx(float(total), rel=1e-5)
    assert after.observation.shape == lanes.observation.shape


def test_it_learns_as_from_a_rollout_of_the_host(env):
    agent, same = new_agent(env), new_agent(env)
    before = same.learned_state()
    architecture = ppo.actor_critic(3, env.observation_space(None).shape, OPTIONS)
    lanes = begin_lanes(env, np.uint32([0, 7]), NUM_ENVS, NUM_NEW, LIMIT)
    _, rollout, _ = fly(env, architecture, 8, before["params"], lanes)
    after, _ = agent.fly_and_learn(env, agent.begin_compiled(env, NUM_ENVS, 7, LIMIT))
    learned, _, _ = ppo.learn(
        architecture, OPTIONS, ppo.Learned(**before), rollout, after.observation, jnp.float32(np.inf)
    )
    for found, expected in zip(
        jax.tree.leaves(agent.learned_state()["params"]), jax.tree.leaves(learned.params), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert int(agent.learned_state()["num_updates"]) == 1
    assert set(agent.take_metrics()) == {"PolicyGain", "ValueLoss", "Entropy", "KL", "LearningRate"}


def test_records_count_every_episode_and_step_once(env, tmp_path):
    seen = train(tmp_path, env)
    records, last = seen["episodes"], seen["iterations"][-1]
    assert seen["is_over"]
    assert [record.episode for record in records] == list(range(len(records)))
    assert [record.env_steps for record in records] == sorted(record.env_steps for record in records)
    assert {record.length for record in records[NUM_ENVS + 2 :]} == {LIMIT}
    assert last.episodes == len(records)
    flown = sum(record.length for record in records)
    assert flown <= last.env_steps < flown + NUM_ENVS * LIMIT
    assert all(record.twr50 * record.length == pytest.approx(round(record.twr50 * record.length)) for record in records)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_stopped_run_goes_on_with_what_it_learned(env, tmp_path, stop_after):
    agent, asked = new_agent(env), []
    first = train(tmp_path, env, agent=agent, should_stop=lambda: asked.append(0) or len(asked) == stop_after)
    assert not first["is_over"]
    rounds = int(agent.learned_state()["num_updates"])
    second = train(tmp_path, env, agent=new_agent(env, seed=1))
    assert second["is_over"]
    assert int(second["agent"].learned_state()["num_updates"]) == 6 > rounds
    assert [one.iteration for one in first["iterations"] + second["iterations"]] == [0, 1, 2]
    assert second["starts"][0].num_episodes == len(first["episodes"])
    assert second["iterations"][-1].episodes == len(first["episodes"]) + len(second["episodes"])


def test_collectors_receive_iterations(env, tmp_path):
    hooks = []

    class Keeper(Collector):
        def get_name(self):
            return "keeper"

        def begin_episode(self):
            hooks.append("episode")

        def end_iteration(self, record):
            hooks.append(record.iteration)

    train(tmp_path, env, num_iterations=2, collector_constructors=[Keeper])
    assert hooks == [0, 1]


def test_numbers_are_checked(env, tmp_path):
    with pytest.raises(ValueError, match="num_envs must be"):
        train(tmp_path, env, num_envs=0)
