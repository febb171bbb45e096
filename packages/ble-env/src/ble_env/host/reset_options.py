"""Reset options: changes to the sampled episode."""

from collections.abc import Mapping
from typing import Any

from ble_env.host.values import as_number, shown
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

    Args:
        options: by name; each is a number, or an array or tensor of any library that is a scalar.

    Raises:
        ValueError: an option is unknown, or out of range.
    """
    changes = {}
    for name, value in options.items():
        if name not in RESET_OPTIONS:
            raise unknown_name("reset option", name, RESET_OPTIONS)
        field, low, high = RESET_OPTIONS[name]
        number = as_number(value)
        if number is None or not low <= number <= high:
            raise ValueError(f"reset option {name!r} must be a number in [{low}, {high}], got {shown(value)}")
        if isinstance(low, int) and number != int(number):
            raise ValueError(f"reset option {name!r} must be a whole number, got {number}")
        changes[field] = number
    return changes
