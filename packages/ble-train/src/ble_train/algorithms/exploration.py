"""Exploration: policies that wrap another policy."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ble_agents.agents.random_walk import DEFAULTS, random_walk_policy
from ble_agents.policy import Carry, Params, Policy
from ble_sim.constants import STEP_SECONDS


def epsilon_greedy(policy: Policy, num_actions: int) -> Policy:
    """The policy that draws its action uniformly with probability epsilon; parameters (those of `policy`, epsilon)."""

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
    """The memory of `marco_polo`: scalars, and the carries of the two that take turns."""

    explores: jax.Array
    """bool, whether the walk gets turns in this episode."""
    walks: jax.Array
    """bool, whether it is the walk's turn."""
    clock: jax.Array
    """int32, duration of this turn so far, s."""
    walk: Any
    """The random walk's carry."""
    policy: Any
    """The policy's carry."""


def marco_polo(policy: Policy, probability: float, policy_hours: float, walk_hours: float) -> Policy:
    """The policy and the random walk in turns: the exploration of Bellemare et al. 2020 (Nature 588).

    Episodes begin with the policy's turn. The walk counts its own steps only.

    Args:
        policy: the policy.
        probability: share of episodes in which the walk gets turns.
        policy_hours: duration of the policy's turns, h.
        walk_hours: duration of the walk's turns, h.
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
        is_over = carry.explores & (
            clock.astype(jnp.float32) >= jnp.where(carry.walks, walk_hours, policy_hours) * 3600.0
        )
        walks = carry.walks ^ is_over
        clock = jnp.where(is_over, 0, clock)
        walked, walk_action = walk.step((), walk_key, carry.walk, observation, reward)
        walk_carry = jax.tree.map(lambda new, old: jnp.where(walks, new, old), walked, carry.walk)
        policy_carry, policy_action = policy.step(params, policy_key, carry.policy, observation, reward)
        action = jnp.where(walks, walk_action, policy_action)
        return MarcoPoloCarry(carry.explores, walks, clock, walk_carry, policy_carry), action

    return Policy(policy.params, init, step)
