"""Losses of learned values, one for each sample."""

import jax
import jax.numpy as jnp

from ble_agents.networks.quantile import expected_returns


def quantile_huber_losses(quantiles: jax.Array, targets: jax.Array, kappa: float = 1.0) -> jax.Array:
    """Quantile regression with a Huber loss, float32[batch]; eq. 9 and 10 of Dabney et al. 2018.

    "Distributional reinforcement learning with quantile regression", https://arxiv.org/abs/1710.10044, where the mean
    over target samples and the sum over quantiles stand in algorithm 1.

    Args:
        quantiles: [batch, quantiles], estimated at the fractions (i + 1/2) / quantiles.
        targets: [batch, samples] of the return.
        kappa: where the Huber loss turns from a parabola into a line.
    """
    num_quantiles = quantiles.shape[-1]
    fractions = (jnp.arange(num_quantiles, dtype=jnp.float32) + 0.5) / num_quantiles
    errors = targets[:, None, :] - quantiles[:, :, None]
    sizes = jnp.abs(errors)
    huber = jnp.where(sizes <= kappa, 0.5 * jnp.square(errors), kappa * (sizes - 0.5 * kappa))
    weights = jnp.abs(fractions[:, None] - (errors < 0.0))
    return (weights * huber / kappa).mean(axis=2).sum(axis=1)


def quantile_targets(rewards: jax.Array, discounts: jax.Array, next_quantiles: jax.Array) -> jax.Array:
    """Samples of the return, float32[batch, quantiles]: the rewards, then the action of the largest mean.

    Args:
        rewards, discounts: [batch].
        next_quantiles: [batch, actions, quantiles] of the target network, which also chooses the action.
    """
    best = jnp.argmax(expected_returns(next_quantiles), axis=1)
    return rewards[:, None] + discounts[:, None] * of_actions(next_quantiles, best)


def squared_errors(values: jax.Array, targets: jax.Array) -> jax.Array:
    """Squared errors of temporal differences, float32[batch]; Mnih et al. 2015, https://doi.org/10.1038/nature14236."""
    return jnp.square(targets - values)


def value_targets(rewards: jax.Array, discounts: jax.Array, next_values: jax.Array) -> jax.Array:
    """Estimates of the return, float32[batch]: the rewards, then the action of the largest value.

    Args:
        rewards, discounts: [batch].
        next_values: [batch, actions] of the target network.
    """
    return rewards + discounts * next_values.max(axis=1)


def of_actions(values: jax.Array, actions: jax.Array) -> jax.Array:
    """Each sample's values of one action: [batch, actions, ...] and int[batch] give [batch, ...]."""
    return values[jnp.arange(len(actions)), actions]
