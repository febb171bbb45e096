"""DQN: learns the expected return and takes the action of the largest.

Mnih et al. 2015, "Human-level control through deep reinforcement learning" (https://doi.org/10.1038/nature14236).
The schedule and the update are those of all values learned from a replay memory: see `replay_learner`.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ble_train.algorithms.networks import q_network
from ble_train.algorithms.options import DqnOptions
from ble_train.algorithms.replay_learner import Objective, ReplayLearner, values_of
from ble_train.replay.memory import Batch


def dqn_targets(rewards: jax.Array, discounts: jax.Array, next_values: jax.Array) -> jax.Array:
    """Estimates of the return, float32[batch]: y = r + gamma max_a Q(x', a); algorithm 1 of Mnih et al. 2015.

    Args:
        rewards: r, [batch], the discounted sum of the rewards up to x'.
        discounts: gamma, [batch], the discount of the return from x' on.
        next_values: Q(x'), [batch, actions], of the target network.
    """
    return rewards + discounts * next_values.max(axis=1)


def dqn_losses(values: jax.Array, next_values: jax.Array, batch: Batch) -> jax.Array:
    """Losses (y - Q(x, a))^2 of samples, float32[batch], from values [batch, actions] of both networks."""
    targets = dqn_targets(batch.reward, batch.discount, next_values)
    return jnp.square(targets - values_of(batch.action, values))


class DqnAgent(ReplayLearner):
    """Learns the expected return and takes the action of the largest.

    Args:
        num_actions: number of actions.
        observation_shape: shape of the observations, which are vectors.
        seed: seed of the network's start and of the random draws; None draws one.
        options: the options.

    Raises:
        ValueError: the observations are no vectors.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: DqnOptions = DqnOptions(),
    ) -> None:
        network = q_network(num_actions, observation_shape, options.hidden_sizes)
        # The loss is a squared error; its name in logs is the original's.
        super().__init__(Objective(network, dqn_losses, "HuberLoss"), seed, options)
