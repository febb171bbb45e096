"""A saved moment of a flight."""

from typing import NamedTuple

from ble_sim.scenario import Scenario
from ble_sim.state import SimState


class Snapshot(NamedTuple):
    """Scenario and state: enough to continue from. Immutable; batches have a leading axis."""

    scenario: Scenario
    state: SimState

    def check_precision(self, precision: str) -> None:
        """Check that an environment of this precision can continue from here.

        Raises:
            ValueError: the snapshot has another precision.
        """
        own = str(self.state.balloon.x.dtype)
        if own != precision:
            raise ValueError(f"the snapshot is in {own}, this environment in {precision}")
