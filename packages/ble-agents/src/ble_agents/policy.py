"""An agent as pure functions.

A `Policy` acts in one environment. A caller acts in many by `jax.vmap`, and for many steps by `jax.lax.scan`:

    stream, key = next_key(start_stream(seed))
    carry, action = policy.init(policy.params, key, first_observation)
    stream, key = next_key(stream)
    carry, action = policy.step(policy.params, key, carry, observation, reward)

Its functions follow the types that JAX has enabled when they are traced; see `policy_scope`.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import jax

Params = Any
"""Learned parameters: a pytree of arrays, shared by all episodes."""
Carry = Any
"""The memory of a policy from one step of an episode to the next: a pytree of arrays."""


@dataclass(frozen=True)
class Policy:
    """Pure functions that JAX can compile and map; actions are int32 scalars.

    Attributes:
        params: first argument of both functions.
        init: (params, key, first observation) -> (carry, first action).
        step: (params, key, carry, observation, reward) -> (carry, next action).
    """

    params: Params
    init: Callable[[Params, jax.Array, jax.Array], tuple[Carry, jax.Array]]
    step: Callable[[Params, jax.Array, Carry, jax.Array, jax.Array], tuple[Carry, jax.Array]]


def policy_scope() -> AbstractContextManager[None]:
    """The context in which this package traces and calls policies.

    64-bit types are on. A policy computes in float64 where it asks for it; observations and parameters are float32.
    """
    return jax.enable_x64(True)


def memoryless_policy(params: Params, choose: Callable[[Params, jax.Array], jax.Array]) -> Policy:
    """The policy whose action depends on the present observation alone: `choose(params, observation) -> action`.

    Policies with an equal `choose` share their functions and the code compiled from them.
    """
    return Policy(params, *_memoryless_functions(choose))


@functools.cache
def _memoryless_functions(choose: Callable[[Params, jax.Array], jax.Array]) -> tuple[Any, Any]:
    def init(params: Params, key: jax.Array, observation: jax.Array) -> tuple[Carry, jax.Array]:
        return (), choose(params, observation)

    def step(
        params: Params, key: jax.Array, carry: Carry, observation: jax.Array, reward: jax.Array
    ) -> tuple[Carry, jax.Array]:
        return (), choose(params, observation)

    return init, step


def start_stream(seed: int | jax.Array) -> jax.Array:
    """The random stream of an agent with this seed; `next_key` draws the keys of its calls from it. uint32[2].

    The first key of a seed is skipped: the original's random walk uses it when it is constructed.
    """
    with jax.threefry_partitionable(False):
        return next_key(jax.random.PRNGKey(seed))[0]


def next_key(stream: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(the stream after the draw, key for one call of a policy)."""
    with jax.threefry_partitionable(False):
        stream, key = jax.random.split(stream)
    return stream, key


def init_with_stream(policy_init: Callable[..., Any], params: Params, stream: jax.Array, observation: jax.Array) -> Any:
    """`Policy.init` with a key drawn from a stream: (stream, carry, first action)."""
    stream, key = next_key(stream)
    return stream, *policy_init(params, key, observation)


def step_with_stream(
    policy_step: Callable[..., Any],
    params: Params,
    stream: jax.Array,
    carry: Carry,
    observation: jax.Array,
    reward: jax.Array,
) -> Any:
    """`Policy.step` with a key drawn from a stream: (stream, carry, next action)."""
    stream, key = next_key(stream)
    return stream, *policy_step(params, key, carry, observation, reward)
