"""DQN: learns the expected return (Mnih et al. 2015, https://doi.org/10.1038/nature14236)."""

from collections.abc import Sequence

import jax

from ble_agents.frozen_policy import Architecture
from ble_train.agent_configs import DqnConfig
from ble_train.losses import of_actions, squared_errors, value_targets
from ble_train.replay import Batch
from ble_train.replay_agent import ReplayAgent, ValueLearning


def dqn_learning(num_actions: int, observation_shape: tuple[int, ...], hidden_sizes: tuple[int, ...]) -> ValueLearning:
    """Learning of expected returns by a network of this size."""
    options = (("hidden_sizes", hidden_sizes), ("precision", "highest"))
    architecture = Architecture("q_values", observation_shape, num_actions, options)
    # The loss is a squared error; its name in logs is that of the original.
    return ValueLearning(architecture, dqn_losses, "HuberLoss")


def dqn_losses(values: jax.Array, next_values: jax.Array, batch: Batch) -> jax.Array:
    """Losses [batch] of values [batch, actions]."""
    targets = value_targets(batch.reward, batch.discount, next_values)
    return squared_errors(of_actions(values, batch.action), targets)


class DqnAgent(ReplayAgent):
    """Learns the expected return and takes the action of the largest.

    Args:
        seed: of the network's start and of the draws; None draws one.
        config: options.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        config: DqnConfig = DqnConfig(),
    ) -> None:
        learning = dqn_learning(num_actions, tuple(observation_shape), config.hidden_sizes)
        super().__init__(learning, seed, config)
