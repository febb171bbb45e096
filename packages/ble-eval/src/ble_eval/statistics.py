"""Figures over many flights: means with bootstrap confidence intervals, and how many flights failed in which
way.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ble_eval.results.records import FAILURES, EvaluationResult

CONFIDENCE_LEVEL = 0.95
RESAMPLES = 2_000


@dataclass(frozen=True)
class Estimate:
    """A mean over flights.

    Attributes:
        mean: the mean.
        interval: its bias-corrected and accelerated bootstrap confidence interval at `CONFIDENCE_LEVEL`
            (Efron, "Better Bootstrap Confidence Intervals", 1987), None for a single flight, which says
            nothing about the spread.
    """

    mean: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Averages:
    """Means over a group of flights.

    Attributes:
        episodes: number of flights.
        twr50: share of the steps within the station-keeping radius, None without flights.
        reward: cumulative reward, None without flights.
    """

    episodes: int
    twr50: Estimate | None
    reward: Estimate | None


@dataclass(frozen=True)
class Summary:
    """What an evaluation comes to.

    Attributes:
        overall: over all flights.
        unfailed: over the flights that did not fail.
        failures: number of flights that ended in each failure, by the name of the failure.
    """

    overall: Averages
    unfailed: Averages
    failures: dict[str, int]


def summarize(results: Iterable[EvaluationResult]) -> Summary:
    """Sums up an evaluation. The bootstrap's draws have a fixed seed: equal results have equal intervals."""
    flights = list(results)
    return Summary(
        overall=_averages(flights),
        unfailed=_averages([flight for flight in flights if not flight.failed]),
        failures={failure: sum(getattr(flight, failure) for flight in flights) for failure in FAILURES},
    )


def _averages(flights: list[EvaluationResult]) -> Averages:
    return Averages(
        episodes=len(flights),
        twr50=estimate([flight.time_within_radius for flight in flights]),
        reward=estimate([flight.cumulative_reward for flight in flights]),
    )


def estimate(values: list[float]) -> Estimate | None:
    """The mean of a sample with its confidence interval; None of an empty one."""
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
