"""Priorities in a binary tree of sums: drawing and changing one take a logarithm of their number.

The sum tree of Schaul et al. 2016, "Prioritized experience replay" (https://arxiv.org/abs/1511.05952), appendix B.2.1,
as pure functions over one array that stays on the device. Callers jit them and donate the tree, which then changes in
place.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class SumTree(NamedTuple):
    """Priorities of leaves; 0 for those that cannot be drawn."""

    nodes: jax.Array
    """float32[2 * leaves]: node 1 is the root, node i the sum of nodes 2 i and 2 i + 1, the second half are leaves."""
    largest: jax.Array
    """float32, the largest priority that was ever set, and at least 1."""


def make_tree(number: int, xp: Any = jnp) -> SumTree:
    """A tree of at least `number` leaves, all of priority 0, in arrays of jax.numpy or numpy."""
    return SumTree(xp.zeros(2 * num_leaves(number), xp.float32), xp.ones((), xp.float32))


def num_leaves(number: int) -> int:
    """Leaves of a tree for `number` priorities: the next power of two, at least 2."""
    return 1 << max(number - 1, 1).bit_length()


def draw(tree: SumTree, key: jax.Array, batch_size: int, *, stratified: bool) -> tuple[jax.Array, jax.Array]:
    """Draw leaves in proportion to their priorities. The result is meaningless while all priorities are 0.

    Args:
        tree: the priorities.
        key: random key.
        batch_size: how many leaves to draw.
        stratified: draw one leaf from each of `batch_size` equal shares of the total instead of all from the whole.

    Returns:
        Leaves, int32[batch_size], and their priorities, float32[batch_size].
    """
    total = tree.nodes[1]
    places = jax.random.uniform(key, (batch_size,), jnp.float32)
    if stratified:
        places = (jnp.arange(batch_size, dtype=jnp.float32) + places) / batch_size

    def descend(_: Any, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        node, rest, _ = state
        left, right = tree.nodes[2 * node], tree.nodes[2 * node + 1]
        # Sums are rounded, so the rest of a place may lie beyond the last leaf that has a priority.
        goes_right = (rest >= left) & (right > 0.0)
        return (
            2 * node + goes_right.astype(jnp.int32),
            jnp.where(goes_right, rest - left, rest),
            jnp.where(goes_right, right, left),
        )

    # The descent carries the priorities along: XLA would copy a tree that is read again before it is written.
    start = jnp.ones(batch_size, jnp.int32), places * total, places
    node, _, priorities = jax.lax.fori_loop(0, _depth(tree), descend, start)
    return node - len(tree.nodes) // 2, priorities


def set_priorities(tree: SumTree, leaves: jax.Array, priorities: jax.Array) -> SumTree:
    """Change priorities.

    Args:
        tree: the priorities.
        leaves: int32[number]; a leaf that occurs twice needs the same priority twice.
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


def _depth(tree: SumTree) -> int:
    return (len(tree.nodes) // 2).bit_length() - 1
