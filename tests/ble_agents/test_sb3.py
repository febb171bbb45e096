"""Models of Stable-Baselines3: as agents, as batch policies, and environments for their training."""

import importlib
import sys
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

from ble_agents import create_agent
from ble_agents.options import Sb3Options
from ble_agents.sb3 import Sb3Agent, Sb3Policy
from ble_env.sb3 import sb3_vec_env


class Model:
    """A recurrent model: it counts the steps of each row's episode, and goes up at the third."""

    action_space = gymnasium.spaces.Discrete(3)
    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def __init__(self):
        self.calls = []

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        self.calls.append((observation.shape, episode_start.tolist(), deterministic))
        steps = np.where(episode_start, 0, 0 if state is None else state + 1)
        return np.where(steps == 2, 2, 1), steps

    def set_random_seed(self, seed):
        self.seed = seed

    @classmethod
    def load(cls, file):
        model = cls()
        model.file = file
        return model


@pytest.fixture
def installed(monkeypatch):
    """A package `fake_algorithms` with the model."""
    monkeypatch.setitem(sys.modules, "fake_algorithms", SimpleNamespace(Model=Model))
    return "fake_algorithms:Model"


def test_a_policy_keeps_the_models_memory_in_each_row():
    policy = Sb3Policy(model := Model())
    rows = np.zeros((2, 2), np.float32)
    actions = []
    for begins in ([True, True], [False, False], [False, True], [False, False], [False, False]):
        policy.begin_episodes(np.array(begins))
        actions.append(policy(rows).tolist())
    assert actions == [[1, 1], [1, 1], [2, 1], [1, 1], [1, 2]]
    assert model.calls[2] == ((2, 2), [False, True], True)
    policy.begin_episodes(np.ones(3, bool))  # Another batch begins anew.
    assert policy(np.zeros((3, 2), np.float32)).tolist() == [1, 1, 1]


def test_an_agent_is_loaded_from_a_file(installed, tmp_path):
    file = tmp_path / "model.zip"
    file.touch()
    options = Sb3Options(file, installed, deterministic=False)
    agent = create_agent("ble_agents.sb3:Sb3Agent", 3, (2,), seed=5, options=options)
    row = np.zeros(2, np.float32)
    actions = [agent.begin_episode(row), agent.step(0.0, row), agent.step(0.0, row), agent.begin_episode(row)]
    assert actions == [1, 1, 2, 1]
    model = agent._model
    assert (model.file, model.seed) == (file, 5)
    assert model.calls[0] == ((1, 2), [True], False)


def test_what_cannot_be_loaded_is_named(installed, tmp_path):
    missing = Sb3Options(tmp_path / "no.zip", installed)
    with pytest.raises(ValueError, match=r"There is no file .*no\.zip\. --agent\.file names a model"):
        Sb3Agent(3, (2,), options=missing)
    file = tmp_path / "model.zip"
    file.touch()
    with pytest.raises(
        ValueError, match=r"trained for 3 actions and observations of shape \(2,\), not for 3 and \(1099,"
    ):
        Sb3Agent(3, (1099,), options=Sb3Options(file, installed))
    with pytest.raises(ValueError, match=r"fake_algorithms has no algorithm 'PPO', such as"):
        Sb3Agent(3, (2,), options=Sb3Options(file, "fake_algorithms:PPO"))
    with pytest.raises(ImportError, match="No module named 'no_such_algorithms': pip install no-such-algorithms"):
        Sb3Agent(3, (2,), options=Sb3Options(file, "no_such_algorithms:PPO"))
    with pytest.raises(TypeError, match="has a method predict, and dict has none"):
        Sb3Policy({})


def test_environments_must_reset_within_a_step():
    with pytest.raises(ValueError, match="autoreset_mode='SameStep'"):
        sb3_vec_env(gymnasium.make_vec("CartPole-v1", 2))


def vector(num_envs=3, steps=5):
    return gymnasium.make_vec(
        "ble_env:BalloonLearningEnvironment-v0",
        num_envs,
        autoreset_mode="SameStep",
        max_episode_steps=steps,
        wind_field="simple",
        device="cpu",
    )


def test_a_vector_trains_and_evaluates_a_model(tmp_path):
    sb3 = pytest.importorskip("stable_baselines3")
    vec_env = importlib.import_module("stable_baselines3.common.vec_env")
    from ble_env import BalloonEnv
    from ble_eval.eval_lib import eval_agent
    from ble_eval.suites import EvaluationSuite

    envs, same = sb3_vec_env(vector()), vector()
    assert isinstance(envs, vec_env.VecEnv)
    envs.seed(7)
    np.testing.assert_array_equal(envs.reset(), same.reset(seed=7)[0])
    for step in range(1, 7):
        actions = np.array([0, 1, 2])
        observations, rewards, dones, infos = envs.step(actions)
        expected, expected_rewards, _, truncated, expected_infos = same.step(actions)
        np.testing.assert_array_equal(observations, expected)
        np.testing.assert_array_equal(rewards, expected_rewards.astype(np.float32))
        assert dones.tolist() == truncated.tolist() == [step == 5] * 3
        if step == 5:
            np.testing.assert_array_equal(infos[1]["terminal_observation"], expected_infos["final_obs"][1])
            assert infos[1]["TimeLimit.truncated"] is True
            assert infos[1]["x"] == expected_infos["final_info"]["x"][1]
        else:
            assert infos == [{}] * 3
    assert envs.get_attr("num_envs", [0, 1]) == [3, 3]

    model = sb3.PPO("MlpPolicy", vec_env.VecMonitor(envs), n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu")
    model.learn(24)
    assert model.ep_info_buffer[0]["l"] == 5
    file = tmp_path / "ppo.zip"
    model.save(file)
    agent = create_agent("ble_agents.sb3:Sb3Agent", options=Sb3Options(file, "PPO"))
    env, suite = BalloonEnv(wind_field="simple"), EvaluationSuite([3, 1], 4)
    together = eval_agent(agent, env, suite, tile_size=4)
    assert together == eval_agent(Sb3Policy(model), env, suite, tile_size=4)
    alone = eval_agent(agent, gymnasium.Wrapper(env), suite)
    for one, other in zip(together, alone, strict=True):
        assert one.cumulative_reward == pytest.approx(other.cumulative_reward, rel=1e-4)
