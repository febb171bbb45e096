"""Agents that fly stratospheric balloons: the interface, the built-in agents, and making one by name.

Names are imported when first used, so that listing agents needs neither jax nor any agent's weights.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ble_agents.agent import Agent, AgentMode
    from ble_agents.plugins import agent_names, create_agent
    from ble_agents.policy import Policy, PolicyAgent
    from ble_agents.registration import AgentRegistration

__all__ = [
    "Agent",
    "AgentMode",
    "AgentRegistration",
    "Policy",
    "PolicyAgent",
    "agent_names",
    "create_agent",
]

_MODULES = {
    "Agent": "agent",
    "AgentMode": "agent",
    "AgentRegistration": "registration",
    "Policy": "policy",
    "PolicyAgent": "policy",
    "agent_names": "plugins",
    "create_agent": "plugins",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
