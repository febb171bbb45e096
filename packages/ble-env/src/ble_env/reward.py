"""Rewards: pure functions of the scenario and the state after a step."""

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.options import StationKeepingOptions
from ble_sim.balloon.power import has_excess_energy
from ble_sim.balloon.safety import Action
from ble_sim.flight import sun_at
from ble_sim.scenario import Scenario
from ble_sim.state import SimState

METERS_PER_KM = 1000.0


class RewardFunction(Protocol):
    """A hashable callable that JAX can trace; compiled code is kept per instance."""

    def __call__(self, scenario: Scenario, state: SimState) -> jax.Array:
        """The reward (scalar) of the step that led to `state`, for one balloon."""
        ...


@dataclass(frozen=True)
class StationKeepingReward(StationKeepingOptions):
    """1 within a radius of the station, less beyond it the farther away, and a discount on costly descents."""

    def __call__(self, scenario: Scenario, state: SimState) -> jax.Array:
        balloon = state.balloon
        distance = balloon.distance / METERS_PER_KM
        decay = jnp.exp(-np.log(2.0) / self.halflife_km * (distance - self.radius_km))
        reward = jnp.where(distance <= self.radius_km, 1.0, self.dropoff * decay)

        sun = sun_at(scenario, balloon.x, balloon.y, state.elapsed)
        is_free = has_excess_energy(scenario.vehicle, sun.elevation, balloon.pressure, balloon.battery_charge)
        is_costly = (balloon.last_command == Action.DOWN) & ~is_free
        effort = jnp.clip((balloon.acs_power - 100.0) / 200.0, 0.0, 1.0)
        return jnp.where(is_costly, reward * (0.95 - 0.3 * effort), reward)
