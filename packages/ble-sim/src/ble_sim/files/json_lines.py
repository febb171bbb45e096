"""Files with one JSON object a line. A last line that is incomplete because its process was killed is removed."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ble_sim.files.atomic import write_bytes


def append_json_line(path: Path, record: Mapping[str, Any]) -> None:
    """Add an object to the end of a file. The operating system has the line when this returns.

    Raises:
        OSError: the file cannot be written.
        TypeError: a value has no JSON type.
        ValueError: a number is not finite.
    """
    line = json.dumps(record, allow_nan=False) + "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


def cut_json_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Remove the lines that `keep` rejects, and a last line that is incomplete because its process was killed.

    Returns:
        The remaining objects; an empty list if the file does not exist.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: a line is not a JSON object, or `keep` raises a ValueError, TypeError or KeyError; the message names
            the file and the line. The file is not changed.
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
            raise ValueError(f"{path}, line {number}: {type(error).__name__}: {error}.") from None
        if wanted:
            lines.append(line)
            records.append(record)
    remaining = b"".join(lines)
    if remaining != content:
        write_bytes(path, remaining)
    return records
