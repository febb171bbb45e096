"""Statistics over episodes: means with bootstrap confidence intervals, and the number of failures."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ble_eval.results.records import FAILURES, EvaluationResult

CONFIDENCE_LEVEL = 0.95
RESAMPLES = 2_000


@dataclass(frozen=True)
class Estimate:
    """A mean over episodes.

    Attributes:
        mean: the mean.
        interval: its bias-corrected and accelerated bootstrap confidence interval at `CONFIDENCE_LEVEL`
            (Efron, "Better Bootstrap Confidence Intervals", 1987); None for a single episode.
    """

    mean: float
    interval: tuple[float, float] | None


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
    """Summarize an evaluation. The bootstrap has a fixed seed: equal results have equal intervals."""
    all_results = list(results)
    return Summary(
        overall=_averages(all_results),
        unfailed=_averages([result for result in all_results if not result.failed]),
        failures={failure: sum(getattr(result, failure) for result in all_results) for failure in FAILURES},
    )


def _averages(results: list[EvaluationResult]) -> Averages:
    return Averages(
        episodes=len(results),
        twr50=estimate([result.time_within_radius for result in results]),
        reward=estimate([result.cumulative_reward for result in results]),
    )


def estimate(values: list[float]) -> Estimate | None:
    """The mean of a sample with its confidence interval; None for an empty sample."""
    if not values:
        return None
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if sample.size == 1:
        return Estimate(mean, None)
    if np.all(sample == sample[0]):  # every resample is the same, and the correction for skewness undefined
        return Estimate(mean, (mean, mean))
    interval = stats.bootstrap(
        (sample,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, 1_000_000 // sample.size),  # bounds the memory
        confidence_level=CONFIDENCE_LEVEL,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Estimate(mean, (float(interval.low), float(interval.high)))
