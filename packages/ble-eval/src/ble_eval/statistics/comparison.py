"""The comparison of agents that flew the same seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ble_eval.builtins import EPISODE_STEPS
from ble_eval.errors import UserError
from ble_eval.results.limits import SeedLimits
from ble_eval.results.sets import ResultSet
from ble_eval.statistics.bootstrap import CONFIDENCE_LEVEL, RESAMPLES, Bootstrap
from ble_eval.statistics.differences import Differences, differences_from
from ble_eval.statistics.regret import Regrets, regrets
from ble_eval.statistics.scores import AgentScores, Flights, agent_scores, strata_masks


@dataclass(frozen=True)
class Comparison:
    """What the flights of several agents say about them.

    Attributes:
        baseline: label of the agent that the others are compared with.
        seeds: that all agents flew.
        strata: number of seeds of each stratum, hardest first.
        episode_steps: agent steps of a whole episode of the baseline.
        difference: of TWR50, for `Differences.seeds_paired` and `seeds_unpaired`.
        stratified: whether resamples of the bootstrap have the shares of the strata.
        resamples: their number.
        confidence_level: of all intervals.
        agents: their figures, in the order of the sets.
        differences: of all agents but the baseline.
        regrets: how far the agents are below the limits of the seeds; None where no limits are given.
        information: the information track of each agent by its label, None where it is not recorded.
    """

    baseline: str
    seeds: tuple[int, ...]
    strata: Mapping[str, int]
    episode_steps: int
    difference: float
    stratified: bool
    resamples: int
    confidence_level: float
    agents: tuple[AgentScores, ...]
    differences: tuple[Differences, ...]
    regrets: Regrets | None
    information: Mapping[str, str | None]


def compare_sets(
    sets: Sequence[ResultSet],
    baseline: str | None = None,
    *,
    difference: float = 0.01,
    stratified: bool = False,
    resamples: int = RESAMPLES,
    limits: SeedLimits | None = None,
) -> Comparison:
    """Compare agents. Equal sets have equal comparisons.

    Args:
        sets: at least one, all of the same seeds, see `ble_eval.results.sets.on_common_seeds`.
        baseline: label of the set that the others are compared with, the first by default.
        difference: of TWR50, for the number of seeds.
        stratified: whether resamples have the shares of the strata, see `ble_eval.statistics.Bootstrap`.
        resamples: of the bootstrap.
        limits: of some of the seeds, for the regret, see `ble_eval.find_limits`.

    Raises:
        UserError: no set has the label of the baseline.
        ValueError: the sets have different seeds.
    """
    seeds = sets[0].seeds
    if any(one.seeds != seeds for one in sets):
        raise ValueError("The sets have different seeds. on_common_seeds brings them to the same.")
    labels = [one.label for one in sets]
    if baseline is None:
        baseline = labels[0]
    if baseline not in labels:
        raise UserError(f"There is no {baseline!r} to compare with. There are {', '.join(labels)}.")
    steps = {one.label: _episode_steps(one) for one in sets}
    flights = {one.label: Flights.of(one.results, steps[one.label]) for one in sets}
    bootstrap = Bootstrap(seeds, stratified=stratified, resamples=resamples)
    others = {label: columns for label, columns in flights.items() if label != baseline}
    return Comparison(
        baseline=baseline,
        seeds=tuple(seeds),
        strata={name: int(mask.sum()) for name, mask in strata_masks(seeds).items()},
        episode_steps=steps[baseline],
        difference=difference,
        stratified=stratified,
        resamples=resamples,
        confidence_level=CONFIDENCE_LEVEL,
        agents=tuple(agent_scores(label, columns, seeds, bootstrap) for label, columns in flights.items()),
        differences=tuple(differences_from(flights[baseline], others, seeds, bootstrap, difference)),
        regrets=None if limits is None else regrets(limits, flights, seeds, bootstrap),
        information={one.label: one.information for one in sets},
    )


def _episode_steps(one: ResultSet) -> int:
    """Agent steps of a whole episode: as recorded, else those of a flight that did not fail, else the benchmark's."""
    recorded = (one.record or {}).get("settings", {}).get("max_episode_length")
    whole = max((result.final_timestep for result in one.results if not result.failed), default=EPISODE_STEPS)
    longest = max(result.final_timestep for result in one.results)
    return max(recorded if isinstance(recorded, int) else whole, longest)
