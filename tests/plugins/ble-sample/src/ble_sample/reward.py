"""A reward with an option: what TWR50 counts."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from ble_sample.options import InsideOptions
from ble_sim.conditions import Conditions
from ble_sim.scenario import Scenario
from ble_sim.state import SimState


@dataclass(frozen=True)
class InsideReward:
    """1 within the radius, 0 outside."""

    options: InsideOptions = InsideOptions()

    def __call__(self, scenario: Scenario, state: SimState, conditions: Conditions) -> jax.Array:
        distance = state.balloon.distance / 1000.0
        return jnp.where(distance <= self.options.radius_km, 1.0, 0.0).astype(distance.dtype)
