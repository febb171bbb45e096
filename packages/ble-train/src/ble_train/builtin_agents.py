"""The agents that learn, registered through the same hook as anyone's."""

from ble_agents.registration import AgentRegistration
from ble_sim.plugins.registry import hookimpl
from ble_train.algorithms.options import DqnOptions, FinetuneOptions, MlpOptions, PpoOptions, QuantileOptions


@hookimpl
def ble_register_agents() -> list[AgentRegistration]:
    """The four that the benchmark came with, and one that learns from many environments at once."""
    return [
        AgentRegistration(
            name="ppo",
            constructor="ble_train.algorithms.ppo:PpoAgent",
            options_type=PpoOptions,
            summary="Learns to score the levels of the wind column from many environments at once (PPO).",
        ),
        AgentRegistration(
            name="quantile",
            constructor="ble_train.algorithms.qr_dqn:QuantileAgent",
            options_type=QuantileOptions,
            summary="Learns quantiles of the return from a replay memory (QR-DQN).",
        ),
        AgentRegistration(
            name="dqn",
            constructor="ble_train.algorithms.dqn:DqnAgent",
            options_type=DqnOptions,
            summary="Learns the expected return from a replay memory (DQN).",
        ),
        AgentRegistration(
            name="finetune_perciatelli",
            constructor="ble_train.algorithms.finetune_perciatelli:FinetunePerciatelliAgent",
            options_type=FinetuneOptions,
            summary="QR-DQN that starts as the published agent.",
        ),
        AgentRegistration(
            name="mlp",
            constructor="ble_train.algorithms.sarsa:MlpAgent",
            options_type=MlpOptions,
            summary="Learns from each step as it comes, with a linear map or a small network (SARSA).",
        ),
    ]
