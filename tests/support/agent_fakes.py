"""Agents around other agents, for tests of the episode loop."""

from ble_agents import Agent, AgentMode


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
