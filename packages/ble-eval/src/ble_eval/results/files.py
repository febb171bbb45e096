"""Result files: one JSON array of records a run, where it lies, how it is read and how it is written."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ble_eval.command_line.errors import UserError
from ble_eval.results.records import EvaluationResult, ResultFormatError, from_json, to_json
from ble_sim.files.atomic import replacing

PROVENANCE_SUFFIX = ".provenance"
"""JSON too, but named so that a pattern like NAME_*.json finds results alone."""

PARTIAL_SUFFIX = ".partial.jsonl"


@dataclass(frozen=True)
class ResultPaths:
    """The files of one run.

    Attributes:
        results: the array of records, there when the run is complete.
        provenance: how the results came about, written with them.
        partial: finished episodes while the run is under way.
    """

    results: Path
    provenance: Path
    partial: Path

    @classmethod
    def of(cls, results: Path) -> "ResultPaths":
        """The paths that go with a result file."""
        return cls(results, results.with_suffix(PROVENANCE_SUFFIX), results.with_suffix(PARTIAL_SUFFIX))


def result_file_name(
    agent: str, checkpoint_idx: int | None, name_override: str | None, num_shards: int, shard_idx: int
) -> str:
    """The override, else the agent with its checkpoint, else the agent; with the shard when there are
    several; and ".json".
    """
    name = name_override or (agent if checkpoint_idx is None else f"{agent}_{checkpoint_idx}")
    return f"{name}_{shard_idx}.json" if num_shards > 1 else f"{name}.json"


def read_results(path: Path) -> list[EvaluationResult]:
    """The results in a file, of ours or of the Balloon Learning Environment.

    Raises:
        ResultFormatError: the file does not hold an array of results; the message names it and the record.
        OSError: the file cannot be read.
    """
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not JSON, or not UTF-8
        raise ResultFormatError(f"{path} is not a JSON file: {error}.") from None
    if not isinstance(records, list):
        raise ResultFormatError(f"{path} does not hold an array of results but {type(records).__name__}.")
    return [_result_at(path, index, record) for index, record in enumerate(records)]


def _result_at(path: Path, index: int, record: object) -> EvaluationResult:
    try:
        return from_json(record)
    except ResultFormatError as error:
        raise ResultFormatError(f"{path}, record {index}: {error}.") from None


def write_results(path: Path, results: Iterable[EvaluationResult], *, pretty: bool = False) -> None:
    """Writes the array of the results' records, whole or not at all.

    Args:
        path: file to write; its folder exists.
        results: the results in the order in which they shall stand.
        pretty: whether to indent the records, for reading by eye.
    """
    write_json(path, [to_json(result) for result in results], indent=2 if pretty else None)


def write_json(path: Path, value: object, *, indent: int | None = None) -> None:
    """Writes a JSON file under a temporary name in the same folder and renames it, so that no reader sees
    half of it.
    """
    text = json.dumps(value, indent=indent, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def prepare_folder(folder: Path) -> None:
    """Creates the folder where need be and makes sure that files can be written to it.

    Raises:
        UserError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror or error}. Choose another folder.") from None
