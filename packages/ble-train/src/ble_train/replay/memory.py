"""A replay memory for many lanes, as pure functions over arrays that stay on the device.

All lanes share a ring of slots and its cursor: every push writes one slot of each lane, so the slots of a lane are its
stream of transitions. A sample starts at a slot and sums the rewards of `n_step` slots.

Whether a sample is a valid one is settled when its last slot is followed by another, and never changes before one of
the slots is overwritten. Slots therefore get a priority only when they start a valid sample and lose it when they are
overwritten: a draw by priority needs no check and no second attempt. The uniform memory is the same one with equal
priorities.

Callers jit these functions and donate memory and tree, which then change in place.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

MEMORY_INFO = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")


class Slot(NamedTuple):
    """What is remembered of a step: arrays with a row for each lane, in the memory [slots, lanes]."""

    observation: Any
    """float16 or float32 [..., size], flattened, in which the action was chosen."""
    action: Any
    """int32, the one that was flown."""
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
    """int32, slots written so far."""


class SumTree(NamedTuple):
    """Priorities of slots. Leaf `slot * lanes + lane` is where a sample starts; 0 for those that cannot be drawn."""

    nodes: jax.Array
    """float32[2 * leaves]; node 1 is the root, the sum of node i's children 2 i and 2 i + 1 is node i."""
    largest: jax.Array
    """float32, the largest priority that there ever was, and at least 1."""


class Batch(NamedTuple):
    """Samples: arrays [batch]."""

    observation: jax.Array
    """float32[batch, size]"""
    action: jax.Array
    reward: jax.Array
    """Discounted sum of the rewards up to the horizon or a terminal state."""
    next_observation: jax.Array
    """float32[batch, size], at the horizon; meaningless behind a terminal state."""
    discount: jax.Array
    """Of the return from there on; 0 behind a terminal state."""


def num_slots(capacity: int, lanes: int, n_step: int) -> int:
    """Slots of a ring that remembers `capacity` transitions in so many lanes.

    Raises:
        ValueError: they do not hold a single sample.
    """
    slots = capacity // lanes
    if slots < n_step + 2:
        raise ValueError(
            f"A replay memory of {capacity} transitions has {slots} for each of {lanes} lanes, and samples of {n_step}"
            f" steps need {n_step + 2}: raise replay_capacity or fly in fewer lanes."
        )
    return slots


def make_memory(slots: int, lanes: int, observation_size: int, dtype: str) -> tuple[Memory, SumTree]:
    """An empty memory.

    Raises:
        MemoryError: the machine has not that much memory available.
    """
    require_available(needed_bytes(slots, lanes, observation_size, dtype))
    shape = slots, lanes
    memory = Memory(
        Slot(
            observation=jnp.zeros((*shape, observation_size), dtype),
            action=jnp.zeros(shape, jnp.int32),
            reward=jnp.zeros(shape, jnp.float32),
            terminal=jnp.zeros(shape, bool),
            episode_end=jnp.zeros(shape, bool),
            valid=jnp.zeros(shape, bool),
        ),
        cursor=jnp.zeros((), jnp.int32),
        num_filled=jnp.zeros((), jnp.int32),
    )
    tree = SumTree(jnp.zeros(2 * _num_leaves(slots * lanes), jnp.float32), jnp.ones((), jnp.float32))
    return memory, tree


def needed_bytes(slots: int, lanes: int, observation_size: int, dtype: str) -> int:
    """What `make_memory` allocates."""
    each = observation_size * np.dtype(dtype).itemsize + 4 + 4 + 3
    return slots * lanes * each + 2 * 4 * _num_leaves(slots * lanes)


def require_available(needed: int) -> None:
    """Refuse to allocate more bytes than the default device has available, where that is known.

    Raises:
        MemoryError: it has less.
    """
    available = available_bytes()
    if available is not None and needed > available:
        raise MemoryError(
            f"The replay memory needs {needed / 2**30:.1f} GiB, and {available / 2**30:.1f} GiB are available:"
            " choose a smaller replay_capacity, or remember observations in float16 (replay_dtype)."
        )


def available_bytes() -> int | None:
    """Memory that can still be had where JAX puts arrays, or None if the machine does not say."""
    device = jax.local_devices()[0]
    if device.platform != "cpu":
        stats = device.memory_stats() or {}
        return stats["bytes_limit"] - stats["bytes_in_use"] if stats.keys() >= {"bytes_limit", "bytes_in_use"} else None
    return min(filter(None, (_available_in_machine(), _available_in_container())), default=None)


def _available_in_machine() -> int | None:
    try:
        amounts = dict(line.split(":", 1) for line in MEMORY_INFO.read_text().splitlines())
        return int(amounts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _available_in_container() -> int | None:
    """What a limit of the control group leaves; files in its cache make room where need be."""
    try:
        limit = int((CONTROL_GROUP / "memory.max").read_text())  # "max" where there is none
        used = int((CONTROL_GROUP / "memory.current").read_text())
        amounts = dict(line.split() for line in (CONTROL_GROUP / "memory.stat").read_text().splitlines())
        return max(limit - used + int(amounts["inactive_file"]), 1)
    except (OSError, KeyError, ValueError):
        return None


def push(memory: Memory, tree: SumTree, slot: Slot, n_step: int) -> tuple[Memory, SumTree]:
    """Write a slot of every lane, and make the samples that end before it available.

    A sample is valid when, up to a terminal state, its slots are and one follows, and when none of its slots is an
    episode's end without a terminal state. New ones have the largest priority that there ever was.

    Args:
        memory, tree: the memory.
        slot: what to write, rows of the lanes.
        n_step: rewards in a sample.
    """
    total, lanes = memory.slots.action.shape
    now = memory.cursor
    slots = jax.tree.map(lambda old, new: old.at[now].set(jnp.asarray(new).astype(old.dtype)), memory.slots, slot)
    num_filled = jnp.minimum(memory.num_filled + 1, total)

    window = (now - n_step + jnp.arange(n_step)) % total
    goes_on = _goes_on(slots.terminal[window])
    is_cut = ~goes_on[-1] | slots.terminal[window[-1]]
    is_known = jnp.all(slots.valid[window] | ~goes_on, axis=0) & (slots.valid[now] | is_cut)
    breaks_off = jnp.any(slots.episode_end[window] & ~slots.terminal[window], axis=0)
    is_sample = is_known & ~breaks_off & (num_filled > n_step)

    lane = jnp.arange(lanes)
    leaves = jnp.concatenate([now * lanes + lane, window[0] * lanes + lane])
    priorities = jnp.concatenate([jnp.zeros(lanes), jnp.where(is_sample, tree.largest, 0.0)])
    memory = Memory(slots, (now + 1) % total, num_filled)
    return memory, set_priorities(tree, leaves, priorities)


def draw(tree: SumTree, key: jax.Array, batch_size: int, *, stratified: bool) -> tuple[jax.Array, jax.Array]:
    """Draw leaves in proportion to their priorities; meaningless while no leaf has one.

    Args:
        tree: the priorities.
        key: of the draw.
        batch_size: how many.
        stratified: one from each of `batch_size` equal shares of the total instead of all from the whole.

    Returns:
        Leaves, int32[batch_size], and their priorities.
    """
    total = tree.nodes[1]
    places = jax.random.uniform(key, (batch_size,), jnp.float32)
    if stratified:
        places = (jnp.arange(batch_size, dtype=jnp.float32) + places) / batch_size

    def descend(_: Any, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        node, rest, _ = state
        left, right = tree.nodes[2 * node], tree.nodes[2 * node + 1]
        # Sums are rounded, so what is left of a place may lie beyond the last leaf that has a priority.
        goes_right = (rest >= left) & (right > 0.0)
        return 2 * node + goes_right, jnp.where(goes_right, rest - left, rest), jnp.where(goes_right, right, left)

    # Priorities are noted on the way: a tree that is read again before it is written would be copied by XLA.
    start = jnp.ones(batch_size, jnp.int32), places * total, places
    node, _, priorities = jax.lax.fori_loop(0, _depth(tree), descend, start)
    return node - len(tree.nodes) // 2, priorities


def set_priorities(tree: SumTree, leaves: jax.Array, priorities: jax.Array) -> SumTree:
    """Change priorities.

    Args:
        tree: the priorities.
        leaves: int32[number]; those that occur twice need the same priority twice.
        priorities: float32[number].
    """
    node = len(tree.nodes) // 2 + leaves
    nodes = tree.nodes.at[node].set(priorities)

    def ascend(_: Any, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        nodes, node = state
        node = node // 2
        return nodes.at[node].set(nodes[2 * node] + nodes[2 * node + 1]), node

    nodes, _ = jax.lax.fori_loop(0, _depth(tree), ascend, (nodes, node))
    return SumTree(nodes, jnp.maximum(tree.largest, priorities.max()))


def read_samples(memory: Memory, leaves: jax.Array, n_step: int, gamma: float) -> Batch:
    """The samples that start at leaves.

    Args:
        memory: the memory.
        leaves: int32[batch], as drawn.
        n_step: rewards in a sample.
        gamma: discount of a step.
    """
    slots = memory.slots
    total, lanes = slots.action.shape
    slot, lane = leaves // lanes, leaves % lanes
    window = (slot + jnp.arange(n_step)[:, None]) % total
    terminal = slots.terminal[window, lane]
    discounts = jnp.float32(gamma) ** jnp.arange(n_step + 1, dtype=jnp.float32)
    rewards = jnp.where(_goes_on(terminal), slots.reward[window, lane], 0.0)
    return Batch(
        observation=slots.observation[slot, lane].astype(jnp.float32),
        action=slots.action[slot, lane],
        reward=discounts[:-1] @ rewards,
        next_observation=slots.observation[(slot + n_step) % total, lane].astype(jnp.float32),
        discount=jnp.where(terminal.any(axis=0), 0.0, discounts[-1]),
    )


def _goes_on(terminal: jax.Array) -> jax.Array:
    """Whether no terminal state came before a step of the window, bool[n_step, ...]."""
    before = jnp.cumsum(terminal, axis=0) - terminal
    return before == 0


def _depth(tree: SumTree) -> int:
    return (len(tree.nodes) // 2).bit_length() - 1


def _num_leaves(number: int) -> int:
    return 1 << max(number - 1, 1).bit_length()
