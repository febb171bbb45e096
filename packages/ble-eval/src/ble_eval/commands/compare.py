"""`ble-eval compare`: two agents on the same seeds, flight by flight."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ble_eval.command_line.errors import UserError
from ble_eval.results.files import read_results


@dataclass(frozen=True)
class CompareArguments:
    """Compare two agents on the seeds that both have flown: the mean difference has a far narrower interval than
    either mean, since much of the spread is the winds'.
    """

    first: Annotated[Path, tyro.conf.Positional]
    """Result file of an agent."""

    second: Annotated[Path, tyro.conf.Positional]
    """Result file of the agent that it is compared with."""


def compare(arguments: CompareArguments) -> int:
    """Does what the arguments say and returns the exit status.

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
        print(f"{alone} flights have a seed that only one of the files has; they are left out.")
    return 0
