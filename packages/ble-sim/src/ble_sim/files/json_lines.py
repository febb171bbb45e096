"""Files with one JSON object a line. A last line that is incomplete, by a kill or a full disk, is removed."""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ble_sim.files.atomic import name_file, write_bytes

_BLOCK_SIZE = 2**16


class JsonLinesError(ValueError):
    """A file of JSON lines is damaged, or holds something else; the message names the file and the line."""


def append_json_line(path: Path, record: Mapping[str, Any]) -> None:
    """Add an object to the end of a file. The operating system has the line when this returns.

    Where it fails, the lines before it stay as they were: half a line is cut off again, at the latest by the next call.

    Raises:
        OSError: the file cannot be written.
        TypeError: a value has no JSON type.
        ValueError: a number is not finite.
    """
    line = _line(record)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    try:
        size = _complete_size(descriptor)
        try:
            written = 0
            while written < len(line):
                written += os.write(descriptor, line[written:])
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    except OSError as error:
        name_file(error, path)
        raise
    finally:
        os.close(descriptor)


def write_json_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write a whole file anew. Raises as `append_json_line` does."""
    write_bytes(path, b"".join(map(_line, records)))


def cut_json_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Remove the lines that `keep` rejects, and a last line that is incomplete because its process was killed.

    Returns:
        The remaining objects; an empty list if the file does not exist.

    Raises:
        OSError: the file cannot be read or written.
        JsonLinesError: a line is not a JSON object, or `keep` raises a ValueError, TypeError or KeyError. The file is
            not changed.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    complete = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    lines: list[bytes] = []
    records: list[dict[str, Any]] = []
    for number, line in enumerate(complete, start=1):
        try:
            record = json.loads(line)
            wanted = keep(record)
        except (ValueError, TypeError, KeyError) as error:
            raise JsonLinesError(f"{path}, line {number}: {type(error).__name__}: {error}.") from None
        if wanted:
            lines.append(line)
            records.append(record)
    remaining = b"".join(lines)
    if remaining != content:
        write_bytes(path, remaining)
    return records


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def _complete_size(descriptor: int) -> int:
    """The size of a file without a last line that is incomplete, which is cut off."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    size, block_size = end, 1  # Nearly always the last byte ends a line.
    while size > 0:
        start = max(0, size - block_size)
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, size - start).rfind(b"\n")
        if found >= 0:
            size = start + found + 1
            break
        size, block_size = start, _BLOCK_SIZE
    if size != end:
        os.ftruncate(descriptor, size)
    return size
