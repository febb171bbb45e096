"""The registry of agents, and making an agent by name."""

from collections.abc import Sequence
from typing import Any

from ble_agents import builtin_agents, hookspecs
from ble_agents.agent import Agent
from ble_agents.registration import AgentRegistration
from ble_sim.plugins import Registry, resolve

AGENTS: Registry[AgentRegistration] = Registry(
    kind="agent",
    group="ble.agents",
    hookspecs=hookspecs,
    hook="ble_register_agents",
    builtins=(builtin_agents,),
    record_type=AgentRegistration,
)


def agent_names() -> list[str]:
    """The names that `create_agent` knows, sorted."""
    return AGENTS.names()


def create_agent(
    name: str,
    num_actions: int = 3,
    observation_shape: Sequence[int] = (1099,),
    *,
    seed: int | None = None,
    config: Any = None,
) -> Agent:
    """Make the agent called `name`.

    Args:
        name: one of `agent_names()`.
        num_actions: how many actions the environment has; three in the benchmark.
        observation_shape: shape of its observations; (1099,) in the benchmark.
        seed: of the agent's random draws; None draws one.
        config: the agent's options, an instance of its registration's `config_type`; None for the defaults.

    Raises:
        UnknownNameError: no agent has this name.
        TypeError: `config` is not that of this agent.
    """
    registration = AGENTS.get(name)
    config = registration.config_type() if config is None else config
    if not isinstance(config, registration.config_type):
        wanted = f"{registration.config_type.__module__}.{registration.config_type.__qualname__}"
        raise TypeError(f"The options of agent {name!r} are a {wanted}, not {config!r}.")
    return resolve(registration.constructor)(num_actions, observation_shape, seed=seed, config=config)
