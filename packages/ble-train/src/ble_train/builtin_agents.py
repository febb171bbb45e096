"""The agents that learn, registered through the same hook as anyone's."""

from ble_agents.registration import AgentRegistration
from ble_sim.plugins import hookimpl
from ble_train.agent_configs import DqnConfig, FinetuneConfig, MlpConfig, PpoConfig, QuantileConfig


@hookimpl
def ble_register_agents() -> list[AgentRegistration]:
    """The four that the benchmark came with, and one that learns from many environments at once."""
    return [
        AgentRegistration(
            name="ppo",
            constructor="ble_train.ppo:PpoAgent",
            config_type=PpoConfig,
            summary="Learns to score the levels of the wind column from many environments at once (PPO).",
        ),
        AgentRegistration(
            name="quantile",
            constructor="ble_train.quantile:QuantileAgent",
            config_type=QuantileConfig,
            summary="Learns quantiles of the return from a replay memory (QR-DQN).",
        ),
        AgentRegistration(
            name="dqn",
            constructor="ble_train.dqn:DqnAgent",
            config_type=DqnConfig,
            summary="Learns the expected return from a replay memory (DQN).",
        ),
        AgentRegistration(
            name="finetune_perciatelli",
            constructor="ble_train.finetune_perciatelli:FinetunePerciatelliAgent",
            config_type=FinetuneConfig,
            summary="QR-DQN that starts as the published agent.",
        ),
        AgentRegistration(
            name="mlp",
            constructor="ble_train.mlp:MlpAgent",
            config_type=MlpConfig,
            summary="Learns from each step as it comes, with a linear map or a small network (SARSA).",
        ),
    ]
