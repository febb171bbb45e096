"""Joins the results of shards."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from ble_eval.errors import UserError
from ble_eval.results.flight_path import FlightPath
from ble_eval.results.records import EvaluationResult
from ble_eval.suites.suite import seed_ranges

MOST_RANGES = 20
"""Of seeds that a message lists."""


@dataclass(frozen=True)
class Merged:
    """The results of joined files.

    Attributes:
        results: one result for each seed, sorted by seed.
        double: seeds with several results, all equal.
        missing: seeds that were expected and have no result.
    """

    results: list[EvaluationResult]
    double: list[int]
    missing: list[int]


def merge_results(
    parts: Iterable[Sequence[EvaluationResult]],
    *,
    expected_seeds: Iterable[int] = (),
    flight_paths: bool = False,
) -> Merged:
    """Join the results of several files.

    Args:
        parts: the results of each file.
        expected_seeds: seeds that must have a result.
        flight_paths: whether to keep the paths.

    Raises:
        UserError: a seed has different results; the message names all such seeds, and the values of the first.
    """
    by_seed: dict[int, EvaluationResult] = {}
    double: set[int] = set()
    contradictory: dict[int, str] = {}
    for result in (result for part in parts for result in part):
        earlier = by_seed.setdefault(result.seed, result)
        if earlier is not result:
            double.add(result.seed)
            if found := contradiction(earlier, result):
                contradictory.setdefault(result.seed, found)
    if contradictory:
        seed = min(contradictory)
        raise UserError(
            f"The files have different results for {listed(contradictory)}: they are not shards of one run."
            f" Of the seed {seed}, {contradictory[seed]}."
        )
    results = [by_seed[seed] for seed in sorted(by_seed)]
    return Merged(
        results=results
        if flight_paths
        else [dataclasses.replace(result, flight_path=FlightPath()) for result in results],
        double=sorted(double),
        missing=sorted(set(expected_seeds) - by_seed.keys()),
    )


def contradiction(one: EvaluationResult, other: EvaluationResult) -> str:
    """The values in which two results of an episode differ as a sentence; empty if they are equal.

    Flight paths are not compared, since a file may leave them out.
    """
    names = [field.name for field in fields(EvaluationResult) if field.name != "flight_path"]
    values = [(name, getattr(one, name), getattr(other, name)) for name in names]
    return "; ".join(f"{name} is {first} and {second}" for name, first, second in values if first != second)


def listed(seeds: Iterable[int]) -> str:
    """Seeds as text, with ranges: "5 seeds 1, 4-6, 9". A long list is cut off."""
    numbers = sorted(seeds)
    ranges = seed_ranges(numbers)
    more = ", ..." if len(ranges) > MOST_RANGES else ""
    return f"{len(numbers)} seed{'' if len(numbers) == 1 else 's'} {', '.join(ranges[:MOST_RANGES])}{more}"
