"""DQN: learns the expected return (Mnih et al. 2015, https://doi.org/10.1038/nature14236)."""

from collections.abc import Sequence

import jax

from ble_agents.exported_policy import Architecture
from ble_train.algorithms.losses import of_actions, squared_errors, value_targets
from ble_train.algorithms.options import DqnOptions
from ble_train.algorithms.replay_learner import ReplayAgent, ValueLearning
from ble_train.replay.memory import Batch


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
        options: options.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: DqnOptions = DqnOptions(),
    ) -> None:
        learning = dqn_learning(num_actions, tuple(observation_shape), options.hidden_sizes)
        super().__init__(learning, seed, options)
