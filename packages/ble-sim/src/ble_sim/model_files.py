"""Model weights shipped as package data: .npz files of float32 arrays, checked by SHA-256 when loaded."""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np

_UNREADABLE = (OSError, EOFError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)
"""What numpy and zipfile raise at a damaged .npz, found by damaging one in many ways."""


class ModelFileError(ValueError):
    """A model file is missing, damaged or not the one that was published."""


def arrays_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 (hexadecimal) over names and little-endian float32 values, in the order of the names.

    It identifies the values and not the file: compressing the same arrays anew does not change it.
    """
    sha = hashlib.sha256()
    for name in sorted(arrays):
        sha.update(name.encode() + np.ascontiguousarray(arrays[name], "<f4").tobytes())
    return sha.hexdigest()


def load_arrays(file: Path | Traversable, digest: str, *, distribution: str = "ble-sim") -> dict[str, np.ndarray]:
    """Read the arrays of an .npz file, if they are those that `digest` was taken of.

    Args:
        file: a path, or a file of `importlib.resources.files(package)`.
        digest: what `arrays_digest` must give.
        distribution: what to reinstall when the file is damaged.

    Returns:
        float32 arrays by name.

    Raises:
        ModelFileError: the file is missing, is not a readable .npz, or holds other values.
    """
    try:
        with file.open("rb") as stream, np.load(stream) as archive:
            arrays = {name: archive[name].astype(np.float32, copy=False) for name in archive.files}
        found = arrays_digest(arrays)
    except _UNREADABLE as error:
        raise _damaged(file, digest, f"none, for it cannot be read ({error})", distribution) from error
    if found != digest:
        raise _damaged(file, digest, found, distribution)
    return arrays


def _damaged(file: Path | Traversable, expected: str, found: str, distribution: str) -> ModelFileError:
    return ModelFileError(
        f"The model file {file} is not the one published with {distribution}."
        f" Expected SHA-256 {expected}, found {found}."
        f" Reinstall {distribution}: python -m pip install --force-reinstall --no-deps {distribution}"
    )
