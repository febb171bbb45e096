"""A folder of wind fields to train on.

Each .npy file, and each array in an .npz file, holds one field of the shape [21, 21, 10, 9, 2] or several of them
stacked along a new first axis: x and y from -500 to 500 km, pressure from 5000 to 14000 Pa, time from 0 to 48 h, and
(u, v) in m/s, evenly spaced. `ble_sim.wind.fields.grid.on_grid` makes such fields of any wind field's forecasts.

Files .npy are mapped into memory and read in parts; arrays of .npz files are kept in memory.
"""

import functools
import hashlib
import zipfile
from pathlib import Path

import numpy as np

from ble_sim.wind.fields.grid import GRID_SHAPE


class TrainingFieldsError(ValueError):
    """A folder holds no fields to train on; the message names the file and the remedy."""


class TrainingFields:
    """The fields of a folder, by number, in the order of the files' names.

    Args:
        folder: the folder; its subfolders are ignored.

    Raises:
        TrainingFieldsError: there are no fields, or a file holds something else.
    """

    def __init__(self, folder: Path) -> None:
        files = sorted(file for suffix in ("*.npy", "*.npz") for file in folder.glob(suffix))
        if not files:
            raise TrainingFieldsError(f"There are no .npy or .npz files in {folder}.")
        self._stacks = [(file, stack) for file in files for stack in _stacks(file)]
        self._ends = np.cumsum([len(stack) for _, stack in self._stacks])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        """float32[n, 21, 21, 10, 9, 2], m/s, of an array of n numbers.

        Raises:
            TrainingFieldsError: a field has gaps.
        """
        fields = np.empty((len(numbers), *GRID_SHAPE), np.float32)
        for place, number in enumerate(numbers):
            index = int(np.searchsorted(self._ends, number, side="right"))
            file, stack = self._stacks[index]
            fields[place] = stack[number - self._ends[index]]  # counted from the stack's end
            if not np.isfinite(fields[place]).all():
                raise TrainingFieldsError(f"A field in {file} has gaps (NaN): leave it out.")
        return fields

    @functools.cached_property
    def digest(self) -> str:
        """Identifies the files by their names and how many fields each holds."""
        contents = [(file.name, len(stack)) for file, stack in self._stacks]
        return hashlib.sha256(repr(contents).encode()).hexdigest()[:16]


def _stacks(file: Path) -> list[np.ndarray]:
    try:
        opened = np.load(file, mmap_mode="r" if file.suffix == ".npy" else None)
        arrays = [opened] if isinstance(opened, np.ndarray) else [opened[name] for name in opened.files]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingFieldsError(f"{file} cannot be read: {error}") from error
    for array in arrays:
        if array.shape[-5:] != GRID_SHAPE or array.ndim > 6 or not np.issubdtype(array.dtype, np.floating):
            raise TrainingFieldsError(
                f"{file} holds {array.dtype}{list(array.shape)}: give floats of the shape {list(GRID_SHAPE)},"
                " or several stacked along a first axis."
            )
    return [array.reshape(-1, *GRID_SHAPE) for array in arrays]
