"""From seeds to the keys of their episodes.

A seed starts a stream, and every reset splits the key of one episode off it. So a second reset without a seed gives
another episode, and the first episode of a seed is always the same.
"""

import time
from collections.abc import Sequence

import jax
import numpy as np

from ble_sim.precision import reference_draws
from ble_sim.seeds import MAX_SEED, check_seed


def clock_seed() -> int:
    """A seed that differs from call to call."""
    return time.time_ns() // 1000 & MAX_SEED


def start_streams(seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    """The streams of seeds: uint32[len(seeds), 2].

    Raises:
        ValueError: a seed is no whole number of 32 bits.
    """
    with reference_draws():
        return np.array(_start(np.array([check_seed(seed) for seed in seeds], np.uint32)))


def next_episode_keys(streams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Streams after a reset, and the keys of the episodes that begin: uint32[n, 2] each."""
    with reference_draws():
        pairs = np.array(_split(streams))
    return pairs[:, 0], pairs[:, 1]


def first_episode_keys(seeds: Sequence[int]) -> np.ndarray:
    """The keys of the episodes that resets with these seeds begin: uint32[len(seeds), 2]."""
    return next_episode_keys(start_streams(seeds))[1]


_start = jax.jit(jax.vmap(jax.random.PRNGKey))
_split = jax.jit(jax.vmap(jax.random.split))
