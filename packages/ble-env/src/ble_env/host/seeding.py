"""From seeds to the keys of their episodes.

A seed starts a stream, and every reset splits the key of one episode off it. So a second reset without a seed gives
another episode, and the first episode of a seed is always the same.
"""

import time
from collections.abc import Sequence

import numpy as np

from ble_sim.keys import split_data
from ble_sim.seeds import seed_words


def clock_seed() -> int:
    """A seed of 32 bits that differs from call to call."""
    return time.time_ns() // 1000 & 0xFFFF_FFFF


def episode_name(seed: int, number: int) -> str:
    """An episode for messages: that which is the `number`th (from 1) of a seed's stream."""
    return f"the episode of seed {seed}" if number == 1 else f"episode {number} of the stream of seed {seed}"


def start_streams(seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    """The streams of seeds: uint32[len(seeds), 2], their high and low words.

    Raises:
        ValueError: a seed is no whole number of 64 bits.
    """
    return np.array([seed_words(seed) for seed in seeds], np.uint32).reshape(-1, 2)


def next_episode_keys(streams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Streams after a reset, and the keys of the episodes that begin: uint32[n, 2] each."""
    pairs = split_data(streams)
    return pairs[:, 0], pairs[:, 1]


def first_episode_keys(seeds: Sequence[int]) -> np.ndarray:
    """The keys of the episodes that resets with these seeds begin: uint32[len(seeds), 2]."""
    return next_episode_keys(start_streams(seeds))[1]
