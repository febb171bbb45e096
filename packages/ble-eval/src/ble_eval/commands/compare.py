"""`ble-eval compare`: agents that flew the same seeds."""

import csv
import dataclasses
import io
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ble_eval.command_line.parsing import Switch, parse_words
from ble_eval.errors import UserError
from ble_eval.results.sets import on_common_seeds, read_result_sets, unlike
from ble_sim.files.atomic import json_text, write_text

if TYPE_CHECKING:
    from ble_eval.statistics import Comparison

FORMATS = {".md": "markdown", ".tex": "latex", ".json": "json", ".csv": "csv"}
"""Formats by the ending of a file's name."""

TABLES = ("twr50", "reward", "differences", "seeds", "regret", "kinds", "limits", "failures", "strata", "profiles")

OF_LIMITS = {"regret", "kinds", "limits"}
"""Tables that need limits of the seeds."""

MIN_RESAMPLES = 100


@dataclass(frozen=True)
class CompareArguments:
    """Compare agents that flew the same episodes.

    Each of the others is compared with a baseline, seed by seed: the interval of a mean difference is far narrower than
    that of either mean, since the winds cause much of the spread. Whatever else than the agents differs, such as the
    winds, the precision or versions, is said above the tables.
    """

    results: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RESULT [RESULT ...]", help_behavior_hint="(required)"),
    ]
    """Result files, folders of them, or agents whose results are part of ble-eval."""

    baseline: Annotated[str | None, tyro.conf.arg(metavar="AGENT", help_behavior_hint="(default: the first)")] = None
    """The agent that the others are compared with, as it is called in the tables."""

    suite: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: that of the files)")] = (
        None
    )
    """Of agents and folders, the results of this suite."""

    common_seeds: Switch = False
    """Compare on the seeds that all have flown, though the files do not have the same."""

    limits: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: those that ship)")] = (
        None
    )
    """File of limits of the seeds, from which the regret is counted."""

    tables: Annotated[
        tuple[
            Literal[
                "twr50",
                "reward",
                "differences",
                "seeds",
                "regret",
                "kinds",
                "limits",
                "failures",
                "strata",
                "profiles",
            ],
            ...,
        ],
        tyro.conf.arg(help_behavior_hint="(default: all)"),
    ] = TABLES
    """Tables to show. The formats json and csv have all figures."""

    format: Annotated[
        Literal["text", "markdown", "latex", "json", "csv"] | None,
        tyro.conf.arg(help_behavior_hint="(default: by the name of --output, else text)"),
    ] = None
    """Format of the tables."""

    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """File to write the tables to, instead of showing them."""

    difference: float = 0.01
    """A difference of TWR50; a table says how many seeds it takes to see it."""

    stratified: Switch = False
    """Keep the number of seeds of each stratum in the resamples of the bootstrap: intervals are then for other seeds of
    the same difficulty, and not for any other seeds."""

    resamples: int = 2_000
    """Resamples of the bootstrap."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    return compare_results(parse_words(CompareArguments, words, program))


def compare_results(arguments: CompareArguments) -> int:
    """Print or write the tables and return the exit status.

    Raises:
        UserError: a flag does not fit, a word names no results, or the files do not have the same seeds.
        OSError: a file cannot be read or written.
    """
    _check(arguments)
    sets = read_result_sets(arguments.results, arguments.suite)
    if arguments.output is not None and arguments.output.resolve() in [one.path.resolve() for one in sets]:
        raise UserError(f"--output {arguments.output} would replace results that are compared. Name another.")
    common = on_common_seeds(sets, arguments.common_seeds)

    from ble_eval.results.limits import find_limits
    from ble_eval.statistics import compare_sets

    limits = find_limits(common.sets, arguments.limits)
    comparison = compare_sets(
        common.sets,
        arguments.baseline,
        difference=arguments.difference,
        stratified=arguments.stratified,
        resamples=arguments.resamples,
        limits=limits.limits,
    )
    notes = [*unlike(common.sets, comparison.baseline), *limits.notes]
    if (
        limits.limits is None
        and not limits.notes
        and OF_LIMITS.intersection(arguments.tables)
        and arguments.tables != TABLES
    ):
        notes.append("No limits of these seeds are known, so there is no regret. --limits takes a file of them.")
    if common.left_out:
        notes.append(f"Left out: {'; '.join(common.left_out)}.")
    style = arguments.format or FORMATS.get(arguments.output.suffix if arguments.output else "", "text")
    if style != "json":  # JSON holds them.
        print("".join(f"{line}\n" for line in notes), end="", file=sys.stdout if style == "text" else sys.stderr)
    text = _formatted(comparison, style, arguments.tables, notes)
    if arguments.output is None:
        print(text, end="")
    else:
        write_text(arguments.output, text)
        print(f"{len(comparison.seeds)} seeds, {len(comparison.agents)} agents: {arguments.output}")
    return 0


def _check(arguments: CompareArguments) -> None:
    if not arguments.results:
        raise UserError("Name the results to compare: files, folders, or agents whose results are part of ble-eval.")
    if not arguments.difference > 0.0:
        raise UserError(f"--difference is {arguments.difference:g}: give a size above 0.")
    if arguments.resamples < MIN_RESAMPLES:
        raise UserError(f"--resamples is {arguments.resamples}: give at least {MIN_RESAMPLES}.")
    if arguments.output is not None and not arguments.output.absolute().parent.is_dir():
        raise UserError(f"There is no folder {arguments.output.parent} for --output. Make it, or name another.")


def _formatted(comparison: "Comparison", style: str, tables: Sequence[str], notes: Sequence[str]) -> str:
    from ble_eval.report.tables import comparison_tables, conclusions, figures, in_latex, in_markdown, in_text

    if style == "json":
        return json_text({"notes": notes, **dataclasses.asdict(comparison)})
    if style == "csv":
        rows = list(figures(comparison))
        file = io.StringIO()
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()
    chosen = [table for name, table in comparison_tables(comparison).items() if name in tables]
    if style == "latex":
        return f"{in_latex(chosen)}\n"
    sentences = conclusions(comparison) if "differences" in tables else []
    if style == "markdown":
        return "\n\n".join([in_markdown(chosen), *sentences]) + "\n"
    text = in_text(chosen, shutil.get_terminal_size().columns)
    return "\n\n".join(filter(None, [text, "\n".join(sentences)])) + "\n"
