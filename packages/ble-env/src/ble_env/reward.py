"""Rewards: pure functions of the state that a step led to."""

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.options import StationKeepingOptions
from ble_sim.balloon.altitude_control import Action
from ble_sim.conditions import Conditions
from ble_sim.constants import METERS_PER_KM
from ble_sim.scenario import Scenario
from ble_sim.state import SimState


class RewardFunction(Protocol):
    """A hashable callable that JAX can trace; equal rewards share compiled code."""

    def __call__(self, scenario: Scenario, state: SimState, conditions: Conditions) -> jax.Array:
        """The reward (scalar) of the step that led to `state`, for one balloon."""
        ...


@dataclass(frozen=True)
class StationKeepingReward:
    """The benchmark's reward.

    At the distance d from the station, with the options' radius r, dropoff c and half-life h,

        reward = 1                          if d <= r
                 c 2^(-(d - r) / h)         otherwise

    It is multiplied by 0.95 - 0.3 effort when the agent has commanded a descent without excess energy, where the effort
    rises linearly from 0 to 1 between 100 W and 300 W of compressor power.
    """

    options: StationKeepingOptions = StationKeepingOptions()

    def __call__(self, scenario: Scenario, state: SimState, conditions: Conditions) -> jax.Array:
        balloon, options = state.balloon, self.options
        distance = balloon.distance / METERS_PER_KM
        decay = jnp.exp(-np.log(2.0) / options.halflife_km * (distance - options.radius_km))
        reward = jnp.where(distance <= options.radius_km, 1.0, options.dropoff * decay)

        is_costly = (balloon.last_command == Action.DOWN) & ~conditions.excess_energy
        effort = jnp.clip((balloon.acs_power - 100.0) / 200.0, 0.0, 1.0)
        return jnp.where(is_costly, reward * (0.95 - 0.3 * effort), reward)
