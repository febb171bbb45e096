"""Exploration as wrappers of an agent's pure functions."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ble_agents.agents.random_walk import DEFAULTS, random_walk_policy
from ble_agents.policy import Carry, Params, Policy
from ble_sim.constants import STEP_SECONDS


def epsilon_greedy(policy: Policy, num_actions: int) -> Policy:
    """Draw the action uniformly with probability epsilon; the parameters become (those of `policy`, epsilon)."""

    def maybe_draw(key: jax.Array, epsilon: jax.Array, action: jax.Array) -> jax.Array:
        coin, choice = jax.random.split(key)
        drawn = jax.random.randint(choice, (), 0, num_actions, jnp.int32)
        return jnp.where(jax.random.uniform(coin, (), jnp.float32) < epsilon, drawn, action)

    def init(params: Params, key: jax.Array, observation: jax.Array) -> tuple[Carry, jax.Array]:
        own, draws = jax.random.split(key)
        carry, action = policy.init(params[0], own, observation)
        return carry, maybe_draw(draws, params[1], action)

    def step(
        params: Params, key: jax.Array, carry: Carry, observation: jax.Array, reward: jax.Array
    ) -> tuple[Carry, jax.Array]:
        own, draws = jax.random.split(key)
        carry, action = policy.step(params[0], own, carry, observation, reward)
        return carry, maybe_draw(draws, params[1], action)

    return Policy((policy.params, jnp.float32(0.0)), init, step)


class MarcoPoloCarry(NamedTuple):
    """What taking turns remembers. Scalars, besides the carries of the two that take turns."""

    explores: jax.Array
    """bool, whether the walk gets turns in this episode."""
    walks: jax.Array
    """bool, whether it is the walk's turn."""
    clock: jax.Array
    """int32, s, how long this turn has lasted."""
    walk: Any
    """What the random walk remembers."""
    policy: Any
    """What the policy remembers."""


def marco_polo(policy: Policy, probability: float, policy_hours: float, walk_hours: float) -> Policy:
    """Let a policy and the random walk take turns: the exploration of Bellemare et al. (Nature 588, 2020).

    Episodes begin with the policy's turn. The walk counts only its own steps.

    Args:
        policy: who flies otherwise.
        probability: of an episode in which the walk gets turns.
        policy_hours, walk_hours: how long the turns last, h.
    """
    walk = random_walk_policy(DEFAULTS)

    def init(params: Params, key: jax.Array, observation: jax.Array) -> tuple[Carry, jax.Array]:
        coin, walk_key, policy_key = jax.random.split(key, 3)
        walk_carry, _ = walk.init((), walk_key, observation)
        policy_carry, action = policy.init(params, policy_key, observation)
        explores = jax.random.uniform(coin, (), jnp.float32) <= probability
        return MarcoPoloCarry(explores, jnp.bool(False), jnp.int32(0), walk_carry, policy_carry), action

    def step(
        params: Params, key: jax.Array, carry: MarcoPoloCarry, observation: jax.Array, reward: jax.Array
    ) -> tuple[Carry, jax.Array]:
        walk_key, policy_key = jax.random.split(key)
        clock = carry.clock + int(STEP_SECONDS)
        is_over = carry.explores & (clock >= jnp.where(carry.walks, walk_hours, policy_hours) * 3600.0)
        walks = carry.walks ^ is_over
        clock = jnp.where(is_over, 0, clock)
        walked, walk_action = walk.step((), walk_key, carry.walk, observation, reward)
        walk_carry = jax.tree.map(lambda new, old: jnp.where(walks, new, old), walked, carry.walk)
        policy_carry, policy_action = policy.step(params, policy_key, carry.policy, observation, reward)
        action = jnp.where(walks, walk_action, policy_action)
        return MarcoPoloCarry(carry.explores, walks, clock, walk_carry, policy_carry), action

    return Policy(policy.params, init, step)
