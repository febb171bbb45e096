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
import numpy as np

from ble_sim.keys import as_key, seed_data, split_data
from ble_sim.plugins.hashable import require_hashable
from ble_sim.precision import agent_scope, reference_layout

Params = Any
"""Learned parameters: a pytree of arrays, shared by all episodes."""
Carry = Any
"""The memory of a policy from one step of an episode to the next: a pytree of arrays."""
NO_ACTION = -1
"""What a policy gives in place of an action where the outputs of its network are not finite."""


@dataclass(frozen=True)
class Policy:
    """Pure functions that JAX can compile and map; actions are int32 scalars.

    Attributes:
        params: first argument of both functions.
        init: (params, key, first observation) -> (carry, first action).
        step: (params, key, carry, observation, reward) -> (carry, next action).

    Raises:
        UnhashableError: a function is an object that cannot be hashed.
    """

    params: Params
    init: Callable[[Params, jax.Array, jax.Array], tuple[Carry, jax.Array]]
    step: Callable[[Params, jax.Array, Carry, jax.Array, jax.Array], tuple[Carry, jax.Array]]

    def __post_init__(self) -> None:
        require_hashable("the init of a policy:", self.init)
        require_hashable("the step of a policy:", self.step)


def policy_scope() -> AbstractContextManager[None]:
    """The context in which this package traces and calls policies.

    64-bit types are on. A policy computes in float64 where it asks for it; observations and parameters are float32.
    What it draws and computes does not depend on JAX's settings.
    """
    return agent_scope(x64=True)


def memoryless_policy(params: Params, choose: Callable[[Params, jax.Array], jax.Array]) -> Policy:
    """The policy whose action depends on the present observation alone: `choose(params, observation) -> action`.

    Policies with an equal `choose` share their functions and the code compiled from them.

    Raises:
        UnhashableError: `choose` cannot be hashed.
    """
    require_hashable("the choice of a policy:", choose)
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


def start_stream(seed: int) -> np.ndarray:
    """The random stream of an agent with this seed; `next_key` draws the keys of its calls from it. uint32[2].

    The first key of a seed is skipped: the original's random walk uses it when it is constructed.
    """
    return split_data(seed_data(seed))[0]


def next_key(stream: jax.Array | np.ndarray) -> tuple[jax.Array, jax.Array]:
    """(the stream after the draw, uint32[2], and the typed key for one call of a policy)."""
    with reference_layout():
        stream, key = jax.random.split(as_key(stream))
    return jax.random.key_data(stream), key


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
