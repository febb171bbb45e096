"""Reset options: changes to the sampled episode."""

import numbers
from collections.abc import Mapping
from typing import Any

from ble_sim.constants import SECONDS_PER_DAY
from ble_sim.plugins import unknown_name

RESET_OPTIONS = {
    "x": ("start_x", -1e6, 1e6),
    "y": ("start_y", -1e6, 1e6),
    "pressure": ("start_pressure", 5000.0, 14000.0),
    "start_time": ("start_time", 0, 2**31 - 1 - 366 * SECONDS_PER_DAY),
    "latitude": ("latitude", -59.0, 59.0),
    "longitude": ("longitude", -180.0, 180.0),
    "upwelling_infrared": ("upwelling_infrared", 225.0, 400.0),
}
"""Option -> field of `Scenario`, lowest and highest value, in the option's units (see `BalloonEnv.reset`)."""


def scenario_changes(options: Mapping[str, Any]) -> dict[str, float]:
    """The fields of `Scenario` that reset options change, and their values.

    Raises:
        ValueError: an option is unknown, or out of range.
    """
    changes = {}
    for name, value in options.items():
        if name not in RESET_OPTIONS:
            raise unknown_name("reset option", name, RESET_OPTIONS)
        field, low, high = RESET_OPTIONS[name]
        if not (isinstance(value, numbers.Real) and low <= value <= high):
            raise ValueError(f"reset option {name!r} must be a number in [{low}, {high}], got {value!r}")
        changes[field] = value
    return changes
