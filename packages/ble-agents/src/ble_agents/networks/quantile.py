"""Neural networks of the learned agents."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

HIDDEN_SIZES = (600,) * 7
"""The trunk of the published agent."""
NUM_QUANTILES = 51

fan_in_uniform = nn.initializers.variance_scaling(1.0 / 3.0**0.5, "fan_in", "uniform")
"""How the kernels of quantile networks start; biases start at zero."""


class MLP(nn.Module):
    """ReLU layers and a linear output; parameters `Dense_0`, `Dense_1`, ... in the order of the layers."""

    hidden_sizes: Sequence[int]
    output_size: int
    kernel_init: Callable[..., Any] = nn.initializers.glorot_uniform()
    precision: jax.lax.Precision | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., inputs] -> [..., output_size]."""
        for size in self.hidden_sizes:
            x = nn.relu(nn.Dense(size, kernel_init=self.kernel_init, precision=self.precision)(x))
        return nn.Dense(self.output_size, kernel_init=self.kernel_init, precision=self.precision)(x)


class QuantileNetwork(nn.Module):
    """Quantiles of each action's return (Dabney et al. 2018, quantile regression)."""

    num_actions: int
    num_quantiles: int = NUM_QUANTILES
    hidden_sizes: Sequence[int] = HIDDEN_SIZES
    kernel_init: Callable[..., Any] = fan_in_uniform
    precision: jax.lax.Precision | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., inputs] -> [..., num_actions, num_quantiles]."""
        mlp = MLP(
            self.hidden_sizes,
            self.num_actions * self.num_quantiles,
            kernel_init=self.kernel_init,
            precision=self.precision,
            name="mlp",
        )
        return mlp(x).reshape(*x.shape[:-1], self.num_actions, self.num_quantiles)


def expected_returns(quantiles: jax.Array) -> jax.Array:
    """Q values [..., actions] of quantiles [..., actions, quantiles]: their means."""
    return jnp.mean(quantiles, axis=-1)
