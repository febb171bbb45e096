import gymnasium as gym
import pytest
from gymnasium.wrappers import TimeLimit

from ble_agents import AgentMode
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
    assert [point.x for point in result.flight_path] == [info["x"] / 1000 for info in infos]
    last = result.flight_path[-1]
    assert (last.y, last.pressure, last.superpressure) == (2.0, 8_040.0, 300.0)
    assert (last.elapsed_seconds, last.power) == (40 * 180.0, 0.75)


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
    assert result.flight_path == ()


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


def test_a_suite_that_was_changed_for_the_worse(fake, agent):
    suite = EvaluationSuite([4], 12)
    suite.seeds = [4, -1]
    with pytest.raises(ValueError, match="not -1"):
        eval_agent(agent, fake.FakeEnv(), suite)
    assert agent.calls == []


def test_an_environment_that_is_not_a_balloons(agent):
    with pytest.raises(ValueError, match="no 'inside_radius'"):
        eval_agent(agent, gym.make("CartPole-v1"), EvaluationSuite([4], 12))
