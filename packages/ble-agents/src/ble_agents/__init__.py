"""Agents that keep a stratospheric balloon near its station: their interface, the built-in ones, and the episode loop.

Names are imported when they are first used, so that listing agents needs neither jax nor any agent's weights.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

if TYPE_CHECKING:
    from ble_agents.actions import ActionError as ActionError
    from ble_agents.agent import Agent as Agent
    from ble_agents.agent import AgentMode as AgentMode
    from ble_agents.batch_policy import BatchPolicy as BatchPolicy
    from ble_agents.batch_policy import BatchPolicyAgent as BatchPolicyAgent
    from ble_agents.create import agent_names as agent_names
    from ble_agents.create import create_agent as create_agent
    from ble_agents.exported_policy import Architecture as Architecture
    from ble_agents.exported_policy import ExportedPolicy as ExportedPolicy
    from ble_agents.exported_policy import ExportedPolicyError as ExportedPolicyError
    from ble_agents.exported_policy import load_policy as load_policy
    from ble_agents.exported_policy import save_policy as save_policy
    from ble_agents.flying.episodes import EpisodeStep as EpisodeStep
    from ble_agents.flying.episodes import EpisodeSummary as EpisodeSummary
    from ble_agents.flying.episodes import EpisodeWatcher as EpisodeWatcher
    from ble_agents.flying.episodes import FlownEpisode as FlownEpisode
    from ble_agents.flying.in_batches import fly_in_batches as fly_in_batches
    from ble_agents.flying.one_by_one import fly_episode as fly_episode
    from ble_agents.flying.side_by_side import fly_side_by_side as fly_side_by_side
    from ble_agents.flying.with_views import fly_with_views as fly_with_views
    from ble_agents.networks.network import ActorCriticOutput as ActorCriticOutput
    from ble_agents.networks.network import Network as Network
    from ble_agents.policy import Policy as Policy
    from ble_agents.policy import memoryless_policy as memoryless_policy
    from ble_agents.policy import next_key as next_key
    from ble_agents.policy import start_stream as start_stream
    from ble_agents.policy_agent import PolicyAgent as PolicyAgent
    from ble_agents.view_policy import ViewPolicy as ViewPolicy
    from ble_agents.view_policy import ViewPolicyAgent as ViewPolicyAgent
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "actions": "ActionError",
            "agent": "Agent AgentMode",
            "batch_policy": "BatchPolicy BatchPolicyAgent",
            "create": "agent_names create_agent",
            "exported_policy": "Architecture ExportedPolicy ExportedPolicyError load_policy save_policy",
            "flying.episodes": "EpisodeStep EpisodeSummary EpisodeWatcher FlownEpisode",
            "flying.in_batches": "fly_in_batches",
            "flying.one_by_one": "fly_episode",
            "flying.side_by_side": "fly_side_by_side",
            "flying.with_views": "fly_with_views",
            "networks.network": "ActorCriticOutput Network",
            "policy": "Policy memoryless_policy next_key start_stream",
            "policy_agent": "PolicyAgent",
            "view_policy": "ViewPolicy ViewPolicyAgent",
        },
    )
