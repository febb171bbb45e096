"""A replay memory for many lanes, as pure functions over arrays that stay on the device.

All lanes share a ring of slots and its cursor: every push writes one slot of each lane, so the slots of a lane are its
stream of transitions. A sample starts at a slot and sums the rewards of `n_step` slots (Sutton & Barto 2018,
"Reinforcement learning", eq. 7.1).

Whether a sample is valid is known when its last slot is followed by another, and does not change before one of the
slots is overwritten. A slot therefore gets a priority only when it starts a valid sample, and loses it when it is
overwritten: a draw by priority needs no check and no second attempt. A memory that is sampled uniformly is the same
one with equal priorities.

Callers jit these functions and donate memory and tree, which then change in place.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ble_train.replay.capacity import needed_bytes, require_available
from ble_train.replay.sum_tree import SumTree, make_tree, set_priorities


class Slot(NamedTuple):
    """One step of each lane: arrays [lanes, ...], in the memory [slots, lanes, ...]."""

    observation: Any
    """float16 or float32 [..., size], flattened: the observation in which the action was chosen."""
    action: Any
    """int32, the action that the environment received."""
    reward: Any
    """float32, of the action."""
    terminal: Any
    """bool, whether the action led to a terminal state."""
    episode_end: Any
    """bool, whether no further slot of the episode follows."""
    valid: Any
    """bool; False fills a lane that has nothing to store."""


class Memory(NamedTuple):
    """The ring of slots."""

    slots: Slot
    """Arrays [slots, lanes, ...]."""
    cursor: jax.Array
    """int32, the slot that is written next."""
    num_filled: jax.Array
    """int32, slots written so far, at most all."""


class Batch(NamedTuple):
    """Samples: arrays [batch, ...]."""

    observation: jax.Array
    """float32[batch, size]"""
    action: jax.Array
    """int32[batch]"""
    reward: jax.Array
    """float32[batch], the discounted sum of the rewards of `n_step` steps, or up to a terminal state."""
    next_observation: jax.Array
    """float32[batch, size], after these steps; meaningless after a terminal state."""
    discount: jax.Array
    """float32[batch], of the return from there on; 0 after a terminal state."""


def make_memory(slots: int, lanes: int, observation_size: int, dtype: str, xp: Any = jnp) -> tuple[Memory, SumTree]:
    """An empty memory and its priorities; leaf `slot * lanes + lane` is the sample that starts there.

    Args:
        slots: slots of the ring.
        lanes: lanes of each.
        observation_size: numbers of an observation.
        dtype: theirs.
        xp: jax.numpy, or numpy for arrays of the host, whose pages take no memory before they are written.

    Raises:
        MemoryError: the machine has less memory available.
    """
    require_available(needed_bytes(slots, lanes, observation_size, dtype))
    shape = slots, lanes
    memory = Memory(
        Slot(
            observation=xp.zeros((*shape, observation_size), dtype),
            action=xp.zeros(shape, xp.int32),
            reward=xp.zeros(shape, xp.float32),
            terminal=xp.zeros(shape, bool),
            episode_end=xp.zeros(shape, bool),
            valid=xp.zeros(shape, bool),
        ),
        cursor=xp.zeros((), xp.int32),
        num_filled=xp.zeros((), xp.int32),
    )
    return memory, make_tree(slots * lanes, xp)


def push(memory: Memory, tree: SumTree, slot: Slot, n_step: int) -> tuple[Memory, SumTree]:
    """Write a slot of every lane, and make the samples that end before it available.

    A sample is valid if, up to a terminal state, its slots are valid and one follows, and if none of its slots is an
    episode's end without a terminal state. New samples get the largest priority that was ever set.

    Args:
        memory: the ring of slots.
        tree: the priorities of its samples.
        slot: arrays [lanes, ...].
        n_step: rewards in a sample.
    """
    total, lanes = memory.slots.action.shape
    now = memory.cursor
    slots = jax.tree.map(lambda old, new: old.at[now].set(jnp.asarray(new).astype(old.dtype)), memory.slots, slot)
    num_filled = jnp.minimum(memory.num_filled + 1, total)

    window = (now - n_step + jnp.arange(n_step)) % total
    continues = _continues(slots.terminal[window])
    is_cut = ~continues[-1] | slots.terminal[window[-1]]
    is_known = jnp.all(slots.valid[window] | ~continues, axis=0) & (slots.valid[now] | is_cut)
    breaks_off = jnp.any(slots.episode_end[window] & ~slots.terminal[window], axis=0)
    is_sample = is_known & ~breaks_off & (num_filled > n_step)

    lane = jnp.arange(lanes)
    leaves = jnp.concatenate([now * lanes + lane, window[0] * lanes + lane])
    priorities = jnp.concatenate([jnp.zeros(lanes), jnp.where(is_sample, tree.largest, 0.0)])
    memory = Memory(slots, (now + 1) % total, num_filled)
    return memory, set_priorities(tree, leaves, priorities)


def read_samples(memory: Memory, leaves: jax.Array, n_step: int, gamma: float) -> Batch:
    """The samples that start at leaves.

    Args:
        memory: the ring of slots.
        leaves: int32[batch], as drawn.
        n_step: rewards in a sample.
        gamma: discount of a step.
    """
    slots = memory.slots
    total, lanes = slots.action.shape
    slot, lane = leaves // lanes, leaves % lanes
    window = (slot[None] + jnp.arange(n_step)[:, None]) % total
    terminal = slots.terminal[window, lane]
    discounts = jnp.float32(gamma) ** jnp.arange(n_step + 1, dtype=jnp.float32)
    rewards = jnp.where(_continues(terminal), slots.reward[window, lane], 0.0)
    return Batch(
        observation=slots.observation[slot, lane].astype(jnp.float32),
        action=slots.action[slot, lane],
        reward=discounts[:-1] @ rewards,
        next_observation=slots.observation[(slot + n_step) % total, lane].astype(jnp.float32),
        discount=jnp.where(terminal.any(axis=0), 0.0, discounts[-1]),
    )


def _continues(terminal: jax.Array) -> jax.Array:
    """Whether no terminal state came before a step of the window, bool[n_step, ...]."""
    terminal = terminal.astype(jnp.int32)
    before = jnp.cumsum(terminal, axis=0) - terminal
    return before == 0
