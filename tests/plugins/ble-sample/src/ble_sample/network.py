"""A network with an option, which exported policies can name."""

import jax
from flax import linen as nn

from ble_sample.options import TanhOptions


class TanhNetwork(nn.Module):
    """One hidden layer of tanh; its outputs are the preferences for the actions."""

    num_actions: int
    hidden_size: int

    @nn.compact
    def __call__(self, observation: jax.Array) -> jax.Array:
        return nn.Dense(self.num_actions)(nn.tanh(nn.Dense(self.hidden_size)(observation)))

    @nn.nowrap
    def preferences(self, output: jax.Array) -> jax.Array:
        return output


def tanh_network(num_actions: int, options: TanhOptions = TanhOptions()) -> TanhNetwork:
    """The network of these options."""
    return TanhNetwork(num_actions, options.hidden_size)
