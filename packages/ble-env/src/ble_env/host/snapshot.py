"""A saved moment of a flight."""

from typing import Any, NamedTuple

import jax

from ble_sim.scenario import Scenario
from ble_sim.state import SimState


class Snapshot(NamedTuple):
    """Scenario and state: enough to continue from. Immutable; batches have a leading axis."""

    scenario: Scenario
    state: SimState

    def __reduce__(self) -> tuple[Any, ...]:
        # As numpy arrays: where x64 is disabled, JAX would unpickle float64 as float32.
        return Snapshot, tuple(jax.device_get(part) for part in self)

    def check_precision(self, precision: str) -> None:
        """Check that an environment of this precision can continue from here.

        Raises:
            ValueError: the snapshot has another precision.
        """
        own = str(self.state.balloon.x.dtype)
        if own != precision:
            raise ValueError(f"the snapshot is in {own}, this environment in {precision}")
