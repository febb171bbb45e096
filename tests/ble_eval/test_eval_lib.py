import datetime as dt
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit

from ble_agents import ActionError, AgentMode, BatchPolicyAgent
from ble_env import BalloonEnv
from ble_env.checks import NotFiniteError
from ble_eval import eval_lib
from ble_eval.eval_lib import eval_agent
from ble_eval.suites import EvaluationSuite


@pytest.fixture
def agent(fake):
    return fake.FakeAgent(3, (2,), seed=5)


class Recorder(gym.Wrapper):
    """Keeps what every step returned."""

    def reset(self, **arguments):
        self.steps = []
        return super().reset(**arguments)

    def step(self, action):
        self.steps.append(super().step(action))
        return self.steps[-1]


def test_a_result_is_made_of_the_steps_of_its_flight(fake, agent):
    env = Recorder(fake.FakeEnv())
    (result,) = eval_agent(agent, env, EvaluationSuite([12], 40))
    rewards = [reward for _, reward, _, _, _ in env.steps]
    infos = [info for _, _, _, _, info in env.steps]
    assert result.seed == 12
    assert result.final_timestep == len(env.steps) == 40
    assert result.cumulative_reward == pytest.approx(sum(rewards), rel=1e-12)
    inside = sum(info["inside_radius"] for info in infos)
    assert result.time_within_radius == inside / 40
    assert 0 < inside < 40  # the seed was chosen so that both occur
    assert not result.failed
    path = result.flight_path
    assert path.x.tolist() == [info["x"] / 1000 for info in infos]
    assert (path.y[-1], path.pressure[-1], path.superpressure[-1]) == (2.0, 8_040.0, 300.0)
    assert (path.elapsed_seconds[-1], path.power[-1]) == (40 * 180.0, 0.75)
    assert path.reward is not None and path.reward.tolist() == rewards
    assert path.lowest_pressure is None  # This environment's info has no such key.


def test_the_agent_receives_every_reward_once_or_at_the_end(fake, agent):
    env = Recorder(fake.FakeEnv())
    eval_agent(agent, env, EvaluationSuite([3, 4], 20))
    kinds = [call[0] for call in agent.calls]
    first, second = (
        ["begin_episode", *["step"] * 6, "end_episode"],  # No step follows a terminal state.
        ["begin_episode", *["step"] * 20, "end_episode"],
    )
    assert kinds == first + second
    assert agent.calls[7][2] is True  # seed 3 fails
    assert agent.calls[-1] == ("end_episode", env.steps[-1][1], False)  # seed 4 is cut off
    assert [call[1] for call in agent.calls[9:-1]] == [reward for _, reward, _, _, _ in env.steps]
    assert agent.mode is AgentMode.EVAL


def test_failures_and_shares_are_of_the_steps_flown(fake, agent):
    failed, unfailed = eval_agent(agent, fake.FakeEnv(), EvaluationSuite([8, 9], 20))
    assert (failed.out_of_power, failed.envelope_burst, failed.zeropressure) == (True, False, False)
    assert failed.final_timestep == len(failed.flight_path) == fake.FAILING_STEPS
    assert failed.time_within_radius * 7 == pytest.approx(round(failed.time_within_radius * 7))
    assert not unfailed.failed


def test_a_time_limit_of_the_environment_ends_a_flight_without_failure(fake, agent):
    (result,) = eval_agent(agent, TimeLimit(fake.FakeEnv(), 6), EvaluationSuite([4], 20))
    assert result.final_timestep == 6
    assert not result.failed
    assert agent.calls[-1][2] is False


def test_paths_are_left_out_on_demand(fake, agent):
    (result,) = eval_agent(agent, fake.FakeEnv(), EvaluationSuite([4], 20), calculate_flight_path=False)
    assert not result.flight_path


def test_each_result_is_reported_as_it_comes(fake, agent):
    reported = []
    results = eval_agent(agent, fake.FakeEnv(), EvaluationSuite([9, 4], 5), on_episode=reported.append)
    assert reported == results
    assert [result.seed for result in results] == [9, 4]


def test_with_a_seed_for_the_agent_an_episode_does_not_depend_on_those_before(fake, agent):
    def fly(seeds, agent_seed):
        return eval_agent(agent, fake.FakeEnv(), EvaluationSuite(seeds, 30), agent_seed=agent_seed)

    alone = fly([6], 1)
    assert fly([2, 4, 6], 1)[-1:] == alone
    assert fly([6], 2) != alone


def test_rendering_has_its_period_and_needs_a_mode(fake, agent):
    env = fake.FakeEnv(render_mode="ansi")
    eval_agent(agent, env, EvaluationSuite([4], 12), render_period=5)
    assert env.rendered_at == [1, 6, 11]
    silent = fake.FakeEnv()
    eval_agent(agent, silent, EvaluationSuite([4], 12), render_period=5)
    assert silent.rendered_at == []


@pytest.mark.parametrize("elapsed", [dt.timedelta(seconds=540), 540, 540.0, np.float32(540)])
def test_the_time_is_seconds_or_a_duration(fake, agent, elapsed):
    class Clock(gym.Wrapper):
        def step(self, action):
            *rest, info = super().step(action)
            return *rest, {**info, "time_elapsed": elapsed}

    (result,) = eval_agent(agent, Clock(fake.FakeEnv()), EvaluationSuite([4], 1))
    assert result.flight_path.elapsed_seconds[0] == 540.0


def test_steps_are_reported_while_an_episode_is_flown(fake, agent):
    reported = []
    (result,) = eval_agent(
        agent, fake.FakeEnv(), EvaluationSuite([4], 100), on_steps=lambda *numbers: reported.append(numbers)
    )
    assert [steps for steps, _ in reported] == [40, 40, 20]
    assert sum(inside for _, inside in reported) == round(result.time_within_radius * 100)


def test_a_batch_policy_flies_any_environment_one_by_one(fake):
    seen = []

    def policy(observations):
        seen.append((observations.shape, observations.dtype))
        return np.where(observations[:, 0] > 0, 0, 2)

    results = eval_agent(policy, fake.FakeEnv(), EvaluationSuite([4, 3], 20))
    assert [(result.seed, result.final_timestep) for result in results] == [(4, 20), (3, 7)]
    assert set(seen) == {((1, 2), np.dtype("float32"))}


def test_a_batch_policy_flies_balloons_many_at_once():
    class Eager:
        """Descends at the first step of an episode."""

        def __init__(self):
            self.shapes = set()

        def begin_episodes(self, begins):
            self.begins = begins

        def __call__(self, observations):
            self.shapes.add(observations.shape)
            return np.where(self.begins, 0, 1)

    policy, reported = Eager(), []
    env, suite = BalloonEnv(wind_field="simple"), EvaluationSuite([5, 2, 8], 4)
    many = eval_agent(policy, env, suite, tile_size=4, on_steps=lambda *numbers: reported.append(numbers))
    assert [result.seed for result in many] == [5, 2, 8]
    assert policy.shapes == {(4, 1099)}
    assert sum(steps for steps, _ in reported) == 12
    agent = BatchPolicyAgent(3, (1099,), Eager())
    (alone,) = eval_agent(agent, env, EvaluationSuite([8], 4), tile_size=4)
    assert alone == many[2]
    agent = BatchPolicyAgent(3, (1099,), policy)
    agent.max_lanes, policy.shapes = 2, set()
    eval_agent(agent, env, EvaluationSuite([8], 4), tile_size=4)
    assert policy.shapes == {(2, 1099)}
    wrapped = Recorder(env)  # Not plain, so flown one by one.
    one_by_one = eval_agent(Eager(), wrapped, suite)
    for one, other in zip(one_by_one, many, strict=True):
        assert one.cumulative_reward == pytest.approx(other.cumulative_reward, rel=1e-4)
        assert one.flight_path.pressure == pytest.approx(other.flight_path.pressure, rel=1e-4)
        assert one.flight_path.lowest_pressure == pytest.approx(other.flight_path.lowest_pressure, rel=1e-4)


def test_an_accelerator_has_larger_tiles(agent, monkeypatch):
    cpu, gpu = (SimpleNamespace(platform=platform) for platform in ("cpu", "gpu"))
    monkeypatch.setattr(eval_lib, "devices_that_fly", lambda device: [device])
    sizes = [
        [eval_lib._tile_size(agent, device, wished) for device in (cpu, gpu) for wished in (None, 32)]
        for agent.max_lanes, agent.max_accelerator_lanes in ((None, None), (8, 256), (8, None))
    ]
    assert sizes == [[64, 32, 1024, 32], [8, 8, 256, 32], [8, 8, 1024, 32]]


def test_what_flies_nothing_is_named(fake):
    class Model:
        def predict(self, observations):
            return 1, None

    with pytest.raises(
        TypeError, match=r"not a Model\. For a model of Stable-Baselines3 give ble_agents\.sb3\.Sb3Policy"
    ):
        eval_agent(Model(), fake.FakeEnv(), EvaluationSuite([4], 5))
    with pytest.raises(ActionError, match=r"returns integers of shape \(1,\), not float32\[1, 2\]\. Take the largest"):
        eval_agent(lambda observations: observations, fake.FakeEnv(), EvaluationSuite([4], 5))
    with pytest.raises(TypeError, match="takes one environment and flies many of its episodes at once"):
        eval_agent(lambda observations: observations, gym.make_vec("CartPole-v1", 2), EvaluationSuite([4], 5))
    with pytest.raises(ValueError, match=r"flies environments with actions 0, 1, \.\.\., not Box"):
        eval_agent(lambda observations: observations, gym.make("Pendulum-v1"), EvaluationSuite([4], 5))


def test_an_environment_that_gives_nan_stops_with_what_was_finished(fake, agent):
    class Sour(gym.Wrapper):
        def step(self, action):
            observation, reward, *rest = super().step(action)
            return observation, float("nan") if self.env.unwrapped._episode_seed == 9 else reward, *rest

    finished = []
    with pytest.raises(NotFiniteError, match=r"the reward of FakeEnv is nan at step 1 of the episode of seed 9\."):
        eval_agent(agent, Sour(fake.FakeEnv()), EvaluationSuite([4, 9], 5), on_episode=finished.append)
    assert [result.seed for result in finished] == [4]


def test_a_suite_that_was_changed_for_the_worse(fake, agent):
    suite = EvaluationSuite([4], 12)
    suite.seeds = [4, -1]
    with pytest.raises(ValueError, match="not -1"):
        eval_agent(agent, fake.FakeEnv(), suite)
    assert agent.calls == []


def test_an_environment_that_is_not_a_balloons(agent):
    with pytest.raises(ValueError, match="no 'inside_radius'"):
        eval_agent(agent, gym.make("CartPole-v1"), EvaluationSuite([4], 12))
