"""PPO whose environments and learning are one compiled program.

Nothing leaves the device between two rounds but the episodes that have ended, so that an accelerator never waits for
the host. Transitions have the order of `ble_train.learner.LaneStep`: the step after an episode's end begins the next
episode, and the action that was chosen for it is ignored. What is learned from them is in `ble_train.algorithms.ppo`.

Episodes come out of a pool (`BalloonGymnaxEnv`), some of which are replaced in every round.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ble_agents.exported_policy import Architecture
from ble_env import BalloonGymnaxEnv
from ble_env.gymnax_env.env import EnvParams, EnvState
from ble_sim.keys import as_key
from ble_train.algorithms.options import PpoOptions
from ble_train.algorithms.ppo import Learned, Rollout, draw_actions, learn

MIN_SPARE = 16
"""Episodes in a pool beyond those that are flown, at least."""


class EpisodeTotals(NamedTuple):
    """The episode of each lane so far: arrays [..., lanes]."""

    length: jax.Array
    """int32, its steps."""
    steps_inside: jax.Array
    """int32, how many of them ended within the radius."""
    reward: jax.Array
    """float32, sum of its rewards."""


class CompiledLanes(NamedTuple):
    """The environments: arrays [lanes, ...], but for the pool and the key."""

    pool: EnvParams
    """The episodes to begin, and the time limit."""
    state: EnvState
    observation: jax.Array
    """float32[lanes, ...], after the last action."""
    has_ended: jax.Array
    """bool[lanes], whether the last action ended an episode."""
    limit: jax.Array
    """int32[lanes], time limits of the episodes in progress."""
    totals: EpisodeTotals
    key: jax.Array
    """Data of the random key."""


class FlownSteps(NamedTuple):
    """What the steps of a round say of episodes: arrays [steps, lanes]."""

    has_ended: jax.Array
    """bool, whether the step ended the episode."""
    terminated: jax.Array
    """bool, whether in a terminal state."""
    totals: EpisodeTotals
    """Of the episode up to this step."""


def num_new_episodes(steps_per_round: int, limit: int) -> int:
    """Episodes of the pool that a round replaces: as many as end in it, one at least."""
    return max(steps_per_round // limit, 1)


@functools.partial(jax.jit, static_argnums=(0, 2, 3, 4))
def begin_lanes(env: BalloonGymnaxEnv, key_data: jax.Array, num_lanes: int, num_new: int, limit: int) -> CompiledLanes:
    """Begin an episode in every lane.

    The first episode of lane i of n is cut off after (i + 1) / n of its time, which spreads the lanes over all times of
    an episode.

    Args:
        env: the environment.
        key_data: data of a random key.
        num_lanes: number of lanes.
        num_new: episodes of the pool that a round replaces.
        limit: time limit of an episode in steps.
    """
    pool_key, key = jax.random.split(as_key(key_data))
    num_spare = max(2 * num_new, MIN_SPARE)
    pool = env.make_params(pool_key, num_lanes + num_spare, max_steps_in_episode=limit)
    observation, state = jax.vmap(env.begin, in_axes=(0, None))(jnp.arange(num_lanes, dtype=jnp.int32), pool)
    return CompiledLanes(
        pool=pool,
        state=state,
        observation=observation,
        has_ended=jnp.zeros(num_lanes, bool),
        limit=jnp.maximum(jnp.arange(1, num_lanes + 1, dtype=jnp.int32) * limit // num_lanes, 1),
        totals=EpisodeTotals(*(jnp.zeros(num_lanes, dtype) for dtype in (jnp.int32, jnp.int32, jnp.float32))),
        key=jax.random.key_data(key),
    )


def fly_round(
    env: BalloonGymnaxEnv, architecture: Architecture, num_steps: int, params: Any, lanes: CompiledLanes
) -> tuple[CompiledLanes, Rollout, FlownSteps]:
    """Make steps in all lanes, with actions drawn from the policy."""
    number = lanes.has_ended.size

    def step(lanes: CompiledLanes, _: None) -> tuple[CompiledLanes, tuple[Rollout, FlownSteps]]:
        key, reset_key = jax.random.split(as_key(lanes.key))
        key_data, action, log_probability, value = draw_actions(
            architecture, params, jax.random.key_data(key), lanes.observation
        )
        begins = lanes.has_ended
        flown = jax.vmap(env.step_env, in_axes=(None, 0, 0, None))(key, lanes.state, action, lanes.pool)
        begun = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(reset_key, number), lanes.pool)
        observation, state = jax.tree.map(
            lambda new, old: jnp.where(begins.reshape(-1, *[1] * (old.ndim - 1)), new, old), begun, flown[:2]
        )
        reward, terminated, info = flown[2:]
        reward = jnp.where(begins, 0.0, reward).astype(jnp.float32)
        terminated &= ~begins
        limit = jnp.where(begins, lanes.pool.max_steps_in_episode, lanes.limit)
        has_ended = terminated | (~begins & (state.time >= limit))
        earlier = jax.tree.map(lambda total: jnp.where(begins, jnp.zeros_like(total), total), lanes.totals)
        totals = EpisodeTotals(
            length=earlier.length + ~begins,
            steps_inside=earlier.steps_inside + (~begins & info["inside_radius"]),
            reward=earlier.reward + reward,
        )
        row = Rollout(
            observation=lanes.observation,
            action=action,
            log_probability=log_probability,
            value=value,
            reward=reward,
            terminated=terminated,
            is_last=has_ended | begins,
            valid=~begins,
        )
        now = CompiledLanes(lanes.pool, state, observation, has_ended, limit, totals, key_data)
        return now, (row, FlownSteps(has_ended, terminated, totals))

    lanes, (rollout, flown) = jax.lax.scan(step, lanes, length=num_steps)
    return lanes, rollout, flown


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3), donate_argnums=5)
def train_round(
    env: BalloonGymnaxEnv,
    architecture: Architecture,
    options: PpoOptions,
    num_new: int,
    learned: Learned,
    lanes: CompiledLanes,
    decay_steps: jax.Array,
) -> tuple[Learned, CompiledLanes, FlownSteps, dict[str, jax.Array], jax.Array]:
    """A rollout, what is learned from it, and new episodes in the pool.

    Args:
        env: the environment.
        architecture: the network.
        options: of PPO.
        num_new: episodes of the pool that are replaced.
        learned: what was learned.
        lanes: the environments; their arrays are not to be used again.
        decay_steps: float32, environment steps at which learning rate and entropy bonus reach their end.

    Returns:
        What is learned now, the lanes, what the steps say of episodes, and metrics and fault of `ppo.learn`.
    """
    lanes, rollout, flown = fly_round(env, architecture, options.rollout_steps, learned.params, lanes)
    learned, metrics, fault = learn(architecture, options, learned, rollout, lanes.observation, decay_steps)
    key, refresh_key = jax.random.split(as_key(lanes.key))
    pool = env.refresh(refresh_key, lanes.state, lanes.pool, num_new)
    return learned, lanes._replace(pool=pool, key=jax.random.key_data(key)), flown, metrics, fault
