"""What a plugin says about a collector that it offers."""

from dataclasses import dataclass
from typing import ClassVar

from ble_sim.plugins.registry import Registration


@dataclass(frozen=True)
class CollectorRegistration(Registration):
    """A collector that can be asked for by name.

    Its constructor is called as constructor(base_dir, num_actions, current_episode), with options=a options_type besides
    if it has one.
    """

    kind: ClassVar[str] = "collector"
