"""The hooks of ble-sim: how another package brings its own winds.

The environment variable `BLE_PLUGINS` (see `ble_sim.plugins`) chooses which plugins are loaded.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ble_sim.plugins import hookspec

if TYPE_CHECKING:
    from ble_sim.wind.registry import WindFieldRegistration


@hookspec
def ble_register_wind_fields() -> "Iterable[WindFieldRegistration]":  # pyright: ignore[reportReturnType]
    """Return the wind fields that the package offers; announced under the entry-point group `ble.wind_fields`."""
