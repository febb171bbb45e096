"""`ble-eval merge`: joins the files of shards."""

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from ble_eval import suites
from ble_eval.command_line.parsing import Switch, parse_words
from ble_eval.content import content_differences
from ble_eval.errors import UserError
from ble_eval.results.files import (
    ResultPaths,
    check_json_name,
    prepare_results,
    read_results,
    write_run,
)
from ble_eval.results.merging import listed, merge_results
from ble_eval.settings import differences, listing, read_provenance
from ble_eval.suites.suite import seeds_of_ranges
from ble_sim.files.locks import locked


@dataclass(frozen=True)
class MergeArguments:
    """Join the result files of shards into one, sorted by seed, and say which seeds are missing or double."""

    files: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="FILE [FILE ...]", help_behavior_hint="(required)"),
    ]
    """The result files to join."""

    output: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """File to write."""

    suite: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the one that was flown)")
    ] = None
    """The suite whose seeds must be there."""

    flight_paths: Switch = False
    """Keep the flight paths."""

    allow_missing: Switch = False
    """Write the file though seeds are missing."""

    other_software: Switch = False
    """Merge though shards were flown with other versions of packages, or on another backend of JAX."""

    pretty_json: Switch = False
    """Indent the file."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    arguments = parse_words(MergeArguments, words, program)
    return merge_files(arguments, f"{program} {shlex.join(words)}")


def merge_files(arguments: MergeArguments, command: str) -> int:
    """Write the joined file and return the exit status.

    Args:
        arguments: the flags.
        command: the command line, for the record.

    Raises:
        UserError: the files do not go together, or seeds are missing.
        LockedError: another process writes the joined file.
    """
    if not arguments.files:
        raise UserError("Name the files to merge.")
    check_json_name(arguments.output)
    record_file = ResultPaths.of(arguments.output.resolve()).provenance
    if taken := [path for path in arguments.files if ResultPaths.of(path.resolve()).provenance == record_file]:
        raise UserError(f"--output {arguments.output} would replace {taken[0]}, which is to be merged. Name another.")
    parts = {path: read_results(path) for path in arguments.files}
    records = {
        path: record for path in parts if (record := read_provenance(ResultPaths.of(path).provenance)) is not None
    }
    settings = _common_settings({path: record["settings"] for path, record in records.items()})
    _check_content(records)
    other = _other_software({path: record.get("software", {}) for path, record in records.items()})
    if other and not arguments.other_software:
        raise UserError(f"{other[0]} Give --other-software to merge them all the same.")
    for line in [*other, *_without_record(parts, records)]:
        print(line, file=sys.stderr)
    expected = suites.get_eval_suite(arguments.suite).seeds if arguments.suite else _seeds(settings)
    merged = merge_results(parts.values(), expected_seeds=expected or (), flight_paths=arguments.flight_paths)
    if merged.double:
        print(f"Double, with equal results: {listed(merged.double)}.", file=sys.stderr)
    if expected is None:
        print("Which seeds should be there is unknown: give --suite to check them.", file=sys.stderr)
    if merged.missing:
        if not arguments.allow_missing:
            raise UserError(f"Missing: {listed(merged.missing)}. Give --allow-missing to write the others.")
        print(f"Missing: {listed(merged.missing)}.", file=sys.stderr)

    paths = ResultPaths.of(arguments.output)
    prepare_results(paths)
    sources = {str(path): _without(record, "settings") for path, record in records.items()}
    common = {name: _common(records.values(), name) for name in ("software", "content")}
    tracks = [one["information"] for one in records.values() if "information" in one]
    information = {"information": tracks[0]} if tracks else {}
    record = {"command": command, "merged_from": sources, **information, "settings": settings, **common}
    with locked(paths.partial):  # Against a run that is to write the same file.
        write_run(paths, merged.results, record, pretty=arguments.pretty_json)
    print(f"{len(merged.results)} episodes of {len(parts)} files: {paths.results}")
    return 0


def _common_settings(settings: Mapping[Path, Mapping[str, Any]]) -> dict[str, Any]:
    """What the shards have in common, which is everything but their number; empty without any record."""
    common: dict[str, Any] = {}
    for path, shard in settings.items():
        shared = _without(shard, "shard_idx")
        if found := differences(common or shared, shared):
            raise UserError(f"{path} (here) is not of the same run as {next(iter(settings))} (there){listing(found)}")
        common = shared
    return common


def _check_content(records: Mapping[Path, Mapping[str, Any]]) -> None:
    """Raises a UserError if the shards have read different files, weights or plugins."""
    there: tuple[Path, Mapping[str, str]] | None = None
    for path, record in records.items():
        content = record.get("content", {})
        if there is not None and (found := content_differences(there[1], content)):
            raise UserError(f"{path} (here) is not of the same run as {there[0]} (there){listing(found)}")
        there = there or (path, content)


def _seeds(settings: Mapping[str, Any]) -> list[int] | None:
    """The seeds of the whole suite; None without a record."""
    return seeds_of_ranges(settings["seeds"]) if "seeds" in settings else None


def _other_software(software: Mapping[Path, Mapping[str, Any]]) -> list[str]:
    """The shards that were flown with other software or another backend than the first, a sentence for each."""
    first = next(iter(software), None)
    return [
        f"{path} (here) was flown with other software than {first} (there){listing(found)}".rstrip()
        for path, here in software.items()
        if first is not None and (found := differences(software[first], here))
    ]


def _without_record(paths: Iterable[Path], records: Mapping[Path, Mapping[str, Any]]) -> list[str]:
    """The files without a record where others have one, a sentence for each."""
    unknown = [path for path in paths if path not in records]
    return [f"Without a record beside it, so its settings are unknown: {path}." for path in unknown if records]


def _common(records: Iterable[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """The entries of one part of the records that all of them have with the same value."""
    first, *others = [record.get(name, {}) for record in records] or [{}]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def _without(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}
