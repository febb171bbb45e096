"""The replay memory against plain Python: which samples there are, and what they hold."""

import functools
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_train.replay import memory as replay
from ble_train.replay import sum_tree
from ble_train.replay.capacity import needed_bytes
from ble_train.replay.memory import Slot

N_STEP, GAMMA, SIZE = 3, 0.9, 2

push = jax.jit(functools.partial(replay.push, n_step=N_STEP), donate_argnums=(0, 1))
read_samples = jax.jit(functools.partial(replay.read_samples, n_step=N_STEP, gamma=GAMMA))
set_priorities = jax.jit(sum_tree.set_priorities)


class Stored(NamedTuple):
    observation: float
    action: int
    reward: float
    terminal: bool
    episode_end: bool
    valid: bool


def random_streams(rng: np.random.Generator, pushes: int, lanes: int) -> list[list[Stored]]:
    """[lane][push]: episodes with all kinds of ends, and now and then a slot with nothing in it."""
    streams = []
    for _ in range(lanes):
        stream = []
        while len(stream) < pushes:
            length = int(rng.integers(1, 12))
            ends_in_terminal = rng.random() < 0.5
            for step in range(length):
                is_last = step == length - 1
                stored = Stored(
                    float(rng.random()),
                    int(rng.integers(3)),
                    float(rng.random()),
                    terminal=is_last and ends_in_terminal,
                    episode_end=is_last,
                    valid=True,
                )
                stream.append(stored)
            if ends_in_terminal:
                stream.append(Stored(-1.0, 0, 0.0, False, False, valid=False))
        streams.append(stream[:pushes])
    return streams


def naive_sample(window: list[Stored], following: Stored) -> tuple[float, float] | None:
    """(reward, discount) of a window, or None if it is no sample."""
    if any(stored.episode_end and not stored.terminal for stored in window):
        return None
    total = 0.0
    for step, stored in enumerate(window):
        if not stored.valid:
            return None
        total += GAMMA**step * stored.reward
        if stored.terminal:
            return total, 0.0
    return (total, GAMMA ** len(window)) if following.valid else None


def push_all(streams: list[list[Stored]], slots: int, dtype: str = "float32"):
    memory, tree = replay.make_memory(slots, len(streams), SIZE, dtype)
    for row in zip(*streams, strict=True):
        slot = Slot(*(np.array(column) for column in zip(*row, strict=True)))
        observation = np.repeat(np.asarray(slot.observation, np.float32)[:, None], SIZE, axis=1)
        memory, tree = push(memory, tree, slot._replace(observation=observation))
    return memory, tree


def leaf_priorities(tree: sum_tree.SumTree) -> np.ndarray:
    return np.asarray(tree.nodes)[len(tree.nodes) // 2 :]


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("pushes", [2, 9, 40, 41, 97])
def test_the_samples_are_those_of_plain_python(lanes, pushes):
    slots = 20
    streams = random_streams(np.random.default_rng(pushes), pushes, lanes)
    memory, tree = push_all(streams, slots)
    expected = {}
    for lane, stream in enumerate(streams):
        for first in range(max(0, pushes - slots), pushes - N_STEP):
            found = naive_sample(stream[first : first + N_STEP], stream[first + N_STEP])
            if found is not None:
                expected[first % slots * lanes + lane] = stream[first], *found, stream[first + N_STEP]
    leaves = np.flatnonzero(leaf_priorities(tree))
    assert leaves.tolist() == sorted(expected)
    if not expected:
        return
    batch = read_samples(memory, jnp.asarray(leaves))
    for row, leaf in enumerate(leaves.tolist()):
        start, reward, discount, following = expected[leaf]
        np.testing.assert_allclose(batch.observation[row], start.observation, rtol=1e-6)
        assert batch.action[row] == start.action
        np.testing.assert_allclose(batch.reward[row], reward, rtol=1e-6)
        np.testing.assert_allclose(batch.discount[row], discount, rtol=1e-6)
        if discount:
            np.testing.assert_allclose(batch.next_observation[row], following.observation, rtol=1e-6)


def stream_of(*ends: str) -> list[Stored]:
    """A slot for each word: "", "terminal", "limit", or "nothing"."""
    return [
        Stored(float(i), 0, 1.0, end == "terminal", end in ("terminal", "limit"), end != "nothing")
        for i, end in enumerate(ends)
    ]


@pytest.mark.parametrize(
    ("stream", "samples"),
    [
        (["", "", ""], []),  # nothing follows yet
        (["", "", "", ""], [0]),
        (["", "", "terminal", "nothing"], [0]),
        (["", "terminal", "nothing", "", "", "", ""], [0, 1, 3]),
        (["", "", "", "limit", "", "", ""], [0]),  # the slot at the limit is a next state alone
        (["", "nothing", "", "", "", ""], [2]),
        (["", "", "", "nothing", ""], []),  # and an empty one is none
        (["", "terminal", "limit", "", ""], []),  # as in the original, though the sample ends before the limit
    ],
)
def test_where_samples_may_start(stream, samples):
    _, tree = push_all([stream_of(*stream)], 10)
    assert np.flatnonzero(leaf_priorities(tree)).tolist() == samples


def test_samples_never_straddle_the_cursor():
    slots = 8
    for pushes in range(8, 25):
        _, tree = push_all([stream_of(*[""] * pushes)], slots)
        unavailable = {(pushes - back) % slots for back in range(1, N_STEP + 1)}
        assert set(np.flatnonzero(leaf_priorities(tree)).tolist()) == set(range(slots)) - unavailable


def test_new_samples_take_the_largest_priority_that_there_ever_was():
    memory, tree = push_all([stream_of(*[""] * 6)], 10)
    assert leaf_priorities(tree)[:3].tolist() == [1.0, 1.0, 1.0]
    tree = set_priorities(tree, jnp.array([0, 1]), jnp.array([5.0, 0.5]))
    tree = set_priorities(tree, jnp.array([0]), jnp.array([0.25]))
    slot = Slot(np.zeros((1, SIZE), np.float32), [0], [0.0], [False], [False], [True])
    _, tree = push(memory, tree, slot)
    assert leaf_priorities(tree)[:4].tolist() == [0.25, 0.5, 1.0, 5.0]


def test_float16_keeps_three_digits_in_half_the_bytes():
    stream = [Stored(value, 1, 1.0, False, False, True) for value in np.linspace(0, 1, 6)]
    memory, _ = push_all([stream], 10, "float16")
    assert memory.slots.observation.dtype == jnp.float16
    batch = read_samples(memory, jnp.arange(3))
    assert batch.observation.dtype == jnp.float32
    np.testing.assert_allclose(batch.observation[:, 0], [0.0, 0.2, 0.4], rtol=1e-3)
    full, half = (needed_bytes(2_000_000, 1, 1099, dtype) / 2**30 for dtype in ("float32", "float16"))
    assert 8.1 < full < 8.3
    assert 4.1 < half < 4.2


def test_pushing_does_not_copy_the_memory():
    memory, tree = replay.make_memory(100_000, 1, 500, "float16")  # 100 MB
    slot = Slot(np.zeros((1, 500), np.float32), [0], [0.0], [False], [False], [True])
    memory, tree = push(memory, tree, slot)
    before = memory.slots.observation.unsafe_buffer_pointer(), tree.nodes.unsafe_buffer_pointer()
    start = time.process_time()
    for _ in range(50):
        memory, tree = push(memory, tree, slot)
    jax.block_until_ready(memory)
    assert (memory.slots.observation.unsafe_buffer_pointer(), tree.nodes.unsafe_buffer_pointer()) == before
    assert (time.process_time() - start) / 50 < 0.005  # A copy takes several times as long.
