"""What a plugin says about the parts of an environment that it offers."""

from dataclasses import dataclass
from typing import ClassVar

from ble_sim.plugins.registry import Registration


@dataclass(frozen=True)
class ObservationRegistration(Registration):
    """A `ObservationFunction` by name, made by constructor(vehicle, **options)."""

    kind: ClassVar[str] = "observation"


@dataclass(frozen=True)
class RewardRegistration(Registration):
    """A `RewardFunction` by name, made by constructor(**options)."""

    kind: ClassVar[str] = "reward"


@dataclass(frozen=True)
class RendererRegistration(Registration):
    """A `Renderer` by name, made by constructor(station_keeping_radius_km, **options)."""

    kind: ClassVar[str] = "renderer"
