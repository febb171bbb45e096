"""Flight paths as a few kilobytes of text, which the browser unpacks one at a time.

A column is quantised to integers of a unit, and its differences from step to step are kept as int16. So the error is at
most half a unit at every step. Where a column changes too fast for int16 its unit is larger, where it hardly changes
smaller. A packed flight is zlib's deflate of these bytes, little-endian:

    int32                 number of steps N
    COLUMNS x float64[2]  unit, 0 for a column that is not there; the first value in units
    int16[COLUMNS, N]     differences in units; MISSING where a value is not finite, and the last one counts on

flights.js reads them.
"""

import base64
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ble_eval.results.flight_path import FlightPath

COLUMNS: Mapping[str, float] = {
    "x": 0.005,
    "y": 0.005,
    "pressure": 1.0,
    "superpressure": 1.0,
    "elapsed_seconds": 1.0,
    "power": 0.001,
    "reward": 0.001,
    "lowest_pressure": 5.0,
    "highest_pressure": 5.0,
    "effective_action": 1.0,
}
"""Fields of `FlightPath` in the order in which they are packed, with the unit of each: km, Pa, s, or a number's own."""

MISSING = -(2**15)
LARGEST = 2**15 - 2
LEVELS = 1000
"""The range of a column is at least so many units."""


def pack_flight(path: FlightPath) -> str:
    """A flight path as base64 text."""
    steps = len(path)
    head = np.zeros((len(COLUMNS), 2), "<f8")
    body = np.zeros((len(COLUMNS), steps), "<i2")
    for row, (name, unit) in enumerate(COLUMNS.items()):
        values = getattr(path, name)
        if values is not None:
            head[row], body[row] = _pack_column(np.asarray(values, np.float64), unit)
    packed = np.array([steps], "<i4").tobytes() + head.tobytes() + body.tobytes()
    return base64.b64encode(zlib.compress(packed, 9)).decode("ascii")


def _pack_column(values: NDArray[np.float64], unit: float) -> tuple[tuple[float, float], NDArray[np.int16]]:
    """The unit and the first value in units, and the differences."""
    finite = np.isfinite(values)
    differences = np.full(values.shape, MISSING, np.int16)
    if not finite.any():
        return (unit, 0.0), differences
    there = values[finite]
    extent = float(np.ptp(there))
    if extent:
        unit = min(unit, extent / LEVELS)
    unit = max(unit, float(np.abs(np.diff(there)).max(initial=0.0)) / LARGEST)
    levels = np.round(there / unit)
    differences[finite] = np.diff(levels, prepend=levels[0])
    return (unit, float(levels[0])), differences


def unpack_flight(text: str) -> dict[str, NDArray[np.float64]]:
    """The columns of a packed flight, NaN where a value is not finite. What is not there is left out."""
    packed = zlib.decompress(base64.b64decode(text))
    steps = int(np.frombuffer(packed, "<i4", 1)[0])
    head = np.frombuffer(packed, "<f8", 2 * len(COLUMNS), 4).reshape(len(COLUMNS), 2)
    body = np.frombuffer(packed, "<i2", offset=4 + head.nbytes).reshape(len(COLUMNS), steps)
    columns = {}
    for name, (unit, first), row in zip(COLUMNS, head, body, strict=True):
        if unit:
            levels = first + np.cumsum(np.where(row == MISSING, 0, row), dtype=np.float64)
            columns[name] = np.where(row == MISSING, np.nan, levels * unit)
    return columns
