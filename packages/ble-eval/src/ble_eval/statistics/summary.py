"""The summary of one evaluation: means, and the number of failures."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ble_eval.results.records import FAILURES, EvaluationResult
from ble_eval.statistics.bootstrap import Bootstrap, Estimate, mean_estimates


@dataclass(frozen=True)
class Averages:
    """Means over a group of episodes.

    Attributes:
        episodes: number of episodes.
        twr50: share of the steps within the station-keeping radius, None without episodes.
        reward: cumulative reward, None without episodes.
    """

    episodes: int
    twr50: Estimate | None
    reward: Estimate | None


@dataclass(frozen=True)
class Summary:
    """The statistics of an evaluation.

    Attributes:
        overall: over all episodes.
        unfailed: over the episodes that did not fail.
        failures: number of episodes that ended in each failure, by its name.
    """

    overall: Averages
    unfailed: Averages
    failures: dict[str, int]


def summarize(results: Iterable[EvaluationResult]) -> Summary:
    """Summarize an evaluation. Equal results have equal intervals, which are for any other seeds."""
    all_results = sorted(results, key=lambda result: result.seed)
    bootstrap = Bootstrap([result.seed for result in all_results])
    return Summary(
        overall=_averages(all_results, [True] * len(all_results), bootstrap),
        unfailed=_averages(all_results, [not result.failed for result in all_results], bootstrap),
        failures={failure: sum(getattr(result, failure) for result in all_results) for failure in FAILURES},
    )


def _averages(results: list[EvaluationResult], members: list[bool], bootstrap: Bootstrap) -> Averages:
    if not any(members):
        return Averages(0, None, None)
    twr50 = np.array([result.time_within_radius for result in results])
    reward = np.array([result.cumulative_reward for result in results])
    return Averages(sum(members), *mean_estimates([twr50, reward], np.array(members), bootstrap))
