"""Agents by name: registration, third-party agents with options of their own, and what is loaded for them."""

from dataclasses import dataclass

import pytest
from installed_plugins import install_plugin, run_python

from ble_agents import agent_names, create_agent
from ble_agents.options import StationSeekerOptions
from ble_sim.plugins import AgentRegistration, NoOptions, UnknownNameError
from ble_sim.plugins.registries import AGENTS

THIRD_PARTY_AGENT = """
from dataclasses import dataclass
from ble_agents import Agent
from ble_sim.plugins import AgentRegistration, hookimpl

@dataclass(frozen=True)
class SteadyOptions:
    action: int = 1

class SteadyAgent(Agent):
    def __init__(self, num_actions, observation_shape, *, seed, options):
        super().__init__(num_actions, observation_shape)
        self.seed, self.options = seed, options
    def begin_episode(self, observation):
        return self.options.action
    def step(self, reward, observation):
        return self.options.action
    def end_episode(self, reward, terminal=True):
        pass

@hookimpl
def ble_register_agents():
    return [AgentRegistration("steady", "steady_agents:SteadyAgent", SteadyOptions, "Always the same.")]
"""


def test_an_installed_agent_is_made_by_name_with_its_options(tmp_path):
    install_plugin(tmp_path, "steady-agents", "3.1", THIRD_PARTY_AGENT)
    code = """
from ble_agents import create_agent
from ble_sim.plugins.registries import AGENTS
options = AGENTS.get("steady").options_type(action=2)
agents = create_agent("steady", seed=9), create_agent("steady", options=options)
print(AGENTS.origin("steady"), [agent.step(0.0, None) for agent in agents], agents[0].seed)
"""
    assert run_python(code, tmp_path) == "steady-agents 3.1 [1, 2] 9"


def test_every_built_in_says_what_it_does_and_has_default_options():
    for name in agent_names():
        registration = AGENTS.get(name)
        assert registration.summary
        registration.options_type()


def test_an_unknown_agent_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match=r"Unknown agent 'StationSeeker'. Did you mean 'station_seeker'\?"):
        create_agent("StationSeeker")


def test_options_of_another_agent_are_refused():
    with pytest.raises(
        TypeError, match=r"options of agent 'random' are a ble_sim.plugins.records.NoOptions, not Station"
    ):
        create_agent("random", options=StationSeekerOptions())
    create_agent("random", options=NoOptions())


def test_options_must_be_a_dataclass():
    class Options:
        pass

    @dataclass(frozen=True)
    class DataclassOptions:
        pass

    AgentRegistration("mine", "my_package:MyAgent", DataclassOptions)
    with pytest.raises(TypeError, match="options_type of agent 'mine' is no dataclass"):
        AgentRegistration("mine", "my_package:MyAgent", Options)


def test_listing_agents_and_their_options_imports_nothing_heavy():
    code = """
from ble_agents import agent_names, Agent, AgentMode
from ble_sim.plugins.registries import AGENTS
assert [AGENTS.get(name).options_type for name in agent_names()]
import sys
print(sorted(sys.modules.keys() & {"jax", "flax", "numpy", "gymnasium", "ble_env"}))
"""
    assert run_python(code) == "[]"


def test_an_agent_is_made_without_the_networks_and_weights_of_others():
    code = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import numpy as np
from ble_agents import create_agent
for name in ("random", "random_walk", "station_seeker"):
    create_agent(name).begin_episode(np.zeros(1099, np.float32))
models = [path for path in opened if path.endswith(".npz")]
networks = sys.modules.keys() & {"flax", "ble_agents.networks.quantile", "ble_agents.agents.perciatelli44"}
print(models, sorted(networks))
create_agent("perciatelli44")
print([path.rpartition("/")[2] for path in opened if path.endswith(".npz")])
"""
    without, with_weights = run_python(code).splitlines()
    assert with_weights == "['perciatelli44.npz']"
    assert without == "[] []"


def test_the_package_names_what_it_does_not_have():
    import ble_agents

    assert set(ble_agents.__all__) == set(dir(ble_agents))
    with pytest.raises(AttributeError, match="'ble_agents' has no attribute 'creat_agent'"):
        ble_agents.creat_agent  # noqa: B018
