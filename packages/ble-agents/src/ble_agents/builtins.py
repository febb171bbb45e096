"""The agents of the benchmark, registered through the same hook as anyone's."""

from ble_agents.options import RandomWalkOptions, StationSeekerOptions
from ble_agents.registration import AgentRegistration
from ble_sim.plugins.registry import hookimpl


@hookimpl
def ble_register_agents() -> list[AgentRegistration]:
    """Two that do not look where they fly, the hand-made controller and three that were learned."""
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
            summary="The published agent learned by reinforcement learning, with its weights frozen.",
        ),
        AgentRegistration(
            name="windward",
            constructor="ble_agents.agents.shipped:Windward",
            summary="Trained from scratch by this project: scores the levels of the wind column with a small network.",
        ),
        AgentRegistration(
            name="tradewind",
            constructor="ble_agents.agents.shipped:Tradewind",
            summary="Perciatelli44 after more training by this project, in the benchmark's winds: the best there is.",
        ),
    ]
