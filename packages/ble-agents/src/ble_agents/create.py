"""Agents by name."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ble_agents.agent import Agent
from ble_sim.plugins import AgentRegistration
from ble_sim.plugins.registries import AGENTS

EXPORTED_SUFFIX = ".npz"
"""Suffix of the files that hold an exported agent."""


def agent_names() -> list[str]:
    """The names that `create_agent` knows, sorted."""
    return AGENTS.names()


def find_agent(name: str) -> AgentRegistration:
    """The agent called `name`, or the one in the file of that name if it ends in ".npz".

    Raises:
        UnknownNameError: no agent has this name.
        DuplicateNameError: several plugins claim it.
    """
    if not name.endswith(EXPORTED_SUFFIX):
        return AGENTS.get(name)

    def construct(*arguments: Any, **keywords: Any) -> Agent:
        from ble_agents.agents.exported import TrainedAgent  # only now: it brings jax

        return TrainedAgent(Path(name), *arguments, **keywords)

    return AgentRegistration(name, construct, summary="An exported agent.")


def agent_origin(name: str) -> str:
    """Where the agent called `name` comes from: "distribution version", or the digest of an exported agent's file.

    Raises as `find_agent` does, and OSError where the file cannot be read.
    """
    if not name.endswith(EXPORTED_SUFFIX):
        return str(AGENTS.origin(name))
    return f"{Path(name).name}, SHA-256 {hashlib.sha256(Path(name).read_bytes()).hexdigest()}"


def create_agent(
    name: str,
    num_actions: int = 3,
    observation_shape: Sequence[int] = (1099,),
    *,
    seed: int | None = None,
    options: Any = None,
) -> Agent:
    """Make the agent called `name`.

    Args:
        name: one of `agent_names()`, or the path of an exported agent, NAME.npz.
        num_actions: how many actions the environment has; three in the benchmark.
        observation_shape: shape of its observations; (1099,) in the benchmark.
        seed: of the agent's random draws; None draws one.
        options: the agent's options, an instance of its registration's `options_type`; None for the defaults.

    Raises:
        UnknownNameError: no agent has this name.
        TypeError: `options` is not that of this agent.
    """
    return find_agent(name).construct(num_actions, observation_shape, seed=seed, options=options)
