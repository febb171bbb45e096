"""The interface of the networks that choose actions."""

from typing import Any, NamedTuple, Protocol

import jax

from ble_agents.policy import Params


class Network(Protocol):
    """A neural network as pure functions, and the preferences for actions in its output. `flax.linen` modules fit.

    The output may hold more than the preferences: quantiles of returns, or the value of a state. Instances of equal
    options are equal and hashable, so that they share compiled code.
    """

    def init(self, key: jax.Array, observation: jax.Array, /) -> Any:
        """Parameters at the start of training, a pytree of float32 arrays. Traceable by JAX."""
        ...

    def apply(self, params: Params, observation: jax.Array, /) -> Any:
        """The output for observations [...]. Traceable and differentiable by JAX."""
        ...

    def preferences(self, output: Any, /) -> jax.Array:
        """Preferences float32[..., actions] in an output; the greedy action has the largest."""
        ...


class ActorCriticOutput(NamedTuple):
    """The output of an actor-critic network for observations with leading axes [...]."""

    logits: jax.Array
    """float32[..., actions]"""
    value: jax.Array
    """float32[...], the expected return."""
