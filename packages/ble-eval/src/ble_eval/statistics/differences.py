"""Differences between agents, paired by seed: intervals, tests, and the number of seeds that a difference takes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ble_eval.statistics.bootstrap import CONFIDENCE_LEVEL, Bootstrap, Estimate, mean_estimates
from ble_eval.statistics.scores import FIGURES, Flights, strata_masks

POWER = 0.8
"""Probability of seeing a difference that is there, for `seeds_needed`."""

SIGN_CHANGES = 10_000
"""Random changes of signs for the tests; all there are for fewer."""

_CHUNK = 250


@dataclass(frozen=True)
class Difference:
    """How much larger a figure of an agent is than that of the baseline on the same seeds.

    Attributes:
        mean: mean of the differences.
        improvement: probability that the agent has the larger value on a seed; equal values count half.
        p: probability of a mean difference of at least this size, of either sign, if on each seed either value might as
            well have been the other agent's.
        p_corrected: the smallest rate of false discoveries at which this one is a discovery, among those in the same
            figure of all agents (Benjamini and Hochberg, "Controlling the False Discovery Rate", 1995).
    """

    mean: Estimate
    improvement: Estimate
    p: float
    p_corrected: float


@dataclass(frozen=True)
class StratumDifference:
    """Mean differences over the flights of a stratum.

    Attributes:
        twr50: of TWR50.
        reward: of the reward.
    """

    twr50: Estimate
    reward: Estimate


@dataclass(frozen=True)
class Differences:
    """How an agent differs from the baseline.

    Attributes:
        label: of the agent.
        twr50, twr50_episode, reward: by figure, see `ble_eval.statistics.Scores`.
        strata: by stratum.
        seeds_paired, seeds_unpaired: seeds that each agent has to fly so that a difference of TWR50 of a given size is
            seen with a probability of `POWER`, if both fly the same seeds, or others; at least 2. None for a single
            seed, whose spread is unknown.
    """

    label: str
    twr50: Difference
    twr50_episode: Difference
    reward: Difference
    strata: Mapping[str, StratumDifference]
    seeds_paired: int | None
    seeds_unpaired: int | None


def differences_from(
    baseline: Flights, others: Mapping[str, Flights], seeds: Sequence[int], bootstrap: Bootstrap, difference: float
) -> list[Differences]:
    """The differences of agents from a baseline.

    Args:
        baseline: its flights.
        others: flights of the other agents by label.
        seeds: of all flights, in their order.
        bootstrap: resamples of these seeds.
        difference: of TWR50, for the number of seeds.
    """
    if not others:
        return []
    columns = [getattr(flights, name) - getattr(baseline, name) for flights in others.values() for name in FIGURES]
    p = sign_change_test(np.column_stack(columns)).reshape(len(others), len(FIGURES))
    every = np.ones(len(seeds), bool)
    means = mean_estimates(columns, every, bootstrap)
    improvements = mean_estimates([(np.sign(column) + 1.0) / 2.0 for column in columns], every, bootstrap)
    tested = map(Difference, means, improvements, p.ravel().tolist(), corrected(p).ravel().tolist())
    masks = strata_masks(seeds)
    found = []
    for label, flights in others.items():
        twr50, reward = flights.twr50 - baseline.twr50, flights.reward - baseline.reward
        found.append(
            Differences(
                label,
                **{name: next(tested) for name in FIGURES},
                strata={
                    name: StratumDifference(*mean_estimates([twr50, reward], mask, bootstrap))
                    for name, mask in masks.items()
                },
                seeds_paired=seeds_needed(twr50, difference),
                seeds_unpaired=seeds_needed(flights.twr50, difference, baseline.twr50),
            )
        )
    return found


def sign_change_test(columns: np.ndarray, changes: int = SIGN_CHANGES) -> np.ndarray:
    """Two-sided p values of mean differences, by changes of the differences' signs.

    This is `scipy.stats.permutation_test` of one sample with `permutation_type="samples"`, for many figures at once. If
    there are no more changes of signs than `changes` it takes all of them, else random ones and the observed one.

    Args:
        columns: differences, float[seeds, figures].
        changes: number of random changes.

    Returns:
        float64[figures].
    """
    columns = (columns / np.maximum(np.abs(columns).max(axis=0), 1e-300)).astype(np.float32)
    total = columns.sum(axis=0, dtype=np.float64)
    exact = 2 ** min(len(columns), 60) <= changes
    count = 2 ** len(columns) if exact else changes
    bound = np.abs(total) - 1e-6 * np.sqrt(len(columns))  # Rounding may not turn a tie into a smaller value.
    random = np.random.default_rng(0)
    reached = np.zeros(columns.shape[1])
    for start in range(0, count, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, count))
        if exact:
            signs = rows[:, None] >> np.arange(len(columns)) & 1
        else:
            packed = random.integers(256, size=(len(rows), math.ceil(len(columns) / 8)), dtype=np.uint8)
            signs = np.unpackbits(packed, axis=1, count=len(columns))
        sums = total - 2.0 * (signs.astype(np.float32) @ columns)
        reached += (np.abs(sums) >= bound).sum(axis=0)
    return reached / count if exact else (reached + 1.0) / (count + 1.0)


def corrected(p: np.ndarray) -> np.ndarray:
    """The p values of several agents, float64[agents, ...], corrected for the number of agents."""
    return np.asarray(stats.false_discovery_control(p, axis=0, method="bh"))


def seeds_needed(values: np.ndarray, difference: float, others: np.ndarray | None = None) -> int | None:
    """How many seeds it takes to see a difference of means with probability `POWER` at `CONFIDENCE_LEVEL`.

    The mean is taken as normal: with few seeds it takes some more.

    Args:
        values: differences of paired flights, or the values of one agent, float[flights].
        difference: the size, positive.
        others: values of the other agent on other seeds.

    Returns:
        The number for each agent, at least 2; None if there are fewer than 2 values, so that the spread is unknown.
    """
    if len(values) < 2:
        return None
    variance = np.var(values, ddof=1) + (0.0 if others is None else np.var(others, ddof=1))
    deviations = stats.norm.ppf((1.0 + CONFIDENCE_LEVEL) / 2.0) + stats.norm.ppf(POWER)
    return max(2, math.ceil(deviations**2 * variance / difference**2))
