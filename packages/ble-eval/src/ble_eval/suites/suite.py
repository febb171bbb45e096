"""A suite: the seeds and the time limit of an evaluation's episodes."""

from collections.abc import Iterable
from dataclasses import dataclass

from ble_sim.seeds import check_seed


@dataclass
class EvaluationSuite:
    """The episodes of an evaluation.

    Attributes:
        seeds: seeds of the episodes, each in [0, 2**64 - 1], in the order of the results.
        max_episode_length: agent steps after which an episode ends, at least 1.

    Raises:
        ValueError: a seed or the length is out of range.
    """

    seeds: list[int]
    max_episode_length: int

    def __post_init__(self) -> None:
        self.seeds = [check_seed(seed) for seed in self.seeds]
        if self.max_episode_length < 1:
            raise ValueError(f"max_episode_length is {self.max_episode_length}: an episode takes at least 1 step.")

    def shard(self, index: int, count: int) -> "EvaluationSuite":
        """Part `index` of `count` parts, consecutive seeds, which together are the whole suite.

        Raises:
            ValueError: there is no such part.
        """
        if count < 1 or not 0 <= index < count:
            raise ValueError(
                f"There is no shard {index} of {count}: shards are counted from 0 to their number less one."
            )
        total = len(self.seeds)
        return EvaluationSuite(
            self.seeds[total * index // count : total * (index + 1) // count], self.max_episode_length
        )


def repeated(seeds: Iterable[int]) -> list[int]:
    """The seeds that occur more than once, sorted."""
    seen: set[int] = set()
    return sorted({seed for seed in seeds if seed in seen or seen.add(seed)})


def seed_ranges(seeds: Iterable[int]) -> list[str]:
    """Seeds as text in their order, with ranges for those that follow each other: "1", "4-6", "3"."""
    ranges: list[list[int]] = []
    for seed in seeds:
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return [str(first) if first == last else f"{first}-{last}" for first, last in ranges]


def seeds_of_ranges(ranges: Iterable[str]) -> list[int]:
    """The seeds of `seed_ranges`.

    Raises:
        ValueError: a text is no seed or range.
    """
    seeds: list[int] = []
    for text in ranges:
        first, _, last = text.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds
