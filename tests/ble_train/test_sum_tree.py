"""The sum tree: its sums, and how often leaves are drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_train.replay import sum_tree
from ble_train.replay.sum_tree import make_tree

set_priorities = jax.jit(sum_tree.set_priorities)
draw = jax.jit(sum_tree.draw, static_argnames=("batch_size", "stratified"))


@pytest.mark.parametrize("number", [1, 2, 5, 16, 100])
def test_every_node_is_the_sum_of_its_children(number):
    rng = np.random.default_rng(number)
    tree = make_tree(number)
    for _ in range(5):
        leaves = rng.integers(number, size=7)
        new = rng.random(number).astype(np.float32)[leaves]
        tree = set_priorities(tree, jnp.asarray(leaves), jnp.asarray(new))
    nodes = np.asarray(tree.nodes)
    half = len(nodes) // 2
    assert half >= number and half & (half - 1) == 0
    np.testing.assert_array_equal(nodes[1:half], nodes[2:].reshape(-1, 2).sum(axis=1)[: half - 1])


@pytest.mark.parametrize("stratified", [True, False])
def test_draws_are_proportional_to_priorities(stratified):
    priorities = np.array([0.0, 3.0, 1.0, 0.0, 0.5, 0.0, 2.5, 0.0, 0.0, 1.0], np.float32)
    tree = make_tree(10)
    tree = set_priorities(tree, jnp.arange(10), jnp.asarray(priorities))
    draws = [draw(tree, jax.random.PRNGKey(seed), batch_size=16, stratified=stratified) for seed in range(1000)]
    leaves, found = (np.stack(column) for column in zip(*draws, strict=True))
    np.testing.assert_array_equal(found, priorities[np.asarray(leaves)])
    shares = np.bincount(np.asarray(leaves).ravel(), minlength=10) / leaves.size
    assert (shares[priorities == 0] == 0).all()
    np.testing.assert_allclose(shares, priorities / priorities.sum(), atol=0.015)


def test_stratified_draws_take_one_from_each_equal_share():
    tree = make_tree(64)
    tree = set_priorities(tree, jnp.arange(64), jnp.ones(64))
    for seed in range(5):
        leaves, _ = draw(tree, jax.random.PRNGKey(seed), batch_size=32, stratified=True)
        assert (np.asarray(leaves) // 2).tolist() == list(range(32))


def test_rounding_never_leads_to_a_leaf_without_priority():
    rng = np.random.default_rng(0)
    priorities = np.where(rng.random(1000) < 0.5, 10.0 ** rng.uniform(-6, 6, 1000), 0.0).astype(np.float32)
    priorities[-300:] = 0.0
    tree = make_tree(1000)
    tree = set_priorities(tree, jnp.arange(1000), jnp.asarray(priorities))
    for seed in range(500):
        _, found = draw(tree, jax.random.PRNGKey(seed), batch_size=32, stratified=True)
        assert (np.asarray(found) > 0).all()
