"""Follows a target pressure that moves at random: the original's exploration policy.

The target t starts uniform in the range of start pressures. At the n-th step of an episode it moves by

    t += n 180 s * rate * normal

where n 180 s is the time since the start of the episode. The target is never clipped, so late in an episode the walk
mostly commands one direction. The action moves the balloon towards the target when it is further away than the
hysteresis.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_agents.options import RandomWalkOptions
from ble_agents.policy import Policy
from ble_agents.policy_agent import PolicyAgent
from ble_env.observation.layout import named_features
from ble_sim.balloon.altitude_control import Action
from ble_sim.constants import STEP_SECONDS
from ble_sim.precision import reference_layout
from ble_sim.scenario import MIN_START_PRESSURE

MAX_START_PRESSURE = 11400.0
"""Pa; the highest that is safe in every atmosphere. The walk does not know the atmosphere of its episode."""
DEFAULTS = RandomWalkOptions()


class RandomWalkCarry(NamedTuple):
    """The memory of the walk. Scalars."""

    target: jax.Array
    """float32, Pa"""
    steps: jax.Array
    """int32, steps of this episode so far"""


def draw_target(key: jax.Array) -> jax.Array:
    """The target pressure of a new episode, float32 Pa."""
    with reference_layout():
        return jax.random.uniform(key, (), jnp.float32, MIN_START_PRESSURE, MAX_START_PRESSURE)


def move_target(key: jax.Array, carry: RandomWalkCarry, options: RandomWalkOptions) -> RandomWalkCarry:
    """The walk after one more step."""
    steps = carry.steps + 1
    deviation = (STEP_SECONDS * options.deviation_rate) * steps.astype(jnp.float32)
    with reference_layout():
        move = deviation * jax.random.normal(key, (), jnp.float32)
    return RandomWalkCarry(carry.target + move, steps)


def steer(target: jax.Array, observation: ArrayLike, options: RandomWalkOptions) -> jax.Array:
    """The action that moves the balloon towards the target pressure; lower pressure is up."""
    pressure = named_features(observation).pressure
    above_target = jnp.where(pressure + options.hysteresis < target, Action.DOWN, Action.STAY)
    return jnp.where(pressure - options.hysteresis > target, Action.UP, above_target).astype(jnp.int32)


@cache
def random_walk_policy(options: RandomWalkOptions) -> Policy:
    """The walk as pure functions."""

    def init(params: tuple[()], key: jax.Array, observation: jax.Array) -> tuple[RandomWalkCarry, jax.Array]:
        carry = RandomWalkCarry(target=draw_target(key), steps=jnp.int32(0))
        return carry, steer(carry.target, observation, options)

    def step(
        params: tuple[()], key: jax.Array, carry: RandomWalkCarry, observation: jax.Array, reward: jax.Array
    ) -> tuple[RandomWalkCarry, jax.Array]:
        carry = move_target(key, carry, options)
        return carry, steer(carry.target, observation, options)

    return Policy((), init, step)


class RandomWalkAgent(PolicyAgent):
    """Follows a target pressure that moves at random."""

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: RandomWalkOptions = DEFAULTS,
    ) -> None:
        require_benchmark_spaces("random_walk", num_actions, observation_shape)
        super().__init__(num_actions, observation_shape, random_walk_policy(options), seed)
