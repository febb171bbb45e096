"""QR-DQN: learns quantiles of the return (Dabney et al. 2018, https://arxiv.org/abs/1710.10044)."""

from collections.abc import Sequence

import jax

from ble_agents.exported_policy import Architecture
from ble_agents.networks.quantile import HIDDEN_SIZES, NUM_QUANTILES
from ble_train.algorithms.losses import of_actions, quantile_huber_losses, quantile_targets
from ble_train.algorithms.options import QuantileOptions
from ble_train.algorithms.replay_learner import ReplayAgent, ValueLearning
from ble_train.replay.memory import Batch


def quantile_learning(
    num_actions: int,
    observation_shape: tuple[int, ...],
    num_quantiles: int = NUM_QUANTILES,
    hidden_sizes: tuple[int, ...] = HIDDEN_SIZES,
) -> ValueLearning:
    """Learning of quantiles by a network of this size."""
    # As in Perciatelli44: accelerators round the factors of products unless told not to.
    options = (("hidden_sizes", hidden_sizes), ("num_quantiles", num_quantiles), ("precision", "highest"))
    architecture = Architecture("quantile", observation_shape, num_actions, options)
    return ValueLearning(architecture, quantile_losses, "QuantileLoss")


def quantile_losses(quantiles: jax.Array, next_quantiles: jax.Array, batch: Batch) -> jax.Array:
    """Losses [batch] of quantiles [batch, actions, quantiles]."""
    targets = quantile_targets(batch.reward, batch.discount, next_quantiles)
    return quantile_huber_losses(of_actions(quantiles, batch.action), targets)


class QuantileAgent(ReplayAgent):
    """Learns quantiles of the return and takes the action of the largest mean.

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
        options: QuantileOptions = QuantileOptions(),
    ) -> None:
        shape = tuple(observation_shape)
        learning = quantile_learning(num_actions, shape, options.num_quantiles, options.hidden_sizes)
        super().__init__(learning, seed, options)
