"""The plugin of ble-agents: the agents of the benchmark and those that this project trained."""

from ble_agents.options import (
    ActorCriticMLPOptions,
    ColumnPlannerOptions,
    LevelNetworkOptions,
    OracleOptions,
    PlannerOptions,
    QuantileNetworkOptions,
    QValueNetworkOptions,
    RandomWalkOptions,
    StationSeekerOptions,
)
from ble_sim.plugins import AgentRegistration, InformationTrack, NetworkRegistration, hookimpl


@hookimpl
def ble_register_agents() -> list[AgentRegistration]:
    """Two that ignore the winds, a hand-made controller, three that were trained, and three that plan."""
    return [
        AgentRegistration(
            name="random",
            constructor="ble_agents.agents.random:RandomAgent",
            summary="Draws every action uniformly.",
        ),
        AgentRegistration(
            name="random_walk",
            constructor="ble_agents.agents.random_walk:RandomWalkAgent",
            options_type=RandomWalkOptions,
            summary="Follows a target pressure that wanders at random.",
        ),
        AgentRegistration(
            name="station_seeker",
            constructor="ble_agents.agents.station_seeker:StationSeekerAgent",
            options_type=StationSeekerOptions,
            summary="Scores the wind at every reachable level by hand-made rules and steers to the best.",
        ),
        AgentRegistration(
            name="perciatelli44",
            constructor="ble_agents.agents.perciatelli44:Perciatelli44",
            summary="The published agent, trained by reinforcement learning.",
        ),
        AgentRegistration(
            name="windward",
            constructor="ble_agents.agents.shipped:Windward",
            summary="Trained from scratch by this project: scores the levels of the wind column with a small network.",
        ),
        AgentRegistration(
            name="tradewind",
            constructor="ble_agents.agents.shipped:Tradewind",
            summary="Perciatelli44 after more training here, in the benchmark's winds.",
        ),
        AgentRegistration(
            name="column_planner",
            constructor="ble_agents.agents.column_planner:ColumnPlannerAgent",
            options_type=ColumnPlannerOptions,
            summary="Plans in the winds of its column and asks Tradewind: the best on its track.",
        ),
        AgentRegistration(
            name="planner",
            constructor="ble_agents.agents.planner:PlannerAgent",
            options_type=PlannerOptions,
            summary="Plans in the forecast of the whole field, corrected by its measurements.",
            information_track=InformationTrack.FORECAST,
        ),
        AgentRegistration(
            name="oracle",
            constructor="ble_agents.agents.oracle:OracleAgent",
            options_type=OracleOptions,
            summary="Plans with the true wind: a lower bound of what is possible.",
            information_track=InformationTrack.ORACLE,
        ),
    ]


@hookimpl
def ble_register_networks() -> list[NetworkRegistration]:
    """The networks of exported policies."""
    return [
        NetworkRegistration(
            name="quantile",
            constructor="ble_agents.networks.quantile:quantile_network",
            options_type=QuantileNetworkOptions,
            summary="Estimates quantiles of each action's return.",
        ),
        NetworkRegistration(
            name="q_values",
            constructor="ble_agents.networks.mlp:q_value_network",
            options_type=QValueNetworkOptions,
            summary="Estimates each action's expected return.",
        ),
        NetworkRegistration(
            name="levels",
            constructor="ble_agents.networks.levels:level_network",
            options_type=LevelNetworkOptions,
            summary="Scores the levels of the wind column.",
        ),
        NetworkRegistration(
            name="actor_critic_mlp",
            constructor="ble_agents.networks.mlp:actor_critic_mlp",
            options_type=ActorCriticMLPOptions,
            summary="Logits of the actions and the expected return of any vector (PPO).",
        ),
    ]
