"""What a plugin says about a wind field that it offers."""

from dataclasses import dataclass
from typing import ClassVar

from ble_sim.plugins.registry import Registration


@dataclass(frozen=True)
class WindFieldRegistration(Registration):
    """A `ble_sim.wind.field.WindField` by name, made by constructor(**options)."""

    kind: ClassVar[str] = "wind field"
