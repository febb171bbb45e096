"""An agent as pure functions, and the shell that makes an `Agent` of them.

A `Policy` serves one environment; a caller flies many by `jax.vmap`, and many steps by `jax.lax.scan`:

    rng, key = next_key(start_stream(seed))
    carry, action = policy.init(policy.params, key, first_observation)
    rng, key = next_key(rng)
    carry, action = policy.step(policy.params, key, carry, observation, reward)

Its functions follow the precision in force when they are traced.
"""

import functools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ble_agents.agent import Agent
from ble_sim.seeds import check_seed

Params = Any
"""What was learned: a pytree of arrays, shared by all episodes."""
Carry = Any
"""What is remembered from one step of an episode to the next: a pytree of arrays."""


@dataclass(frozen=True)
class Policy:
    """Pure functions that can be jitted and mapped; actions are int32 scalars.

    Attributes:
        params: first argument of both functions.
        init: (params, key, first observation) -> (carry, first action).
        step: (params, key, carry, observation, reward) -> (carry, next action).
    """

    params: Params
    init: Callable[[Params, jax.Array, jax.Array], tuple[Carry, jax.Array]]
    step: Callable[[Params, jax.Array, Carry, jax.Array, jax.Array], tuple[Carry, jax.Array]]


def memoryless_policy(params: Params, choose: Callable[[Params, jax.Array], jax.Array]) -> Policy:
    """The policy that acts on the present observation alone, by `choose(params, observation) -> action`.

    Policies of equal `choose` share their functions, and so the code compiled of them.
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
    """The state from which `next_key` draws the keys of an agent seeded with `seed`.

    The first key of a seed is skipped, because the reference's random walk spends it when it is constructed.
    """
    with jax.threefry_partitionable(False):
        return next_key(jax.random.PRNGKey(seed))[0]


def next_key(rng: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(state of the stream after the draw, key for one call of a policy)."""
    with jax.threefry_partitionable(False):
        rng, key = jax.random.split(rng)
    return rng, key


def begin_flight(policy_init: Callable[..., Any], params: Params, rng: jax.Array, observation: jax.Array) -> Any:
    """Draw a key and let a policy begin: (rng, carry, first action)."""
    rng, key = next_key(rng)
    return rng, *policy_init(params, key, observation)


def continue_flight(
    policy_step: Callable[..., Any],
    params: Params,
    rng: jax.Array,
    carry: Carry,
    observation: jax.Array,
    reward: jax.Array,
) -> Any:
    """Draw a key and let a policy go on: (rng, carry, next action)."""
    rng, key = next_key(rng)
    return rng, *policy_step(params, key, carry, observation, reward)


@functools.cache
def flights_side_by_side(policy_init: Callable[..., Any], policy_step: Callable[..., Any]) -> tuple[Any, Any]:
    """`begin_flight` and `continue_flight` of a policy, compiled for many flights.

    Returns:
        (params, rngs, observations) -> (rngs, carries, actions), and
        (params, rngs, carries, observations, rewards) -> (rngs, carries, actions);
        all but `params` have a leading axis.
    """
    begin = jax.vmap(functools.partial(begin_flight, policy_init), in_axes=(None, 0, 0))
    proceed = jax.vmap(functools.partial(continue_flight, policy_step), in_axes=(None, 0, 0, 0, 0))
    return jax.jit(begin), jax.jit(proceed)


_begin = jax.jit(begin_flight, static_argnums=0)
_advance = jax.jit(continue_flight, static_argnums=0)


class PolicyAgent(Agent):
    """An agent that is a `Policy` and flies one episode at a time, in float64 where the policy asks for it.

    Args:
        policy: what it does. Agents that share one share its compiled code.
        seed: of its random draws; None draws one.
    """

    def __init__(self, num_actions: int, observation_shape: Sequence[int], policy: Policy, seed: int | None) -> None:
        super().__init__(num_actions, observation_shape)
        self._policy = policy
        self._params = jax.device_put(policy.params)
        self._carry: Carry | None = None
        self.reseed(secrets.randbits(32) if seed is None else seed)

    def reseed(self, seed: int) -> None:
        """Start the random draws anew, as if constructed with `seed`."""
        self._rng = start_stream(check_seed(seed))

    def begin_episode(self, observation: np.ndarray) -> int:
        """The policy's first action."""
        observation = self._checked(observation)
        with jax.enable_x64(True):
            self._rng, self._carry, action = _begin(self._policy.init, self._params, self._rng, observation)
        return int(action)

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The policy's next action.

        Raises:
            RuntimeError: no episode has begun.
        """
        if self._carry is None:
            raise RuntimeError(f"{self.get_name()} was stepped outside an episode: call begin_episode first.")
        observation = self._checked(observation)
        with jax.enable_x64(True):
            self._rng, self._carry, action = _advance(
                self._policy.step, self._params, self._rng, self._carry, observation, float(reward)
            )
        return int(action)

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """Forget the episode."""
        self._carry = None

    def policy(self) -> Policy:
        """The policy itself."""
        return self._policy

    def _checked(self, observation: np.ndarray) -> np.ndarray:
        observation = np.asarray(observation, np.float32)
        if observation.shape != self._observation_shape:
            raise ValueError(f"{self.get_name()} observes shape {self._observation_shape}, got {observation.shape}.")
        return observation
