"""QR-DQN: learns quantiles of the return and takes the action of the largest mean.

Dabney et al. 2018, "Distributional reinforcement learning with quantile regression" (https://arxiv.org/abs/1710.10044).
The schedule and the update are those of all values learned from a replay memory: see `replay_learner`.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ble_agents import create_agent
from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_agents.exported_policy import Architecture
from ble_agents.networks.quantile import expected_returns
from ble_agents.options import QuantileNetworkOptions
from ble_train.algorithms.finite import check_params
from ble_train.algorithms.options import FinetuneOptions, QuantileOptions
from ble_train.algorithms.replay_learner import Objective, ReplayLearner, values_of
from ble_train.replay.memory import Batch


def quantile_network(num_actions: int, observation_shape: Sequence[int], options: QuantileOptions) -> Architecture:
    """The network: quantiles [..., actions, quantiles]."""
    # As in Perciatelli44: accelerators round the factors of products unless the precision is given.
    network_options = QuantileNetworkOptions(options.hidden_sizes, options.num_quantiles, precision="highest")
    return Architecture("quantile", tuple(observation_shape), num_actions, network_options)


def quantile_targets(rewards: jax.Array, discounts: jax.Array, next_quantiles: jax.Array) -> jax.Array:
    """Samples of the return, float32[batch, quantiles]; algorithm 1 of Dabney et al. 2018.

        T theta_j = r + gamma theta_j(x', a*),    a* = argmax_a mean_j theta_j(x', a)

    Args:
        rewards: r, [batch], the discounted sum of the rewards up to x'.
        discounts: gamma, [batch], the discount of the return from x' on.
        next_quantiles: theta(x'), [batch, actions, quantiles], of the target network, which also chooses a*.
    """
    best = jnp.argmax(expected_returns(next_quantiles), axis=1)
    return rewards[:, None] + discounts[:, None] * values_of(best, next_quantiles)


def quantile_huber_losses(quantiles: jax.Array, targets: jax.Array, kappa: float = 1.0) -> jax.Array:
    """Quantile regression with a Huber loss, float32[batch]; eq. 9 and 10 of Dabney et al. 2018.

        sum_i mean_j |tau_i - 1(u < 0)| L_kappa(u) / kappa,    u = T theta_j - theta_i,    tau_i = (i + 1/2) / quantiles
        L_kappa(u) = u^2 / 2 if |u| <= kappa, else kappa (|u| - kappa / 2)

    The sum over quantiles i and the mean over samples j are those of its algorithm 1.

    Args:
        quantiles: theta, [batch, quantiles], of one action.
        targets: T theta, [batch, samples].
        kappa: the error at which the Huber loss turns from a parabola into a line.
    """
    num_quantiles = quantiles.shape[-1]
    fractions = (jnp.arange(num_quantiles, dtype=jnp.float32) + 0.5) / num_quantiles
    errors = targets[:, None, :] - quantiles[:, :, None]
    sizes = jnp.abs(errors)
    huber = jnp.where(sizes <= kappa, 0.5 * jnp.square(errors), kappa * (sizes - 0.5 * kappa))
    weights = jnp.abs(fractions[None, :, None] - (errors < 0.0).astype(jnp.float32))
    return (weights * huber / kappa).mean(axis=2).sum(axis=1)


def quantile_losses(quantiles: jax.Array, next_quantiles: jax.Array, batch: Batch) -> jax.Array:
    """Losses of samples, float32[batch], from quantiles [batch, actions, quantiles] of both networks."""
    targets = quantile_targets(batch.reward, batch.discount, next_quantiles)
    return quantile_huber_losses(values_of(batch.action, quantiles), targets)


class QuantileAgent(ReplayLearner):
    """Learns quantiles of the return and takes the action of the largest mean.

    Args:
        num_actions: number of actions.
        observation_shape: shape of the observations, which are vectors.
        seed: seed of the network's start and of the random draws; None draws one.
        options: the options.

    Raises:
        ValueError: the observations are no vectors, or `options.start` is no agent with this network.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: QuantileOptions = QuantileOptions(),
    ) -> None:
        architecture = quantile_network(num_actions, observation_shape, options)
        super().__init__(Objective(architecture, quantile_losses, "QuantileLoss"), seed, options)
        if options.start is not None:
            start = create_agent(options.start, num_actions, observation_shape).exported_policy()
            if start is None or start.architecture != architecture:
                raise ValueError(
                    "start must be an agent with the learner's network, which is Perciatelli44's by default,"
                    f" and {options.start!r} is none."
                )
            check_params(f"the start {options.start!r}", start.params)
            self.start_from(start.params)


class FinetunePerciatelliAgent(QuantileAgent):
    """QR-DQN whose network and target network start from Perciatelli44, or from an agent that was trained from it.

    Args:
        num_actions: number of actions.
        observation_shape: shape of the observations.
        seed: seed of the random draws; None draws one.
        options: the options.

    Raises:
        ValueError: the spaces are not the benchmark's, or `options.start` is no agent with this network.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: FinetuneOptions = FinetuneOptions(),
    ) -> None:
        require_benchmark_spaces("finetune_perciatelli", num_actions, observation_shape)
        super().__init__(num_actions, observation_shape, seed=seed, options=options)
