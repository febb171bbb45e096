"""The plugin of ble-train: the agents that learn, and collectors of training statistics."""

from ble_sim.plugins import AgentRegistration, CollectorRegistration, hookimpl
from ble_train.algorithms.options import DqnOptions, FinetuneOptions, MlpOptions, PpoOptions, QuantileOptions
from ble_train.collectors.options import ConsoleOptions, TensorboardOptions


@hookimpl
def ble_register_agents() -> list[AgentRegistration]:
    """The four agents of the benchmark, and PPO."""
    return [
        AgentRegistration(
            name="ppo",
            constructor="ble_train.algorithms.ppo_agent:PpoAgent",
            options_type=PpoOptions,
            summary="Learns a policy from many environments at once, by default from the wind's levels (PPO).",
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
            constructor="ble_train.algorithms.qr_dqn:FinetunePerciatelliAgent",
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


@hookimpl
def ble_register_collectors() -> list[CollectorRegistration]:
    """Lines of text, scalars for TensorBoard, and two kinds of files."""
    return [
        CollectorRegistration(
            name="console",
            constructor="ble_train.collectors.console:ConsoleCollector",
            options_type=ConsoleOptions,
            summary="Prints a line for each episode and keeps it in a log.",
        ),
        CollectorRegistration(
            name="tensorboard",
            constructor="ble_train.collectors.tensorboard:TensorboardCollector",
            options_type=TensorboardOptions,
            summary="Writes rewards and lengths of episodes, and the agent's losses, for TensorBoard.",
        ),
        CollectorRegistration(
            name="json_lines",
            constructor="ble_train.collectors.json_lines:JsonLinesCollector",
            summary="Writes one JSON object for each episode.",
        ),
        CollectorRegistration(
            name="pickle",
            constructor="ble_train.collectors.pickle_collector:PickleCollector",
            summary="Writes all transitions of each episode to a pickle file of its own.",
        ),
    ]
