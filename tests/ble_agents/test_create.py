"""Agents that are not registered: "package.module:Class"."""

import hashlib
import sys

import numpy as np
import pytest
from agent_fakes import STEADY
from installed_plugins import run_python

from ble_agents import Agent, create_agent
from ble_agents.create import AgentClassError, agent_label, agent_origin, find_agent
from ble_sim.plugins import NoOptions, UnknownNameError

SOURCE = (
    STEADY
    + '''
Steady.Inner = Steady

class NoSeed(Steady):
    def __init__(self, num_actions, observation_shape, options=None):
        pass

class Short(Agent):
    def begin_episode(self, observation):
        return 2

    def step(self, reward, observation):
        return 2

    def end_episode(self, reward, terminal=True):
        pass

class Unfinished(Agent):
    def begin_episode(self, observation):
        return 0

class OptionsOfAnotherKind(Steady):
    options_type = dict

class Other:
    pass

def make(num_actions, observation_shape, *, seed=None):
    """A function will do."""
    return Steady(num_actions, observation_shape)

def make_other(num_actions, observation_shape, *, seed=None):
    return Other()

VALUE = 3
'''
)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module in the current directory, which is not on the path."""
    name = f"steady_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield name
    sys.modules.pop(name, None)


def test_a_class_is_found_in_the_current_directory_with_its_options(module):
    found = find_agent(f"{module}:Steady")
    assert (found.name, found.summary) == (f"{module}:Steady", "Always the same.")
    options = found.options_type(action=2)
    assert create_agent(f"{module}:Steady", options=options).begin_episode(np.zeros(1)) == 2
    assert create_agent(f"{module}:Steady").begin_episode(np.zeros(1)) == 1
    assert create_agent(f"{module}:Steady.Inner").begin_episode(np.zeros(1)) == 1
    assert create_agent(f"{module}:make", 4, (2,)).begin_episode(np.zeros(2)) == 1
    assert create_agent(f"{module}:Short", seed=1).begin_episode(np.zeros(1)) == 2  # It has no constructor of its own.


def test_the_origin_is_the_file_with_its_digest(module, tmp_path):
    digest = hashlib.sha256(SOURCE.encode()).hexdigest()
    assert agent_origin(f"{module}:Steady") == f"{module}.py, SHA-256 {digest}"
    assert agent_label(f"{module}:Steady") == "Steady"
    assert (agent_label("station_seeker"), agent_label("~/agents/mine.npz")) == ("station_seeker", "mine")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("{}:Stedy", r"There is no 'Stedy' in the module '{}' \(.*{}\.py\)\. Classes of agents there: .*Steady.*Unfin"),
        ("{}:VALUE", r"'VALUE' in the module .* is no agent: give a subclass of ble_agents\.Agent"),
        ("{}:Other", r"'Other' in the module .* is no agent"),
        ("{}:Agent", r"'Agent' in the module .* is no agent"),
        ("{}:Unfinished", r"'Unfinished' in the module .* lacks methods of an agent: end_episode, step\."),
        ("{}:NoSeed", r"must be constructed as NoSeed\(num_actions, observation_shape, \*, seed, options\): .*'seed'"),
        ("{}:OptionsOfAnotherKind", r"options_type of agent '{}:OptionsOfAnotherKind' is no dataclass"),
        ("{}.py:Steady", r"There is no module '{}\.py' .*: give the name without \.py, {}:Steady\."),
        (
            "no_such_module:Steady",
            r"There is no module 'no_such_module' for the agent .* nor in .*: install it",
        ),
        ("ble_agents.no_such:Steady", r"There is no module 'ble_agents\.no_such'"),
        ("{}:", r"is neither a registered name nor of the form package\.module:Class"),
        (":Steady", r"is neither a registered name nor of the form"),
        ("./{}:Steady", r"is neither a registered name nor of the form"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_remedy(module, name, message):
    with pytest.raises(AgentClassError, match=message.replace("{}", module)) as caught:
        find_agent(name.format(module))
    assert isinstance(caught.value, UnknownNameError)


def test_a_function_that_makes_something_else(module):
    with pytest.raises(AgentClassError, match=r":make_other made a Other, which is no ble_agents\.Agent"):
        create_agent(f"{module}:make_other")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_dependency", r"cannot be imported: No module named 'no_such_dependency'"),
        ("1 / 0", r"cannot be imported: ZeroDivisionError: division by zero"),
        ("def", r"cannot be imported: SyntaxError"),
        ("raise SystemExit('bye')", r"cannot be imported: SystemExit: bye"),
    ],
)
def test_a_module_that_fails_is_named(tmp_path, monkeypatch, source, message):
    name = f"failing_{hashlib.md5(source.encode()).hexdigest()}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(AgentClassError, match=f"The module '{name}' of the agent '{name}:Mine' {message}"):
        find_agent(f"{name}:Mine")


def test_installed_modules_come_before_those_of_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "decimal.py").write_text(SOURCE)
    code = f"""
import os, sys
os.chdir({str(tmp_path)!r})
sys.path = [folder for folder in sys.path if folder]
from ble_agents.create import find_agent
try:
    find_agent("decimal:Steady")
except ValueError as error:
    print(error)
"""
    assert run_python(code).startswith("There is no 'Steady' in the module 'decimal' (")


def test_a_class_of_an_installed_package():
    assert find_agent("ble_agents.agents.random:RandomAgent").options_type is NoOptions
    assert isinstance(create_agent("ble_agents.agents.random:RandomAgent", seed=1), Agent)
