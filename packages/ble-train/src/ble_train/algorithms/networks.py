"""Networks of the agents that learn: random parameters, greedy actions, and the network of action values."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ble_agents.exported_policy import Architecture
from ble_agents.options import QValueNetworkOptions

greedy_actions = jax.jit(Architecture.greedy_action, static_argnums=0)


@functools.partial(jax.jit, static_argnames="architecture")
def initial_params(architecture: Architecture, key: jax.Array) -> Any:
    """Parameters of a random network."""
    return architecture.network().init(key, jnp.zeros(architecture.observation_shape, jnp.float32))


def q_network(num_actions: int, observation_shape: Sequence[int], hidden_sizes: tuple[int, ...]) -> Architecture:
    """A network of expected returns [..., actions]."""
    network_options = QValueNetworkOptions(hidden_sizes, precision="highest")
    return Architecture("q_values", tuple(observation_shape), num_actions, network_options)


def require_vectors(agent: str, observation_shape: Sequence[int]) -> None:
    """Check that observations are vectors.

    Raises:
        ValueError: they are not; the message names the agent.
    """
    if len(observation_shape) != 1:
        raise ValueError(f"{agent} observes vectors, not shape {tuple(observation_shape)}: flatten them.")
