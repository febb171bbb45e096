"""Uniformly random actions."""

from collections.abc import Sequence
from functools import cache

import jax
import jax.numpy as jnp

from ble_agents.policy import Policy
from ble_agents.policy_agent import PolicyAgent
from ble_sim.precision import reference_layout


@cache
def random_policy(num_actions: int) -> Policy:
    """Draws every action uniformly, from the numbers below `num_actions`."""

    def draw(key: jax.Array) -> jax.Array:
        with reference_layout():
            return jax.random.randint(key, (), 0, num_actions, jnp.int32)

    return Policy(
        params=(),
        init=lambda params, key, observation: ((), draw(key)),
        step=lambda params, key, carry, observation, reward: ((), draw(key)),
    )


class RandomAgent(PolicyAgent):
    """Draws every action uniformly."""

    def __init__(self, num_actions: int, observation_shape: Sequence[int], *, seed: int | None = None) -> None:
        super().__init__(num_actions, observation_shape, random_policy(num_actions), seed)
