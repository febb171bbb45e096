"""Result files: one JSON array of records for each run, compressed or not, with its path, reading and writing."""

import gzip
import json
import os
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ble_eval.errors import UserError
from ble_eval.results.flight_path import ResultFormatError
from ble_eval.results.records import EvaluationResult, from_json, to_json
from ble_sim.files.atomic import json_text, remove_leftovers, replacing, sync_file

PROVENANCE_SUFFIX = ".provenance"
"""JSON too, but named so that a pattern such as NAME_*.json finds only results."""

PARTIAL_SUFFIX = ".partial.jsonl"

RESULT_SUFFIX = ".json"
COMPRESSED_SUFFIX = ".json.gz"
"""Of a result file that gzip has compressed, to a tenth with paths and without."""


@dataclass(frozen=True)
class ResultPaths:
    """The files of one run.

    Attributes:
        results: the array of records, written when the run is complete.
        provenance: settings, software and command of the run, written with the results.
        partial: finished episodes of a run that is not complete.
    """

    results: Path
    provenance: Path
    partial: Path

    @classmethod
    def of(cls, results: Path) -> "ResultPaths":
        """The paths that go with a result file, NAME.json or NAME.json.gz."""
        plain = results.with_suffix("") if results.name.endswith(COMPRESSED_SUFFIX) else results
        return cls(results, plain.with_suffix(PROVENANCE_SUFFIX), plain.with_suffix(PARTIAL_SUFFIX))

    @property
    def other_form(self) -> Path:
        """Where the results would be if they were compressed, or if they were not."""
        is_compressed = self.results.name.endswith(COMPRESSED_SUFFIX)
        return self.provenance.with_suffix(RESULT_SUFFIX if is_compressed else COMPRESSED_SUFFIX)


def result_file_name(name: str, num_shards: int, shard_idx: int, *, compress: bool = False) -> str:
    """The name of a result file: a run's name, the number of the shard if there are several, and the suffix."""
    shard = f"_{shard_idx}" if num_shards > 1 else ""
    return f"{name}{shard}.json{'.gz' if compress else ''}"


def check_json_name(path: Path) -> None:
    """Check the file that --output names.

    Raises:
        UserError: its name ends otherwise than in .json or .json.gz.
    """
    if not path.name.endswith((RESULT_SUFFIX, COMPRESSED_SUFFIX)):
        raise UserError(f"--output is {path}: give a file whose name ends in .json or .json.gz.")


def read_results(path: Path) -> list[EvaluationResult]:
    """The results in a file of this package or of the original Balloon Learning Environment.

    Raises:
        ResultFormatError: the file does not hold an array of results; the message names it and the record.
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    try:
        if content.startswith(_GZIP_MAGIC):
            content = gzip.decompress(content)
        records = json.loads(content.decode("utf-8"))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ResultFormatError(f"{path} is damaged, or not all of it is there: {error}.") from None
    except ValueError as error:  # not JSON, or not UTF-8
        raise ResultFormatError(f"{path} is not a JSON file: {error}.") from None
    if not isinstance(records, list):
        raise ResultFormatError(f"{path} does not hold an array of results but {type(records).__name__}.")
    return [_result_at(path, index, record) for index, record in enumerate(records)]


_GZIP_MAGIC = b"\x1f\x8b"


def _result_at(path: Path, index: int, record: object) -> EvaluationResult:
    try:
        return from_json(record)
    except ResultFormatError as error:
        raise ResultFormatError(f"{path}, record {index}: {error}.") from None


def write_results(path: Path, results: Iterable[EvaluationResult], *, pretty: bool = False) -> None:
    """Write the array of the results' records.

    Args:
        path: file to write; its folder exists. It is compressed if its name ends in .json.gz.
        results: the results in the order of the file.
        pretty: whether to indent the records.
    """
    with replacing(path) as file:
        _write_records(file, results, pretty=pretty, compress=path.name.endswith(COMPRESSED_SUFFIX))


def write_run(
    paths: ResultPaths, results: Iterable[EvaluationResult], record: Mapping[str, Any], *, pretty: bool = False
) -> None:
    """Write the results of a run and its record. Results are never beside the record of another run.

    Args:
        paths: the files to write; their folder is made where it is missing.
        results: the results in the order of the file.
        record: settings, software and command of the run, of JSON types only.
        pretty: whether to indent the results.

    Raises:
        OSError: a file cannot be written. What was there before stays, unless only the last step fails, the renaming.
    """
    paths.results.parent.mkdir(parents=True, exist_ok=True)
    compress = paths.results.name.endswith(COMPRESSED_SUFFIX)
    with replacing(paths.results) as results_file, replacing(paths.provenance) as record_file:
        _write_records(results_file, results, pretty=pretty, compress=compress)
        with record_file.open("wb") as stream:
            stream.write(json_text(record, indent=2).encode())
        for file in (results_file, record_file):
            sync_file(file)
        # The new record must not be beside the old results, not even if the next step is the last of this process.
        Path(os.path.realpath(paths.results)).unlink(missing_ok=True)


def _write_records(file: Path, results: Iterable[EvaluationResult], *, pretty: bool, compress: bool) -> None:
    """Write an array of records one by one: with its path a record takes some 2 MB of memory, and 300 kB of a file."""
    # As `gzip.compress` without the time, so that equal results are equal files.
    compressor = zlib.compressobj(level=9, wbits=zlib.MAX_WBITS | 16) if compress else None
    with file.open("wb") as stream:
        for piece in _pieces(results, pretty=pretty):
            stream.write(compressor.compress(piece) if compressor else piece)
        if compressor:
            stream.write(compressor.flush())


def _pieces(results: Iterable[EvaluationResult], *, pretty: bool) -> Iterator[bytes]:
    """The pieces of a JSON file with an array of records: what `json.dumps` makes of the whole, and a newline."""
    break_line = "\n  " if pretty else ""
    lead = f"[{break_line}"
    for result in results:
        text = json.dumps(to_json(result), indent=2 if pretty else None, allow_nan=False)
        yield (lead + text.replace("\n", "\n  ")).encode()
        lead = f",{break_line or ' '}"
    is_empty = lead.startswith("[")
    yield b"[]\n" if is_empty else b"\n]\n" if pretty else b"]\n"


def prepare_results(paths: ResultPaths) -> None:
    """Make the folder if it does not exist, and check that the files of a run can be written.

    Temporary files of dead processes are removed from the folder.

    Raises:
        UserError: they cannot.
    """
    folder = paths.results.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror or error}. Choose another folder.") from None
    remove_leftovers(folder)
    if (other := paths.other_form).exists():
        raise UserError(
            f"{other} is there, and {paths.provenance.name} is its record: one name stands for one result. Move it"
            " away, or choose another name."
        )
    longest = paths.partial.with_name(f".{paths.partial.name}.lock")
    for path in (longest, paths.results, paths.provenance, paths.partial):
        try:
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UserError(f"Cannot write {paths.results}: {error.strerror}. Choose another name.") from None
        if is_folder:
            raise UserError(f"Cannot write {path}: it is a folder. Remove it, or choose another name.")
        if not os.access(path, os.W_OK):
            raise UserError(f"Cannot write {path}: it is write-protected. Choose another name.")
