"""Agents that keep a stratospheric balloon near its station: their interface, the built-in ones, and the episode loop.

Names are imported when they are first used, so that listing agents needs neither jax nor any agent's weights.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

if TYPE_CHECKING:
    from ble_agents.agent import Agent, AgentMode
    from ble_agents.create import agent_names, create_agent
    from ble_agents.exported_policy import (
        Architecture,
        ExportedPolicy,
        ExportedPolicyError,
        load_policy,
        save_policy,
    )
    from ble_agents.flying import EpisodeStep, EpisodeSummary, FlownEpisode, fly_episode, fly_side_by_side
    from ble_agents.networks.network import Network
    from ble_agents.policy import Policy, memoryless_policy, next_key, start_stream
    from ble_agents.policy_agent import PolicyAgent

__all__ = [
    "Agent",
    "AgentMode",
    "Architecture",
    "EpisodeStep",
    "EpisodeSummary",
    "ExportedPolicy",
    "ExportedPolicyError",
    "FlownEpisode",
    "Network",
    "Policy",
    "PolicyAgent",
    "agent_names",
    "create_agent",
    "fly_episode",
    "fly_side_by_side",
    "load_policy",
    "memoryless_policy",
    "next_key",
    "save_policy",
    "start_stream",
]

_MODULES = {
    "Agent": "agent",
    "AgentMode": "agent",
    "Architecture": "exported_policy",
    "EpisodeStep": "flying",
    "EpisodeSummary": "flying",
    "ExportedPolicy": "exported_policy",
    "ExportedPolicyError": "exported_policy",
    "FlownEpisode": "flying",
    "Network": "networks.network",
    "Policy": "policy",
    "PolicyAgent": "policy_agent",
    "agent_names": "create",
    "create_agent": "create",
    "fly_episode": "flying",
    "fly_side_by_side": "flying",
    "load_policy": "exported_policy",
    "memoryless_policy": "policy",
    "next_key": "policy",
    "save_policy": "exported_policy",
    "start_stream": "policy",
}


__getattr__, __dir__ = lazy_names(__name__, _MODULES)
