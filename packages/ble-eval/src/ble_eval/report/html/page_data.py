"""What a report holds: statistics, scores of every episode, and packed flights, as JSON and text for the browser."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ble_eval.report.html.flight_codec import COLUMNS, pack_flight
from ble_eval.results.records import FAILURES, EvaluationResult
from ble_eval.results.sets import ResultSet
from ble_eval.statistics import (
    CONFIDENCE_LEVEL,
    AgentScores,
    Aggregates,
    Comparison,
    Difference,
    Differences,
    Estimate,
    Regrets,
)
from ble_eval.statistics.regret import AgentRegret, LimitGroup
from ble_eval.suites.strata import strata_of
from ble_sim.constants import STATION_KEEPING_RADIUS_KM
from ble_sim.plugins import InformationTrack

RECORDED_SETTINGS = ("suite", "precision", "wind_field", "wind_field_options", "observation", "reward", "agent_options")
"""Settings of a run that the report shows."""


@dataclass(frozen=True)
class PageData:
    """The content of a report.

    Attributes:
        title: of the page.
        summary: all but the flights, of JSON types.
        flights: of each agent, its packed flights in one text. `summary["agents"]` says where each is.
        flights_kept: how many flights there are.
    """

    title: str
    summary: dict[str, Any]
    flights: list[str]
    flights_kept: int

    def summary_json(self) -> str:
        """The summary as JSON that may stand between the tags of a script."""
        text = json.dumps(self.summary, allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c")


def make_page_data(
    sets: Sequence[ResultSet], comparison: Comparison, *, title: str, notes: Sequence[str], max_flights: int
) -> PageData:
    """Collect the content of a report.

    Args:
        sets: the results of the agents, all of the same seeds.
        comparison: their statistics.
        title: of the page.
        notes: lines about what a reader must know, such as differences between the runs.
        max_flights: at most so many flights are kept, of the first seeds that have any.
    """
    flights, places, left_out = _pack_flights(sets, max_flights)
    if left_out:
        kept = sum(map(len, places))
        notes = [*notes, f"The report holds the flights of the first seeds, {kept} in all, and leaves out {left_out}."]
    differences = {row.label: row for row in comparison.differences}
    regrets = {row.label: row for row in comparison.regrets.agents} if comparison.regrets else {}
    agents = [
        {
            **_agent(scores, differences.get(scores.label)),
            "file": str(one.path),
            "run": _run(one.record or {}),
            "regret": _regret(regrets.get(scores.label)),
            "episodes": _episodes(one.results),
            "flights": place,
        }
        for one, scores, place in zip(sets, comparison.agents, places, strict=True)
    ]
    strata = list(comparison.strata)
    summary = {
        "title": title,
        "confidence": CONFIDENCE_LEVEL,
        "radius": STATION_KEEPING_RADIUS_KM,
        "baseline": comparison.baseline,
        "difference": comparison.difference,
        "episode_steps": comparison.episode_steps,
        "strata": comparison.strata,
        "seeds": [str(seed) for seed in comparison.seeds],  # Some are larger than the browser's exact integers.
        "stratum": [strata.index(stratum) for stratum in strata_of(comparison.seeds)],
        "failures": FAILURES,
        "columns": list(COLUMNS),
        "notes": list(notes),
        "limits": None if comparison.regrets is None else _limits(comparison.regrets, comparison.seeds),
        "agents": agents,
    }
    return PageData(title, summary, flights, sum(map(len, places)))


def _pack_flights(sets: Sequence[ResultSet], limit: int) -> tuple[list[str], list[dict[int, list[int]]], int]:
    """Of each agent: its flights in one text, and first character and length of each by the seed's place.

    The last value is the number of flights that the limit leaves out.
    """
    texts: list[list[str]] = [[] for _ in sets]
    places: list[dict[int, list[int]]] = [{} for _ in sets]
    ends = [0] * len(sets)
    kept = left_out = 0
    for seed, episodes in enumerate(zip(*(one.results for one in sets), strict=True)):
        with_path = [(agent, result) for agent, result in enumerate(episodes) if len(result.flight_path)]
        if left_out or kept + len(with_path) > limit:
            left_out += len(with_path)
            continue
        kept += len(with_path)
        for agent, result in with_path:
            packed = pack_flight(result.flight_path)
            texts[agent].append(packed)
            places[agent][seed] = [ends[agent], len(packed)]
            ends[agent] += len(packed)
    return ["".join(parts) for parts in texts], places, left_out


def _episodes(results: Sequence[EvaluationResult]) -> dict[str, Sequence[float]]:
    """Columns of all episodes: scores, steps, and the number of the failure in `FAILURES`, -1 for none."""
    failure = [next((number for number, name in enumerate(FAILURES) if getattr(one, name)), -1) for one in results]
    return {
        "twr50": [round(result.time_within_radius, 4) for result in results],
        "reward": [round(result.cumulative_reward, 2) for result in results],
        "steps": [result.final_timestep for result in results],
        "failure": failure,
    }


def _agent(scores: AgentScores, difference: Differences | None) -> dict[str, Any]:
    """The statistics of an agent, with the difference from the baseline, None for the baseline itself."""
    return {
        "label": scores.label,
        "scores": {name: _aggregates(getattr(scores.overall, name)) for name in ("twr50", "twr50_episode", "reward")},
        "strata": {
            stratum: {
                "episodes": some.episodes,
                "twr50": _mean(some.twr50),
                "reward": _mean(some.reward),
            }
            for stratum, some in scores.strata.items()
        },
        "failed": {name: failed.episodes for name, failed in scores.failures.items()},
        "profile": {
            name: [round(value, 4) for value in getattr(scores.profile, name)]
            for name in ("thresholds", "shares", "low", "high")
        },
        "difference": None
        if difference is None
        else {
            "twr50": _difference(difference.twr50),
            "reward": _difference(difference.reward),
            "seeds_paired": difference.seeds_paired,
            "seeds_unpaired": difference.seeds_unpaired,
        },
    }


def _limits(regrets: Regrets, seeds: Sequence[int]) -> dict[str, Any]:
    """The limits of the seeds in their order, None for a seed without, and what they are over groups of seeds."""
    by_seed = dict(zip(regrets.seeds, regrets.limits, strict=True))
    return {
        "source": regrets.source,
        "hopeless_below": regrets.hopeless_below,
        "easy_above": regrets.easy_above,
        "values": [None if seed not in by_seed else round(by_seed[seed], 4) for seed in seeds],
        "overall": _limit_group(regrets.overall),
        "kinds": {name: _limit_group(group) for name, group in regrets.kinds.items()},
        "strata": {name: _limit_group(group) for name, group in regrets.strata.items()},
    }


def _limit_group(group: LimitGroup) -> dict[str, Any]:
    return {**vars(group), "limit": None if group.limit is None else _estimate(group.limit)}


def _regret(regret: AgentRegret | None) -> dict[str, Any] | None:
    if regret is None:
        return None
    return {
        "overall": _estimate(regret.regret.mean),
        "kinds": {name: _estimate(group.regret) for name, group in regret.kinds.items()},
        "strata": {name: _estimate(group.regret) for name, group in regret.strata.items()},
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "mean": _estimate(difference.mean),
        "improvement": _estimate(difference.improvement),
        "p": difference.p_corrected,
    }


def _aggregates(aggregates: Aggregates | None) -> dict[str, Any] | None:
    if aggregates is None:
        return None
    return {name: _estimate(getattr(aggregates, name)) for name in ("mean", "iqm", "median")}


def _mean(aggregates: Aggregates | None) -> list[float] | None:
    return None if aggregates is None else _estimate(aggregates.mean)


def _estimate(estimate: Estimate) -> list[float]:
    """The value, and the ends of its interval if it has one."""
    return [estimate.value, *(estimate.interval or ())]


def _run(record: Mapping[str, Any]) -> dict[str, str]:
    """What is recorded of a run as text by name; empty if nothing is."""
    settings = record.get("settings", {})
    information = record.get("information", InformationTrack.OBSERVATION.value) if record else None
    rows = {
        "command": record.get("command"),
        "information": information,
        **{name: settings.get(name) for name in RECORDED_SETTINGS},
    }
    software = ", ".join(f"{name} {version}" for name, version in record.get("software", {}).items())
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in rows.items() if value}
    return texts | ({"software": software} if software else {})
