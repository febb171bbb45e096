"""Means, interquartile means and medians of many resamples at once.

All three are trimmed means: they leave out as many of the smallest values as of the largest. Let x_0 <= x_1 <= ... be a
sample and C_i the number of values of a resample that are among x_0, ..., x_i. If l values are left out at each end and
k are kept, clip(C_i - l, 0, k) of the kept ones are at most x_i. So, if all of them are at most x_e,

    trimmed mean = x_e - sum over i < e of (x_(i+1) - x_i) clip(C_i - l, 0, k) / k

Only where C_i may be near l or l + k does each resample need its own C_i: in two windows, some hundreds of 10 000
values. Before the first window the summands are 0. Between the two they are linear in the weights, how often a resample
has drawn each value, and all resamples are one product of matrices.
"""

import math
from collections.abc import Callable

import numpy as np

CUTS: dict[str, Callable] = {
    "mean": lambda size: 0 * size,
    "iqm": lambda size: np.floor(size / 4),
    "median": lambda size: np.maximum(np.ceil(size / 2) - 1, 0),
}
"""How many values are left out at each end, by the size of the sample."""

_DEVIATIONS = 5.0
"""How far a window reaches, in standard deviations of C_i. Resamples beyond are found, and cost a second pass."""

_ROWS = 1_000


def trimmed_mean(values: np.ndarray, name: str) -> float:
    """The average called `name` in `CUTS` of a sample, float[values], at least one."""
    lowest = int(CUTS[name](len(values)))
    return float(np.sort(values)[lowest : len(values) - lowest].mean())


def weighted_sums(weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The sums of columns in resamples.

    Args:
        weights: uint8[values, resamples].
        columns: float[values, figures].

    Returns:
        float64[figures, resamples].
    """
    columns = columns.astype(np.float32)
    sums = np.zeros((weights.shape[1], columns.shape[1]))
    for start in range(0, len(weights), _ROWS):  # Bounds the memory, and what float32 loses.
        rows = slice(start, start + _ROWS)
        sums += weights[rows].astype(np.float32).T @ columns[rows]
    return sums.T


def resampled_averages(weights: np.ndarray, columns: np.ndarray) -> list[dict[str, np.ndarray]]:
    """The averages of resamples.

    Args:
        weights: how often each resample has drawn each value, uint8[values, resamples].
        columns: samples, float64[values, figures], at least one value.

    Returns:
        For each column the averages by their names in `CUTS`, float64[resamples]; NaN where a resample has drawn none
        of the values.
    """
    figures = columns.shape[1]
    trimmings = [_Trimming(column, name) for column in columns.T for name in ("iqm", "median")]
    linear = [np.ones(len(columns)), columns, *(one.linear for one in trimmings)]
    sizes, *sums = weighted_sums(weights, np.column_stack(linear))
    with np.errstate(invalid="ignore"):
        found = [{"mean": total / sizes} for total in sums[:figures]]
    for place, one in enumerate(trimmings):
        start = figures + 3 * place
        found[place // 2][one.name] = one.of_resamples(weights, sizes, *sums[start : start + 3])
    return found


class _Trimming:
    """A trimmed mean of one sample.

    Args:
        values: the sample, float64[values].
        name: of the average, in `CUTS`.
        reach: of a window to either side, in values; by default so many that hardly any resample is beyond.

    Attributes:
        linear: three columns whose sums in resamples `of_resamples` takes, float64[values, 3]: which values are before
            the first window, which before the second, and the summands between them.
    """

    def __init__(self, values: np.ndarray, name: str, reach: int | None = None) -> None:
        self.name = name
        self._values = values
        self._order = np.argsort(values, kind="stable")
        self._sorted = values[self._order]
        size, lowest = len(values), int(CUTS[name](len(values)))
        if reach is None:
            reach = math.ceil(_DEVIATIONS * math.sqrt(lowest * (size - lowest) / size)) + 2
        last = size - 1
        self._first = max(0, lowest - reach), min(last, lowest + reach)
        self._second = min(last, max(self._first[1], size - lowest - reach)), min(last, size - lowest + reach)
        ranks = np.argsort(self._order)
        between = (ranks >= self._first[1]) & (ranks < self._second[0])
        to_second = self._sorted[self._second[0]] - values
        self.linear = np.column_stack(
            [ranks < self._first[0], ranks < self._second[0], np.where(between, to_second, 0.0)]
        )

    def of_resamples(
        self,
        weights: np.ndarray,
        sizes: np.ndarray,
        before_first: np.ndarray,
        before_second: np.ndarray,
        between: np.ndarray,
    ) -> np.ndarray:
        """The trimmed means of resamples.

        Args:
            weights: uint8[values, resamples].
            sizes: of the resamples, float64[resamples].
            before_first, before_second, between: the sums of `linear`, float64[resamples].
        """
        lowest = CUTS[self.name](sizes)
        kept = np.maximum(sizes - 2 * lowest, 1)
        (_, middle), (second, end) = self._first, self._second
        first_sum, after_first = self._window(weights, self._first, before_first, lowest, kept)
        second_sum, after_second = self._window(weights, self._second, before_second, lowest, kept)
        beyond = (before_first > lowest) | (after_second < lowest + kept) & (end < len(weights) - 1)
        if middle < second:
            beyond |= (after_first < lowest) | (before_second > lowest + kept)
        if beyond.any():
            whole = _Trimming(self._values, self.name, reach=len(weights))
            return whole.of_resamples(weights, sizes, *weighted_sums(weights, whole.linear))
        middle_sum = (after_first - lowest) * (self._sorted[second] - self._sorted[middle]) + between
        means = self._sorted[end] - (first_sum + middle_sum + second_sum) / kept
        return np.where(sizes > 0, means, np.nan)

    def _window(
        self, weights: np.ndarray, window: tuple[int, int], before: np.ndarray, lowest: np.ndarray, kept: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The sum of the summands in a window, and the number of values before its end, float64[resamples]."""
        start, end = window
        if start == end:
            return np.zeros(len(before)), before
        counts = weights[self._order[start:end]].astype(np.float32)
        counts[0] += before
        for row in range(1, len(counts)):  # Several times faster than np.cumsum along the first axis.
            counts[row] += counts[row - 1]
        after = counts[-1].astype(np.float64)
        counts -= lowest.astype(np.float32)
        np.clip(counts, 0.0, kept.astype(np.float32), out=counts)
        gaps = np.diff(self._sorted[start : end + 1]).astype(np.float32)
        return (gaps @ counts).astype(np.float64), after
