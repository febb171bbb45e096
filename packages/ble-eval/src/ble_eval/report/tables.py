"""Tables of a comparison of agents, as text, Markdown and LaTeX, and its figures one by one."""

import dataclasses
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from ble_eval.results.merging import listed
from ble_eval.statistics import FIGURES, Estimate
from ble_eval.statistics.bootstrap import MIN_STRATUM
from ble_sim.plugins import InformationTrack

if TYPE_CHECKING:
    from ble_eval.statistics import Aggregates, Comparison, Regrets

PROFILE_THRESHOLDS = range(0, 100, 10)
"""Which of the profile's thresholds are rows of its table, in percent."""

GAP = 2
"""Spaces between columns of text."""

SIGNIFICANT = 0.05
"""Corrected p values below this count as a difference."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
_SIGNED = re.compile(r"(?<![\w.])-(?=\d)")


@dataclass(frozen=True)
class Table:
    """A table of plain text.

    Attributes:
        title: above it.
        columns: headings.
        rows: a cell for each column.
        caption: what has to be known to read it; may be empty.
        names: how many columns from the first on hold names; the others hold numbers.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    names: int = 1


def estimate_text(estimate: Estimate | None, decimals: int) -> str:
    """A figure with its interval, such as "0.338 [0.320, 0.359]"; "-" if there is none."""
    if estimate is None:
        return "-"
    if estimate.interval is None:
        return _number(estimate.value, decimals)
    low, high = (_number(bound, decimals) for bound in estimate.interval)
    return f"{_number(estimate.value, decimals)} [{low}, {high}]"


def _number(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text  # No -0.000.


def comparison_tables(comparison: "Comparison") -> dict[str, Table]:
    """The tables of a comparison by name, in the order of their importance.

    There are neither differences nor seeds of a single agent, and neither regret nor limits where none are known.
    Agents that use more than the observation have their track in the label, see `with_tracks`.
    """
    comparison = with_tracks(comparison)
    tables = {"twr50": _twr50(comparison), "reward": _reward(comparison)}
    if comparison.differences:
        tables |= {"differences": _differences(comparison), "seeds": _seeds(comparison)}
    if (regrets := comparison.regrets) is not None:
        count = f"{len(regrets.seeds)} of {len(comparison.seeds)}"
        tables |= {"regret": _regret(regrets, count), "kinds": _kinds(regrets), "limits": _limits(regrets)}
    return tables | {
        "failures": _failures(comparison),
        "strata": _strata(comparison),
        "profiles": _profiles(comparison),
    }


def with_tracks(comparison: "Comparison") -> "Comparison":
    """The comparison with the information track in the labels of agents that use more than the observation."""
    named = {
        label: f"{label} ({track})" if track not in (None, InformationTrack.OBSERVATION) else label
        for label, track in comparison.information.items()
    }

    def renamed(rows: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(dataclasses.replace(one, label=named[one.label]) for one in rows)

    regrets = comparison.regrets
    return dataclasses.replace(
        comparison,
        baseline=named[comparison.baseline],
        agents=renamed(comparison.agents),
        differences=renamed(comparison.differences),
        regrets=None if regrets is None else dataclasses.replace(regrets, agents=renamed(regrets.agents)),
        information={named[label]: track for label, track in comparison.information.items()},
    )


def _twr50(comparison: "Comparison") -> Table:
    rows = [
        [
            agent.label,
            comparison.information[agent.label] or "-",
            *_averages(agent.overall.twr50, 3),
            *_averages(agent.overall.twr50_episode, 3)[:1],
        ]
        for agent in comparison.agents
    ]
    steps = f"of {comparison.episode_steps} steps"
    count = len(comparison.seeds)
    strata = ", ".join(f"{name} {number}" for name, number in comparison.strata.items())
    drawn = f"within strata of at least {MIN_STRATUM} seeds ({strata})" if comparison.stratified else "of all seeds"
    return Table(
        f"TWR50, {count} seed{'' if count == 1 else 's'}{' in common' if comparison.differences else ''}",
        ["agent", "information", "mean", "IQM", "median", f"mean {steps}"],
        rows,
        f"In brackets: 95 % intervals of a bootstrap {drawn}. IQM: mean of the middle half. Mean {steps}:"
        " those after a failure count as outside. Information: the track, what the agent may use.",
        names=2,
    )


def _reward(comparison: "Comparison") -> Table:
    rows = [[agent.label, *_averages(agent.overall.reward, 1)] for agent in comparison.agents]
    return Table("Reward", ["agent", "mean", "IQM", "median"], rows)


def _averages(aggregates: "Aggregates | None", decimals: int) -> list[str]:
    if aggregates is None:
        return ["-"] * 3
    return [estimate_text(one, decimals) for one in (aggregates.mean, aggregates.iqm, aggregates.median)]


def _differences(comparison: "Comparison") -> Table:
    rows = []
    for one in comparison.differences:
        for figure, difference, decimals in (("TWR50", one.twr50, 4), ("reward", one.reward, 1)):
            estimates = estimate_text(difference.mean, decimals), estimate_text(difference.improvement, 3)
            rows.append([one.label, figure, *estimates, _p(difference.p), _p(difference.p_corrected)])
    return Table(
        f"Differences from {comparison.baseline}, paired by seed",
        ["agent", "figure", "mean difference", "P(larger)", "p", "p corrected"],
        rows,
        "P(larger): share of the seeds on which the agent has the larger value, equal values counted half. p: by"
        " changes of signs; corrected for the number of agents by Benjamini and Hochberg.",
        names=2,
    )


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _seeds(comparison: "Comparison") -> Table:
    rows = [[one.label, *map(_count, (one.seeds_paired, one.seeds_unpaired))] for one in comparison.differences]
    return Table(
        f"Seeds to see a difference of TWR50 of {comparison.difference:g} from {comparison.baseline}",
        ["agent", "same seeds", "other seeds"],
        rows,
        "With probability 0.8, at the level 0.05. Each agent flies so many: the same seeds, or other seeds.",
    )


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _regret(regrets: "Regrets", count: str) -> Table:
    rows = [[one.label, *_averages(one.regret, 4), estimate_text(one.above_limit, 3)] for one in regrets.agents]
    return Table(
        f"Regret: limit minus TWR50, paired by seed, {count} seeds",
        ["agent", "mean", "IQM", "median", "above the limit"],
        rows,
        f"Limits of {regrets.source}: the TWR50 of the best known flights, mean"
        f" {estimate_text(regrets.overall.limit, 3)}. More may be possible, so that an agent can be above a limit: the"
        " last column is the share of such seeds, with Wilson's interval. The steps after a failure count as outside.",
    )


def _kinds(regrets: "Regrets") -> Table:
    rows = []
    for kind, group in regrets.kinds.items():
        for agent in regrets.agents:
            if (found := agent.kinds.get(kind)) is not None:
                figures = estimate_text(group.limit, 3), estimate_text(found.twr50, 3), estimate_text(found.regret, 4)
                rows.append([kind, agent.label, str(group.seeds), *figures])
    hopeless = [
        seed for seed, limit in zip(regrets.seeds, regrets.limits, strict=True) if limit < regrets.hopeless_below
    ]
    return Table(
        "Kinds of seeds by their limit",
        ["kind", "agent", "seeds", "limit", "TWR50", "regret"],
        rows,
        f"Hopeless: the limit is below {regrets.hopeless_below:g}; easy: above {regrets.easy_above:g}."
        + (f" Hopeless: {listed(hopeless)}" if hopeless else ""),
        names=2,
    )


def _limits(regrets: "Regrets") -> Table:
    groups = {**regrets.strata, "all": regrets.overall}
    rows = [
        [name, str(one.seeds), estimate_text(one.limit, 3), *map(str, (one.hopeless, one.middling, one.easy))]
        for name, one in groups.items()
    ]
    return Table("Limits by stratum", ["stratum", "seeds", "limit", "hopeless", "middling", "easy"], rows)


def _failures(comparison: "Comparison") -> Table:
    rows = []
    for agent in comparison.agents:
        kinds = {name: flights for name, flights in agent.failures.items() if flights.episodes}
        if len(kinds) == 2:  # "any" is the only kind once more.
            kinds.popitem()
        groups = {name.replace("_", " "): (estimate_text(one.share, 4), one.scores) for name, one in kinds.items()}
        groups["none"] = _number(agent.unfailed.episodes / len(comparison.seeds), 4), agent.unfailed
        for name, (share, scores) in groups.items():
            averages = (*_averages(scores.twr50, 3)[:2], *_averages(scores.reward, 1)[:1])
            rows.append([agent.label, name, str(scores.episodes), share, *averages])
    return Table(
        "Failures",
        ["agent", "failure", "flights", "share", "TWR50 mean", "TWR50 IQM", "reward mean"],
        rows,
        "Averages are over the flights that ended so. Intervals of shares are Wilson's.",
        names=2,
    )


def _strata(comparison: "Comparison") -> Table:
    differences = {one.label: one.strata for one in comparison.differences}
    regret_strata = {one.label: one.strata for one in comparison.regrets.agents} if comparison.regrets else {}
    rows = []
    for name, count in comparison.strata.items():
        for agent in comparison.agents:
            scores = agent.strata[name]
            cells = [*_averages(scores.twr50, 3)[:2], *_averages(scores.reward, 1)[:1]]
            if differences:
                found = differences.get(agent.label)
                cells.append(estimate_text(found[name].twr50 if found else None, 4))
            if comparison.regrets is not None:
                of_stratum = regret_strata.get(agent.label, {}).get(name)
                cells.append(estimate_text(of_stratum.regret if of_stratum else None, 4))
            rows.append([name, agent.label, str(count), *cells])
    columns = ["stratum", "agent", "seeds", "TWR50 mean", "TWR50 IQM", "reward mean"]
    return Table(
        "Strata",
        [
            *columns,
            *(["TWR50 difference"] if differences else []),
            *(["regret"] if comparison.regrets is not None else []),
        ],
        rows,
        "The strata were made by StationSeeker's TWR50. Beside it, other agents seem better on the hard ones and worse"
        " on the easy ones than they would on strata of their own.",
        names=2,
    )


def _profiles(comparison: "Comparison") -> Table:
    profiles = [agent.profile for agent in comparison.agents]
    rows = []
    for place in PROFILE_THRESHOLDS:
        shares = [Estimate(one.shares[place], (one.low[place], one.high[place])) for one in profiles]
        rows.append([f"{profiles[0].thresholds[place]:.1f}", *(estimate_text(share, 3) for share in shares)])
    return Table(
        "Performance profiles: share of the flights with a TWR50 above a threshold",
        ["threshold", *(agent.label for agent in comparison.agents)],
        rows,
    )


def conclusions(comparison: "Comparison") -> list[str]:
    """A sentence on the TWR50 of each agent beside the baseline's."""
    comparison = with_tracks(comparison)
    lines = []
    for one in comparison.differences:
        p = _p(one.twr50.p_corrected)
        found = f"{estimate_text(one.twr50.mean, 4)}, p {'< 0.001' if p.startswith('<') else f'= {p}'}"
        if one.twr50.p_corrected < SIGNIFICANT:
            way = "larger" if one.twr50.mean.value > 0.0 else "smaller"
            lines.append(f"{one.label} has a {way} TWR50 than {comparison.baseline}: {found}.")
        else:
            lines.append(f"{one.label} and {comparison.baseline} do not differ visibly in TWR50: {found}.")
    return lines


def figures(comparison: "Comparison") -> Iterator[dict[str, str | float | None]]:
    """All figures of a comparison, one by one, with the same keys: rows of a CSV file."""

    def row(agent: str, group: str, figure: str, statistic: str, value: Any, baseline: str = "") -> dict[str, Any]:
        found = value if isinstance(value, Estimate) else Estimate(value, None)
        low, high = found.interval or (None, None)
        return {
            "agent": agent,
            "information": comparison.information.get(agent),
            "baseline": baseline,
            "group": group,
            "figure": figure,
            "statistic": statistic,
            "value": found.value,
            "low": low,
            "high": high,
        }

    for agent in comparison.agents:
        failures = {f"failure: {name}": flights.scores for name, flights in agent.failures.items()}
        for group, scores in {"all": agent.overall, "unfailed": agent.unfailed, **agent.strata, **failures}.items():
            yield row(agent.label, group, "episodes", "number", scores.episodes)
            for figure in FIGURES:
                if (averages := getattr(scores, figure)) is not None:
                    for statistic, estimate in vars(averages).items():
                        yield row(agent.label, group, figure, statistic, estimate)
        for failure, flights in agent.failures.items():
            yield row(agent.label, f"failure: {failure}", "episodes", "share", flights.share)
        for threshold, share, low, high in zip(*vars(agent.profile).values(), strict=True):
            yield row(agent.label, "all", f"twr50 > {threshold:.2f}", "share", Estimate(share, (low, high)))
    for one in comparison.differences:
        for figure in FIGURES:
            for statistic, value in vars(getattr(one, figure)).items():
                yield row(one.label, "all", figure, statistic, value, comparison.baseline)
        for stratum, differences in one.strata.items():
            for figure, estimate in vars(differences).items():
                yield row(one.label, stratum, figure, "mean", estimate, comparison.baseline)
        for name in ("seeds_paired", "seeds_unpaired"):
            yield row(one.label, "all", "twr50", name, getattr(one, name), comparison.baseline)
    if (regrets := comparison.regrets) is not None:
        kinds = {f"kind: {kind}": limits for kind, limits in regrets.kinds.items()}
        for group, limits in {"all": regrets.overall, **kinds, **regrets.strata}.items():
            for statistic in ("seeds", "hopeless", "middling", "easy"):
                yield row("limit", group, "limit", statistic, getattr(limits, statistic))
            if limits.limit is not None:
                yield row("limit", group, "limit", "mean", limits.limit)
        for one in regrets.agents:
            for statistic, estimate in vars(one.regret).items():
                yield row(one.label, "all", "regret", statistic, estimate)
            yield row(one.label, "all", "regret", "above_limit", one.above_limit)
            kinds = {f"kind: {kind}": found for kind, found in one.kinds.items()}
            for group, found in {**kinds, **one.strata}.items():
                for figure, estimate in vars(found).items():
                    yield row(one.label, group, "twr50_with_limit" if figure == "twr50" else figure, "mean", estimate)


def in_text(tables: Sequence[Table], width: int) -> str:
    """Tables for a terminal. Where a table is too wide, intervals are below their values, and headings in two lines.

    Args:
        tables: the tables.
        width: of the terminal, in characters.
    """
    return "\n\n".join(_one_in_text(table, width) for table in tables)


def _one_in_text(table: Table, width: int) -> str:
    rows = [list(table.columns), *map(list, table.rows)]
    if sum(_widths(rows)) > width:
        rows = [
            [cell.replace(" ", "\n", 1) for cell in rows[0]],
            *([c.replace(" [", "\n[") for c in r] for r in rows[1:]),
        ]
    widths = _widths(rows)
    lines = [table.title]
    for number, row in enumerate(rows):
        cells = [cell.split("\n") for cell in row]
        height = max(map(len, cells))
        if number == 0:  # Headings stand on the rule.
            cells = [[""] * (height - len(cell)) + cell for cell in cells]
        for place in range(height):
            parts = [cell[place] if place < len(cell) else "" for cell in cells]
            lines.append(
                "".join(_padded(part, widths, column, table.names) for column, part in enumerate(parts)).rstrip()
            )
        if number == 0:
            lines.append("─" * (sum(widths) - GAP))
    return "\n".join([*lines, *textwrap.wrap(table.caption, width)])


def _padded(text: str, widths: Sequence[int], column: int, names: int) -> str:
    space = " " * (widths[column] - GAP - cell_len(text))
    return (text + space if column < names else space + text) + " " * GAP


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The widths of columns, the gaps after them included."""
    return [
        max(cell_len(line) for cell in column for line in cell.split("\n")) + GAP for column in zip(*rows, strict=True)
    ]


def in_markdown(tables: Sequence[Table]) -> str:
    """Tables in Markdown, each below its title and above its caption."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    parts = []
    for table in tables:
        rule = f"|{'---|' * table.names}{'---:|' * (len(table.columns) - table.names)}"
        rows = "\n".join([line(table.columns), rule, *map(line, table.rows)])
        parts += [f"**{table.title}**", rows, *([table.caption] if table.caption else [])]
    return "\n\n".join(parts)


def in_latex(tables: Sequence[Table]) -> str:
    """Tables in LaTeX, for the package booktabs."""
    parts = ["% Needs \\usepackage{booktabs}."]
    for table in tables:
        lines = [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{' '.join(filter(None, (_latex(table.title) + '.', _latex(table.caption))))}}}",
            f"  \\begin{{tabular}}{{{'l' * table.names}{'r' * (len(table.columns) - table.names)}}}",
            r"    \toprule",
            f"    {' & '.join(map(_latex, table.columns))} \\\\",
            r"    \midrule",
            *(f"    {' & '.join(map(_latex, row))} \\\\" for row in table.rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _latex(text: str) -> str:
    escaped = "".join(_LATEX.get(character, character) for character in text)
    return _SIGNED.sub("$-$", escaped)
