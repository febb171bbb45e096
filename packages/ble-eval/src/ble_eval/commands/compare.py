"""`ble-eval compare`: two agents on the same seeds, episode by episode."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ble_eval.errors import UserError
from ble_eval.results.files import read_results


@dataclass(frozen=True)
class CompareArguments:
    """Compare two agents on the seeds that both have flown.

    The interval of the mean difference is far narrower than that of either mean, since the winds cause much of the
    spread.
    """

    first: Annotated[Path, tyro.conf.Positional]
    """Result file of an agent."""

    second: Annotated[Path, tyro.conf.Positional]
    """Result file of the agent that it is compared with."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    return compare_results(tyro.cli(CompareArguments, args=words, prog=program))


def compare_results(arguments: CompareArguments) -> int:
    """Print the table and return the exit status.

    Raises:
        UserError: the files have no seed in common.
        ResultFormatError: a file does not hold results.
    """
    paths = arguments.first, arguments.second
    first, second = ({flight.seed: flight for flight in read_results(path)} for path in paths)
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        raise UserError(f"{arguments.first} and {arguments.second} have no seed in common.")

    from rich.console import Console
    from rich.table import Table

    from ble_eval.report.summary_table import estimate_cell
    from ble_eval.statistics import CONFIDENCE_LEVEL, estimate

    table = Table(title=f"{len(seeds)} seeds in common", title_justify="left")
    for column in ("", arguments.first.stem, arguments.second.stem, f"difference, {CONFIDENCE_LEVEL:.0%} interval"):
        table.add_column(column, justify="right" if column else "left")
    for name, figure, decimals in (("TWR50", "time_within_radius", 4), ("reward", "cumulative_reward", 1)):
        one, other = ([getattr(flights[seed], figure) for seed in seeds] for flights in (first, second))
        differences = [a - b for a, b in zip(one, other, strict=True)]
        table.add_row(name, *(estimate_cell(estimate(values), decimals) for values in (one, other, differences)))
    Console().print(table)
    alone = len(first) + len(second) - 2 * len(seeds)
    if alone:
        print(f"{alone} episodes have a seed that only one of the files has; they are left out.")
    return 0
