"""Networks that estimate quantiles of the return."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ble_agents.networks.mlp import MLP
from ble_agents.options import HIDDEN_SIZES, NUM_QUANTILES, MatrixPrecision, QuantileNetworkOptions

fan_in_uniform = nn.initializers.variance_scaling(1.0 / 3.0**0.5, "fan_in", "uniform")
"""Initial distribution of the kernels of quantile networks; biases start at zero."""


class QuantileNetwork(nn.Module):
    """Quantiles of each action's return (Dabney et al. 2018, quantile regression)."""

    num_actions: int
    num_quantiles: int = NUM_QUANTILES
    hidden_sizes: Sequence[int] = HIDDEN_SIZES
    kernel_init: Callable[..., Any] = fan_in_uniform
    precision: MatrixPrecision = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., inputs] -> [..., num_actions, num_quantiles]."""
        size = self.num_actions * self.num_quantiles
        mlp = MLP(self.hidden_sizes, size, self.kernel_init, self.precision, name="mlp")
        return mlp(x).reshape(*x.shape[:-1], self.num_actions, self.num_quantiles)

    @nn.nowrap
    def preferences(self, output: jax.Array) -> jax.Array:
        """The expected returns."""
        return expected_returns(output)


def quantile_network(
    num_actions: int, *, options: QuantileNetworkOptions = QuantileNetworkOptions()
) -> QuantileNetwork:
    """The network of these options."""
    return QuantileNetwork(num_actions, options.num_quantiles, options.hidden_sizes, precision=options.precision)


def expected_returns(quantiles: jax.Array) -> jax.Array:
    """Q values [..., actions] of quantiles [..., actions, quantiles]: their means."""
    return jnp.mean(quantiles, axis=-1)
