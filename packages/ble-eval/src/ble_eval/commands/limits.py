"""`ble-eval limits`: the best flights of each seed, as the limit that other agents are compared with."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ble_eval.command_line.parsing import parse_words
from ble_eval.errors import UserError
from ble_eval.results.files import check_json_name
from ble_eval.results.limits import Limits, write_limits
from ble_eval.results.sets import read_result_sets


@dataclass(frozen=True)
class LimitsArguments:
    """Write the best TWR50 of each seed among the flights of agents: a limit, from which regret is counted.

    A flight proves that its TWR50 is possible. Plans that are made with the true wind (`--agent oracle`) reach most;
    flights of other agents may raise the limit of single seeds.
    """

    results: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RESULT [RESULT ...]", help_behavior_hint="(required)"),
    ]
    """Result files, folders of them, or agents whose results are part of ble-eval."""

    output: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """File to write, compressed if its name ends in .json.gz."""

    suite: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: that of the files)")] = (
        None
    )
    """Of agents and folders, the results of this suite."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    arguments = parse_words(LimitsArguments, words, program)
    return make_limits(arguments, f"{program} {shlex.join(words)}")


def make_limits(arguments: LimitsArguments, command: str) -> int:
    """Write the file of limits and return the exit status.

    Args:
        arguments: the flags.
        command: the command line, for the record.

    Raises:
        UserError: a word names no results, or they do not go together.
        OSError: a file cannot be read or written.
    """
    if not arguments.results:
        raise UserError("Name the results to take limits from.")
    check_json_name(arguments.output)
    sets = read_result_sets(arguments.results, arguments.suite)
    if taken := [one.path for one in sets if one.path.resolve() == arguments.output.resolve()]:
        raise UserError(f"--output {arguments.output} would replace {taken[0]}, which is to be read. Name another.")
    limits = Limits.of_flights(sets, command)
    write_limits(arguments.output, limits)
    mean = sum(limits.twr50) / len(limits.twr50)
    best = ", ".join(f"{label} on {flights['best_on']}" for label, flights in limits.record["flights"].items())
    print(f"mean limit of {len(limits.seeds)} seeds: {mean:.4f}\nthe best flight: {best}\nlimits: {arguments.output}")
    return 0
