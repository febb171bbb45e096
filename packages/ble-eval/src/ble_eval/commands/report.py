"""`ble-eval report`: statistics and flights as one HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ble_eval.command_line.parsing import Switch, parse_words
from ble_eval.errors import UserError

MEGABYTE = 1e6


@dataclass(frozen=True)
class ReportArguments:
    """Write one HTML file that shows the results of agents on the same seeds, and their flights.

    It opens in a browser without a network.
    """

    results: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RESULT [RESULT ...]", help_behavior_hint="(required)"),
    ]
    """Result files, folders of them, or names of agents whose results are part of ble-eval."""

    output: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("report.html")
    """File to write."""

    baseline: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the first)")] = None
    """The agent that the others are compared with."""

    suite: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: that of the files)")] = (
        None
    )
    """The suite of results that are named by agents or folders."""

    common_seeds: Switch = False
    """Use the seeds that all have flown, though they do not have the same."""

    limits: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: those that ship)")] = (
        None
    )
    """File of limits of the seeds, from which the regret is counted."""

    title: Annotated[str | None, tyro.conf.arg(metavar="TEXT", help_behavior_hint="(default: the suite)")] = None
    """Heading of the report."""

    max_flights: int = 3_000
    """Keep at most so many flights, those of the first seeds; 1000 take some 6 MB."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    return write_report(parse_words(ReportArguments, words, program))


def write_report(arguments: ReportArguments) -> int:
    """Write the file, say what is in it, and return the exit status.

    Raises:
        UserError: the results do not go together, a name is unknown, or plotly is not installed.
        OSError: a file cannot be read or written.
    """
    if not arguments.results:
        raise UserError("Name the results to show: files, folders or agents.")
    if arguments.output.suffix not in (".html", ".htm"):
        raise UserError(f"--output is {arguments.output}: give a file whose name ends in .html.")
    if arguments.max_flights < 0:
        raise UserError(f"--max-flights is {arguments.max_flights}: give 0 or more.")

    from ble_eval.report.html.page import make_page, plotly_program
    from ble_eval.report.html.page_data import make_page_data
    from ble_eval.report.tables import with_tracks
    from ble_eval.results.limits import find_limits
    from ble_eval.results.sets import on_common_seeds, read_result_sets, unlike
    from ble_eval.statistics import compare_sets
    from ble_sim.files.atomic import write_text

    plotly_program()  # It is missed before anything is computed.
    common = on_common_seeds(read_result_sets(arguments.results, arguments.suite), arguments.common_seeds)
    limits = find_limits(common.sets, arguments.limits)
    notes = [*common.left_out, *unlike(common.sets, arguments.baseline), *limits.notes]
    suites = list(dict.fromkeys(one.suite for one in common.sets))
    title = arguments.title if arguments.title is not None else " and ".join(suites)
    without_paths = [one.label for one in common.sets if not any(len(result.flight_path) for result in one.results)]
    data = make_page_data(
        common.sets,
        with_tracks(compare_sets(common.sets, arguments.baseline, limits=limits.limits)),
        title=title,
        notes=notes,
        max_flights=arguments.max_flights,
    )
    text = make_page(data)
    write_text(arguments.output, text)

    seeds = len(common.sets[0].results)
    for note in data.summary["notes"]:
        print(note)
    if without_paths:
        print(f"There are no flights to show of {', '.join(without_paths)}: the results hold no paths.")
        print("`ble-eval run` keeps them without --no-flight-paths, `ble-eval merge` with --flight-paths.")
    counts = f"agents {len(common.sets)}, seeds {seeds}, flights {data.flights_kept}"
    print(f"report: {arguments.output} ({counts}, {len(text) / MEGABYTE:.1f} MB)")
    return 0
