"""`ble-eval compare`: two agents on the same seeds, episode by episode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from ble_eval.command_line.parsing import Switch, parse_words
from ble_eval.content import content_differences
from ble_eval.errors import UserError
from ble_eval.results.files import ResultPaths, read_results
from ble_eval.results.merging import listed
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import differences, read_provenance

OF_THE_AGENT = ("agent", "seed", "checkpoint_dir", "checkpoint_idx", "untrained", "agent_options")
"""Settings in which the two may differ: they are what is compared."""
OF_THE_FILE = ("num_shards", "shard_idx", "flight_paths", "seeds", "suite", "suite_options")
"""Settings that say which episodes are in a file and how; the episodes themselves are compared."""


@dataclass(frozen=True)
class CompareArguments:
    """Compare two agents that flew the same episodes.

    The interval of the mean difference is far narrower than that of either mean, since the winds cause much of the
    spread. Whatever else than the agent differs, such as the winds, the precision or versions, is said above the table.
    """

    first: Annotated[Path, tyro.conf.Positional]
    """Result file of an agent."""

    second: Annotated[Path, tyro.conf.Positional]
    """Result file of the agent that it is compared with."""

    common_seeds: Switch = False
    """Compare on the seeds that both have flown, though the files do not have the same."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    return compare_results(parse_words(CompareArguments, words, program))


def compare_results(arguments: CompareArguments) -> int:
    """Print the table and return the exit status.

    Raises:
        UserError: the files do not have the same seeds.
        ResultFormatError: a file does not hold results.
        OSError: a file cannot be read.
    """
    paths = arguments.first, arguments.second
    first, second = (_by_seed(path) for path in paths)
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        raise UserError(f"{arguments.first} and {arguments.second} have no seed in common.")
    alone = {path: one.keys() - set(seeds) for path, one in zip(paths, (first, second), strict=True)}
    missing = "; ".join(f"only {path} has {listed(some)}" for path, some in alone.items() if some)
    if missing and not arguments.common_seeds:
        raise UserError(f"The files do not have the same seeds: {missing}. Give --common-seeds to leave these out.")

    from rich.console import Console
    from rich.table import Table

    from ble_eval.report.summary_table import estimate_cell
    from ble_eval.statistics import CONFIDENCE_LEVEL, estimate

    for line in _other_differences(*paths):
        print(line)
    table = Table(title=f"{len(seeds)} seeds in common", title_justify="left")
    for column in ("", *_names(*paths), f"difference, {CONFIDENCE_LEVEL:.0%} interval"):
        table.add_column(column, justify="right" if column else "left")
    for name, figure, decimals in (("TWR50", "time_within_radius", 4), ("reward", "cumulative_reward", 1)):
        one, other = ([getattr(flights[seed], figure) for seed in seeds] for flights in (first, second))
        distances = [a - b for a, b in zip(one, other, strict=True)]
        table.add_row(name, *(estimate_cell(estimate(values), decimals) for values in (one, other, distances)))
    Console().print(table)
    if missing:
        print(f"Left out: {missing}.")
    return 0


def _by_seed(path: Path) -> dict[int, EvaluationResult]:
    results = read_results(path)
    by_seed = {result.seed: result for result in results}
    if not results:
        raise UserError(f"{path} has no results.")
    if len(by_seed) < len(results):
        raise UserError(f"{path} has several results for a seed: join its parts with `ble-eval merge`.")
    return by_seed


def _names(first: Path, second: Path) -> tuple[str, str]:
    """Headings for two files: their names, with the folders where these are equal."""
    return (first.stem, second.stem) if first.stem != second.stem else (str(first), str(second))


def _other_differences(first: Path, second: Path) -> list[str]:
    """Lines about what differs between two runs besides the agents; empty if nothing does."""
    records = {path: read_provenance(ResultPaths.of(path).provenance) for path in (first, second)}
    unknown = [f"{path} has no record beside it." for path, record in records.items() if record is None]
    if unknown:
        return [*unknown, "So it is not known whether both have the same winds, rewards, precision and versions.", ""]
    there, here = (record or {} for record in records.values())
    found = [
        *differences(_task_settings(there), _task_settings(here)),
        *differences(_software(there), _software(here)),
        *content_differences(_wind(there), _wind(here)),
    ]
    if not found:
        return []
    head = f"The two differ in more than the agents, {first} (there) and {second} (here):"
    return [head, *(f"  {line}" for line in found), ""]


def _task_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    left_out = {*OF_THE_AGENT, *OF_THE_FILE}
    return {name: value for name, value in record["settings"].items() if name not in left_out}


def _software(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.get("software", {}).items() if name != "agent"}


def _wind(record: Mapping[str, Any]) -> dict[str, str]:
    name = "the wind field's content"
    content = record.get("content", {})
    return {name: content[name]} if name in content else {}
