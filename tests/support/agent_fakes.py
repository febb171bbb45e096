"""Agents around other agents, for tests of the episode loop, and the source of an agent that is in no package."""

from ble_agents import Agent, AgentMode

STEADY = '''
from dataclasses import dataclass
from ble_agents import Agent

@dataclass(frozen=True)
class SteadyOptions:
    action: int = 1
    """What it does."""

class Steady(Agent):
    """Always the same."""
    options_type = SteadyOptions
    def __init__(self, num_actions, observation_shape, *, seed=None, options=SteadyOptions()):
        super().__init__(num_actions, observation_shape)
        self.options = options
    def begin_episode(self, observation):
        return self.options.action
    def step(self, reward, observation):
        return self.options.action
    def end_episode(self, reward, terminal=True):
        pass
'''


class OneByOne(Agent):
    """Another agent without its policy. It keeps the modes that are set."""

    def __init__(self, agent: Agent) -> None:
        self.modes = []
        super().__init__(3, (1099,))
        self.agent = agent
        self.modes.clear()

    def set_mode(self, mode):
        self.modes.append(AgentMode(mode).value)

    def reseed(self, seed):
        self.agent.reseed(seed)

    def begin_episode(self, observation):
        return self.agent.begin_episode(observation)

    def step(self, reward, observation):
        return self.agent.step(reward, observation)

    def end_episode(self, reward, terminal=True):
        self.agent.end_episode(reward, terminal)
