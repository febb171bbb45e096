"""Model weights in .npz files of float32 arrays. Weights that are package data are checked by SHA-256 when loaded."""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np

UNREADABLE_ARCHIVE = (OSError, EOFError, KeyError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)
"""Exceptions that numpy and zipfile raise for a damaged .npz, found by damaging one in many ways."""


class ModelFileError(ValueError):
    """A model file is missing, damaged or not the one that was published."""


def arrays_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 (hexadecimal) over names and little-endian float32 values, in the order of the names.

    It identifies the values and not the file: another compression of the same arrays does not change it.
    """
    sha = hashlib.sha256()
    for name in sorted(arrays):
        sha.update(name.encode() + np.ascontiguousarray(arrays[name], "<f4").tobytes())
    return sha.hexdigest()


def load_arrays(file: Path | Traversable, digest: str, *, distribution: str = "ble-sim") -> dict[str, np.ndarray]:
    """Read the arrays of an .npz file and check them.

    Args:
        file: a path, or a file of `importlib.resources.files(package)`.
        digest: expected `arrays_digest` of the arrays.
        distribution: the distribution that has the file; the message asks to reinstall it.

    Returns:
        float32 arrays by name.

    Raises:
        ModelFileError: the file is missing, is not a readable .npz, or has other values.
    """
    try:
        arrays = _read_arrays(file)
        found = arrays_digest(arrays)
    except UNREADABLE_ARCHIVE as error:
        raise _damaged(file, digest, f"none: it cannot be read ({error})", distribution) from error
    if found != digest:
        raise _damaged(file, digest, found, distribution)
    return arrays


def load_own_arrays(file: Path, shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz file that a user trained.

    Args:
        file: a path.
        shapes: name and shape of each array; None stands for any length.

    Returns:
        float32 arrays by name.

    Raises:
        ModelFileError: the file is missing, is not a readable .npz, or has other arrays.
    """
    try:
        arrays = _read_arrays(file)
    except UNREADABLE_ARCHIVE as error:
        raise ModelFileError(
            f"The model file {file} cannot be read ({error}): give an .npz file of weights."
        ) from error
    for name, shape in shapes.items():
        if name not in arrays:
            found = ", ".join(sorted(arrays)) or "none"
            raise ModelFileError(f"The model file {file} has no array {name!r}, but {found}.")
        sizes = arrays[name].shape
        if len(sizes) != len(shape) or any(want not in (None, size) for want, size in zip(shape, sizes, strict=True)):
            raise ModelFileError(f"In the model file {file}, {name!r} has the shape {sizes} in place of {shape}.")
        if not np.isfinite(arrays[name]).all():
            raise ModelFileError(f"In the model file {file}, {name!r} is not finite.")
    return {name: arrays[name] for name in shapes}


def _read_arrays(file: Path | Traversable) -> dict[str, np.ndarray]:
    with file.open("rb") as stream, np.load(stream) as archive:
        return {name: archive[name].astype(np.float32, copy=False) for name in archive.files}


def _damaged(file: Path | Traversable, expected: str, found: str, distribution: str) -> ModelFileError:
    return ModelFileError(
        f"The model file {file} is not the one published with {distribution}."
        f" Expected SHA-256 {expected}, found {found}."
        f" Reinstall {distribution}: python -m pip install --force-reinstall --no-deps {distribution}"
    )
