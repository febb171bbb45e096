"""Multilayer perceptrons."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from flax import linen as nn

from ble_agents.networks.network import ActorCriticOutput
from ble_agents.options import ActorCriticMLPOptions, MatrixPrecision, QValueNetworkOptions


class MLP(nn.Module):
    """ReLU layers and a linear output; parameters `Dense_0`, `Dense_1`, ... in the order of the layers.

    As a `Network` its outputs are the preferences, such as the expected returns of the actions.
    """

    hidden_sizes: Sequence[int]
    output_size: int
    kernel_init: Callable[..., Any] = nn.initializers.glorot_uniform()
    precision: MatrixPrecision = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., inputs] -> [..., output_size]."""
        for size in self.hidden_sizes:
            x = nn.relu(nn.Dense(size, kernel_init=self.kernel_init, precision=self.precision)(x))
        return nn.Dense(self.output_size, kernel_init=self.kernel_init, precision=self.precision)(x)

    @nn.nowrap
    def preferences(self, output: jax.Array) -> jax.Array:
        """The outputs themselves."""
        return output


def q_value_network(num_actions: int, *, options: QValueNetworkOptions = QValueNetworkOptions()) -> MLP:
    """The network that estimates the expected return of each action."""
    return MLP(options.hidden_sizes, num_actions, precision=options.precision)


class ActorCriticMLP(nn.Module):
    """Actor and critic over vectors: two networks of tanh layers, with orthogonal kernels at the start.

    Attributes:
        num_actions: number of actions.
        hidden_sizes: hidden layers of each of the two.
    """

    num_actions: int
    hidden_sizes: Sequence[int] = (64, 64)

    @nn.nowrap
    def preferences(self, output: ActorCriticOutput) -> jax.Array:
        """The logits."""
        return output.logits

    @nn.compact
    def __call__(self, observation: jax.Array) -> ActorCriticOutput:
        """float32[..., inputs] -> logits [..., num_actions] and value [...]."""

        def outputs(size: int, gain: float) -> jax.Array:
            hidden = observation
            for units in self.hidden_sizes:
                hidden = nn.tanh(nn.Dense(units, kernel_init=nn.initializers.orthogonal(2.0**0.5))(hidden))
            return nn.Dense(size, kernel_init=nn.initializers.orthogonal(gain))(hidden)

        return ActorCriticOutput(outputs(self.num_actions, 0.01), outputs(1, 1.0)[..., 0])


def actor_critic_mlp(num_actions: int, *, options: ActorCriticMLPOptions = ActorCriticMLPOptions()) -> ActorCriticMLP:
    """The network of these options."""
    return ActorCriticMLP(num_actions, options.hidden_sizes)
