"""Files that are written whole or not at all, even if the process is killed or the disk is full."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path` to write to; it replaces `path` when the block succeeds.

    Raises:
        OSError: the file cannot be written or renamed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # Otherwise a power cut may leave the new name with the content missing.
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Raises OSError where that fails."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8. Raises OSError where that fails."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object, *, indent: int | None = None) -> None:
    """Write a JSON file that ends with a newline.

    Raises:
        OSError: the file cannot be written.
        TypeError: a value has no JSON type.
        ValueError: a number is not finite.
    """
    write_text(path, json.dumps(value, indent=indent, allow_nan=False) + "\n")


def write_arrays(path: Path, arrays: "Mapping[str, np.ndarray]") -> None:
    """Write an .npz file of arrays by name, not compressed. Raises OSError where that fails."""
    import numpy as np  # Here, so that command lines can import this module without it.

    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType] - no array is named like a parameter
