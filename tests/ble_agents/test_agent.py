"""The interface, through the smallest agent that implements it."""

import pytest

from ble_agents import Agent, AgentMode


class EastwardAgent(Agent):
    def begin_episode(self, observation):
        return 1

    def step(self, reward, observation):
        return 2

    def end_episode(self, reward, terminal=True):
        pass


class ModeKeepingAgent(EastwardAgent):
    def set_mode(self, mode):
        self.mode = AgentMode(mode)


def test_the_three_episode_methods_must_be_written():
    with pytest.raises(TypeError, match="begin_episode"):
        Agent(3, (1099,))  # type: ignore[abstract]


def test_an_agent_is_named_after_its_class():
    assert EastwardAgent(3, (1099,)).get_name() == "EastwardAgent"


def test_an_agent_starts_in_training_mode_and_takes_modes_and_their_names():
    agent = ModeKeepingAgent(3, (1099,))
    assert agent.mode is AgentMode.TRAIN
    agent.set_mode("eval")
    assert agent.mode is AgentMode.EVAL
    agent.set_mode(AgentMode.TRAIN)
    assert agent.mode is AgentMode.TRAIN


def test_an_unknown_mode_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'train' or 'eval', not 'fly'"):
        EastwardAgent(3, (1099,)).set_mode("fly")


def test_optional_methods_do_nothing(tmp_path):
    agent = EastwardAgent(3, (1099,))
    agent.save_checkpoint(str(tmp_path), 4)
    agent.load_checkpoint(str(tmp_path), 4)
    agent.reseed(1)
    assert agent.reload_latest_checkpoint(str(tmp_path)) == -1
    assert agent.policy() is None
    assert list(tmp_path.iterdir()) == []


def test_the_summary_writer_is_at_hand():
    agent = EastwardAgent(3, (1099,))
    assert agent.summary_writer is None
    writer = object()
    agent.set_summary_writer(writer)
    assert agent.summary_writer is writer
