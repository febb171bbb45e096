"""The figures of one agent: over all flights, those without a failure, each stratum and each failure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ble_eval.results.records import FAILURES, EvaluationResult
from ble_eval.statistics.bootstrap import CONFIDENCE_LEVEL, Bootstrap, Estimate, estimate, interval_of
from ble_eval.statistics.trimmed import resampled_averages, trimmed_mean
from ble_eval.suites.strata import OTHER, STRATA, strata_of

THRESHOLDS = np.linspace(0.0, 1.0, 101)
"""Values of TWR50 at which performance profiles are computed."""

ANY_FAILURE = "any"

FIGURES = ("twr50", "twr50_episode", "reward")
"""What a flight is measured by."""


@dataclass(frozen=True)
class Aggregates:
    """Averages over flights, of which the latter two are robust against a few extraordinary ones.

    Attributes:
        mean: the mean.
        iqm: the interquartile mean: of the middle half of the values.
        median: the median.
    """

    mean: Estimate
    iqm: Estimate
    median: Estimate


@dataclass(frozen=True)
class Scores:
    """The figures of a group of flights; None without flights.

    Attributes:
        episodes: number of flights.
        twr50: share of the steps flown within the station-keeping radius. A flight that fails early counts as much as
            any other.
        twr50_episode: the same steps as a share of those of a whole episode. The steps after a failure count as
            outside.
        reward: cumulative reward.
    """

    episodes: int
    twr50: Aggregates | None
    twr50_episode: Aggregates | None
    reward: Aggregates | None


@dataclass(frozen=True)
class FailedFlights:
    """The flights that ended in a failure.

    Attributes:
        share: their share of all flights, with the interval of Wilson, "Probable Inference", 1927.
        scores: their figures.
    """

    share: Estimate
    scores: Scores

    @property
    def episodes(self) -> int:
        """Their number."""
        return self.scores.episodes


@dataclass(frozen=True)
class Profile:
    """The performance profile of TWR50: which share of the flights is above a threshold, for all thresholds.

    Attributes:
        thresholds: values of TWR50.
        shares: of the flights above each threshold.
        low, high: the interval of each share.
    """

    thresholds: tuple[float, ...]
    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class AgentScores:
    """The figures of an agent.

    Attributes:
        label: of the agent.
        overall: over all flights.
        unfailed: over those that did not fail.
        strata: over the flights of each stratum, hardest first, those of no stratum last.
        failures: the flights that ended in each failure, and those that ended in any.
        profile: of TWR50.
    """

    label: str
    overall: Scores
    unfailed: Scores
    strata: Mapping[str, Scores]
    failures: Mapping[str, FailedFlights]
    profile: Profile


@dataclass(frozen=True)
class Flights:
    """The flights of an agent as columns, in the order of their seeds.

    Attributes:
        twr50, twr50_episode, reward: float64[flights], as in `Scores`.
        failures: bool[flights] for each failure.
    """

    twr50: np.ndarray
    twr50_episode: np.ndarray
    reward: np.ndarray
    failures: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, results: Sequence[EvaluationResult], episode_steps: int) -> "Flights":
        """The columns of results.

        Args:
            results: in the order of the columns.
            episode_steps: agent steps of a whole episode.
        """
        twr50 = np.array([result.time_within_radius for result in results])
        steps = np.array([result.final_timestep for result in results])
        failures = {name: np.array([getattr(result, name) for result in results], bool) for name in FAILURES}
        return cls(
            twr50,
            twr50 * steps / episode_steps,
            np.array([result.cumulative_reward for result in results]),
            failures | {ANY_FAILURE: np.any(list(failures.values()), axis=0)},
        )


def strata_masks(seeds: Sequence[int]) -> dict[str, np.ndarray]:
    """Which seeds each stratum has, bool[seeds]: hardest first, `OTHER` last, only strata that occur."""
    names = np.array(strata_of(seeds))
    masks = {name: names == name for name in (*STRATA, OTHER)}
    return {name: mask for name, mask in masks.items() if mask.any()}


def agent_scores(label: str, flights: Flights, seeds: Sequence[int], bootstrap: Bootstrap) -> AgentScores:
    """All figures of an agent.

    Args:
        label: of the agent.
        flights: its flights.
        seeds: of the flights, in their order.
        bootstrap: resamples of these seeds.
    """
    every = np.ones(len(seeds), bool)
    failed = flights.failures[ANY_FAILURE]
    overall = group_scores(flights, every, bootstrap)
    return AgentScores(
        label=label,
        overall=overall,
        unfailed=group_scores(flights, ~failed, bootstrap) if failed.any() else overall,
        strata={name: group_scores(flights, mask, bootstrap) for name, mask in strata_masks(seeds).items()},
        failures={name: _failed_flights(flights, mask, bootstrap) for name, mask in flights.failures.items()},
        profile=profile(flights.twr50, bootstrap),
    )


def group_scores(flights: Flights, members: np.ndarray, bootstrap: Bootstrap) -> Scores:
    """The figures of a group of flights, bool[flights]."""
    if not members.any():
        return Scores(0, None, None, None)
    columns = {name: getattr(flights, name)[members] for name in FIGURES}
    if np.array_equal(columns["twr50"], columns["twr50_episode"]):
        del columns["twr50_episode"]
    found = dict(zip(columns, aggregates_of(list(columns.values()), members, bootstrap), strict=True))
    return Scores(int(members.sum()), **{"twr50_episode": found["twr50"]} | found)


def aggregates_of(columns: Sequence[np.ndarray], members: np.ndarray, bootstrap: Bootstrap) -> list[Aggregates]:
    """The averages of several figures over some seeds.

    Args:
        columns: float[members] for each figure.
        members: the seeds that count, bool[seeds], at least one.
        bootstrap: resamples of the seeds.
    """
    resampled = resampled_averages(bootstrap.weights(members), np.column_stack(columns))
    return [
        Aggregates(**{one: estimate(column, part, trimmed_mean(column, one)) for one, part in averages.items()})
        for column, averages in zip(columns, resampled, strict=True)
    ]


def share_of(members: np.ndarray) -> Estimate:
    """The share of the members, bool[values], with the interval of Wilson."""
    from scipy import stats

    number, total = int(members.sum()), len(members)
    low, high = stats.binomtest(number, total).proportion_ci(CONFIDENCE_LEVEL, method="wilson")
    return Estimate(number / total, (float(low), float(high)))


def profile(twr50: np.ndarray, bootstrap: Bootstrap) -> Profile:
    """The performance profile of TWR50, float[flights], with the interval of each share."""
    above = twr50[:, None] > THRESHOLDS
    low, high = interval_of(bootstrap.means(above))
    return Profile(*(tuple(map(float, column)) for column in (THRESHOLDS, above.mean(axis=0), low, high)))


def _failed_flights(flights: Flights, members: np.ndarray, bootstrap: Bootstrap) -> FailedFlights:
    return FailedFlights(share_of(members), group_scores(flights, members, bootstrap))
