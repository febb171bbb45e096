"""Writing files so that a process killed at any moment leaves none half written."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ble_sim.files.atomic import replacing


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file in UTF-8 under a temporary name in its folder and rename it.

    Raises:
        OSError: it cannot be written.
    """
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name in its folder and rename it.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def append_json_line(path: Path, record: Mapping[str, Any]) -> None:
    """Add an object to a file with one JSON object a line; it has reached the operating system afterwards.

    Raises:
        OSError: the file cannot be written.
        TypeError: a value is none of JSON's.
        ValueError: a number is not finite.
    """
    line = json.dumps(record, allow_nan=False) + "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


def cut_json_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Remove from a file of JSON lines those that `keep` denies, and a last one that a kill cut short.

    Returns:
        The objects that are left; none for a file that is not there.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: a line is no JSON object, or not one that `keep` understands; the message names it.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    complete = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    kept_lines, kept = [], []
    for number, line in enumerate(complete, start=1):
        record, wanted = _judged(path, number, line, keep)
        if wanted:
            kept_lines.append(line)
            kept.append(record)
    remaining = b"".join(kept_lines)
    if remaining != content:
        write_bytes_atomically(path, remaining)
    return kept


def _judged(
    path: Path, number: int, line: bytes, keep: Callable[[dict[str, Any]], bool]
) -> tuple[dict[str, Any], bool]:
    try:
        record = json.loads(line)
        return record, keep(record)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}, line {number} is none of those written here: {error!r}.") from None
