"""The bootstrap: how far figures would move with other seeds.

A resample draws as many seeds as there are, with replacement, and intervals are percentiles of a figure over the
resamples. A stratified one draws as many from each stratum as there are, as in Agarwal et al., "Deep Reinforcement
Learning at the Edge of the Statistical Precipice", 2021. The tasks of that article are the strata here.

A resample is given by its weights, how often it has drawn each seed. All agents and figures use the same resamples, so
that differences between agents keep the pairing by seed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ble_eval.statistics.trimmed import weighted_sums
from ble_eval.suites.strata import OTHER, strata_of

CONFIDENCE_LEVEL = 0.95

RESAMPLES = 2_000

MIN_STRATUM = 20
"""Strata with fewer seeds are drawn from together: a few seeds say little about the spread within their stratum."""

_CHUNK = 250
"""Resamples that are drawn at once; it bounds the memory."""


@dataclass(frozen=True)
class Estimate:
    """A figure of a sample.

    Attributes:
        value: of the sample.
        interval: its confidence interval at `CONFIDENCE_LEVEL`; None where the sample says nothing about the spread.
    """

    value: float
    interval: tuple[float, float] | None


class Bootstrap:
    """Resamples of seeds. They depend on nothing but the seeds and their number.

    Args:
        seeds: the seeds of all samples, in the order of their values.
        stratified: whether to draw within the strata. Intervals are then for other seeds of the same difficulty, and
            otherwise for any other seeds. The difference is largest for StationSeeker, by whose flights the seeds were
            divided into strata.
        resamples: how many to draw.
    """

    def __init__(self, seeds: Sequence[int], *, stratified: bool = False, resamples: int = RESAMPLES) -> None:
        self._weights = _drawn(_groups(seeds) if stratified else np.zeros(len(seeds), int), resamples)

    def weights(self, members: np.ndarray) -> np.ndarray:
        """How often each resample has drawn each member, uint8[members, resamples]; members are bool[seeds]."""
        return self._weights if members.all() else self._weights[members]

    def means(self, columns: np.ndarray, members: np.ndarray | None = None) -> np.ndarray:
        """Means over resamples.

        Args:
            columns: values, float[seeds, figures].
            members: the seeds that count, bool[seeds]; all by default.

        Returns:
            float64[figures, resamples]; NaN where a resample has no member.
        """
        members = np.ones(len(columns), bool) if members is None else members
        *sums, sizes = weighted_sums(self.weights(members), np.column_stack([columns[members], np.ones(members.sum())]))
        with np.errstate(invalid="ignore"):
            return np.array(sums) / sizes


def _groups(seeds: Sequence[int]) -> np.ndarray:
    """The group of each seed, counted from 0: its stratum, or that of all seeds in no stratum or in a small one."""
    strata = strata_of(seeds)
    sizes = Counter(strata)
    names = [name if sizes[name] >= MIN_STRATUM else OTHER for name in strata]
    rest = names.count(OTHER)
    if 0 < rest < MIN_STRATUM:  # Not a group of its own either: joined with the smallest one.
        large = Counter(name for name in names if name != OTHER)
        smallest = min(large, key=lambda name: large[name], default=OTHER)
        names = [smallest if name == OTHER else name for name in names]
    return np.unique(names, return_inverse=True)[1]


def _drawn(groups: np.ndarray, resamples: int) -> np.ndarray:
    """Weights, uint8[seeds, resamples]. A weight above 255 does not occur: its probability is below 10^-500."""
    random = np.random.default_rng(0)
    weights = np.empty((len(groups), resamples), np.uint8)
    for group in range(groups.max(initial=-1) + 1):
        members = np.flatnonzero(groups == group)
        size = len(members)
        for start in range(0, resamples, _CHUNK):
            count = min(_CHUNK, resamples - start)
            drawn = random.integers(size, size=(size, count)) * count + np.arange(count)
            counts = np.bincount(drawn.ravel(), minlength=size * count)
            weights[members, start : start + count] = counts.reshape(size, count)
    return weights


def interval_of(resampled: np.ndarray) -> np.ndarray:
    """The percentiles of figures over resamples, without those that lack a figure (NaN).

    Args:
        resampled: float[..., resamples].

    Returns:
        float64[2, ...].
    """
    tail = (1.0 - CONFIDENCE_LEVEL) / 2.0
    return np.nanquantile(resampled, [tail, 1.0 - tail], axis=-1)


def estimate(values: np.ndarray, resampled: np.ndarray, value: float | None = None) -> Estimate:
    """A figure with its interval.

    Args:
        values: the sample, float[values], at least one.
        resampled: the figure over resamples, float[resamples].
        value: the figure of the sample, the mean by default.
    """
    value = float(np.mean(values)) if value is None else value
    if len(values) == 1:
        return Estimate(value, None)
    if np.all(values == values[0]):  # Free of rounding.
        return Estimate(value, (value, value))
    low, high = interval_of(resampled)
    return Estimate(value, (float(low), float(high)))


def mean_estimates(columns: Sequence[np.ndarray], members: np.ndarray, bootstrap: Bootstrap) -> list[Estimate]:
    """The means of several figures over some seeds.

    Args:
        columns: float[seeds] for each figure.
        members: the seeds that count, bool[seeds], at least one.
        bootstrap: resamples of the seeds.
    """
    resampled = bootstrap.means(np.column_stack(columns), members)
    return [estimate(column[members], part) for column, part in zip(columns, resampled, strict=True)]
