"""The strata of the benchmark: seeds by the difficulty of their winds.

The original's authors measured difficulty by StationSeeker's TWR50 (`eval/strata_seeds.py` there). From "hardest" to
"easiest" it is within 0 to 0.2, ..., 0.8 to 1, with few exceptions. On most small seeds that are in no stratum it is 0.
"""

import functools
import json
from collections.abc import Iterable
from importlib import resources

STRATA = ("hardest", "hard", "mid", "easy", "easiest")
"""The strata, 2 000 seeds each. It is harder to stay near the station in the winds of the former."""

OTHER = "other"
"""What stands for the stratum of a seed that is in none."""


@functools.cache
def strata_seeds() -> dict[str, list[int]]:
    """The seeds of each stratum, from `data/strata_seeds.json`."""
    text = resources.files("ble_eval").joinpath("data", "strata_seeds.json").read_text(encoding="utf-8")
    seeds = json.loads(text)
    return {name: seeds[name] for name in STRATA}


def strata_of(seeds: Iterable[int]) -> list[str]:
    """The stratum of each seed, `OTHER` where it is in none."""
    by_seed = {seed: name for name, members in strata_seeds().items() for seed in members}
    return [by_seed.get(seed, OTHER) for seed in seeds]
