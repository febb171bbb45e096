"""Regret: how far the flights of agents are below the limits of their seeds, paired by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ble_eval.results.limits import SeedLimits
from ble_eval.statistics.bootstrap import Bootstrap, Estimate, mean_estimates
from ble_eval.statistics.scores import Aggregates, Flights, aggregates_of, share_of, strata_masks

HOPELESS_BELOW = 0.05
"""Seeds whose limit is less are hopeless."""

EASY_ABOVE = 0.9
"""Seeds whose limit is more are easy."""


ROUNDING = 1e-9
"""A TWR50 that is above the limit by less is at the limit."""


@dataclass(frozen=True)
class LimitGroup:
    """The limits of a group of seeds.

    Attributes:
        seeds: number of seeds.
        limit: mean of their limits, None without seeds.
        hopeless, middling, easy: how many seeds of each kind there are among them.
    """

    seeds: int
    limit: Estimate | None
    hopeless: int
    middling: int
    easy: int


@dataclass(frozen=True)
class GroupRegret:
    """An agent on a group of seeds.

    Attributes:
        twr50: mean share of the steps of a whole episode within the radius.
        regret: mean of the limit less this share.
    """

    twr50: Estimate
    regret: Estimate


@dataclass(frozen=True)
class AgentRegret:
    """The regret of an agent.

    Attributes:
        label: of the agent.
        regret: averages over all seeds with a limit.
        above_limit: share of the seeds on which the agent is above the limit, with the interval of Wilson.
        kinds: by kind of seed: "hopeless", "middling", "easy". Kinds without seeds are left out.
        strata: by stratum, hardest first.
    """

    label: str
    regret: Aggregates
    above_limit: Estimate
    kinds: Mapping[str, GroupRegret]
    strata: Mapping[str, GroupRegret]


@dataclass(frozen=True)
class Regrets:
    """The regret of agents, and the limits that it is counted from.

    Attributes:
        source: where the limits are from.
        hopeless_below, easy_above: the limits that divide the seeds into kinds.
        seeds: those with a limit.
        limits: of these seeds.
        overall: over all of them.
        kinds: by kind of seed, those without seeds too.
        strata: by stratum, hardest first.
        agents: those that flew in the winds of the limits.
    """

    source: str
    hopeless_below: float
    easy_above: float
    seeds: tuple[int, ...]
    limits: tuple[float, ...]
    overall: LimitGroup
    kinds: Mapping[str, LimitGroup]
    strata: Mapping[str, LimitGroup]
    agents: tuple[AgentRegret, ...]


def regrets(limits: SeedLimits, flights: Mapping[str, Flights], seeds: Sequence[int], bootstrap: Bootstrap) -> Regrets:
    """The regret of agents.

    Args:
        limits: of some of the seeds, at least one.
        flights: of the agents, by label.
        seeds: of all flights, in their order.
        bootstrap: resamples of these seeds.
    """
    known = np.array([seed in limits.by_seed for seed in seeds])
    limit = np.array([limits.by_seed.get(seed, np.nan) for seed in seeds])
    hopeless, easy = limit < HOPELESS_BELOW, limit > EASY_ABOVE
    kinds = {"hopeless": hopeless, "middling": known & ~hopeless & ~easy, "easy": easy}
    strata = {name: mask & known for name, mask in strata_masks(seeds).items() if (mask & known).any()}

    def group(members: np.ndarray) -> LimitGroup:
        mean = mean_estimates([limit], members, bootstrap)[0] if members.any() else None
        return LimitGroup(
            int(members.sum()), mean, **{name: int((members & mask).sum()) for name, mask in kinds.items()}
        )

    def agent(label: str) -> AgentRegret:
        twr50 = flights[label].twr50_episode
        regret = limit - twr50

        def on(members: np.ndarray) -> GroupRegret:
            return GroupRegret(*mean_estimates([twr50, regret], members, bootstrap))

        return AgentRegret(
            label,
            aggregates_of([regret[known]], known, bootstrap)[0],
            share_of(regret[known] < -ROUNDING),
            {name: on(mask) for name, mask in kinds.items() if mask.any()},
            {name: on(mask) for name, mask in strata.items()},
        )

    return Regrets(
        source=limits.source,
        hopeless_below=HOPELESS_BELOW,
        easy_above=EASY_ABOVE,
        seeds=tuple(seed for seed in seeds if seed in limits.by_seed),
        limits=tuple(limit[known].tolist()),
        overall=group(known),
        kinds={name: group(mask) for name, mask in kinds.items()},
        strata={name: group(mask) for name, mask in strata.items()},
        agents=tuple(agent(label) for label in limits.labels),
    )
