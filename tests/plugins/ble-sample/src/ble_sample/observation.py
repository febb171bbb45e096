"""An observation with an option: three gauges in place of the wind column."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from ble_env import ObservationFunction
from ble_sample.options import GaugesOptions
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.conditions import Conditions
from ble_sim.scenario import Scenario
from ble_sim.state import SimState
from ble_sim.wind.field import WindField


@dataclass(frozen=True)
class Gauges(ObservationFunction):
    """Battery charge, distance from the station and pressure, each from 0 to 1."""

    battery_capacity: float
    options: GaugesOptions

    @property
    def observation_space(self) -> spaces.Box:
        return spaces.Box(0.0, 1.0, (3,), np.float32)

    def __call__(self, wind_field: WindField, scenario: Scenario, state: SimState, conditions: Conditions) -> jax.Array:
        balloon = state.balloon
        distance = balloon.distance / 1000.0
        gauges = [
            balloon.battery_charge / self.battery_capacity,
            distance / (distance + self.options.distance_scale),
            balloon.pressure / 20_000.0,
        ]
        return jnp.clip(jnp.stack(gauges), 0.0, 1.0).astype(jnp.float32)


def make_gauges(vehicle: Vehicle, options: GaugesOptions = GaugesOptions()) -> Gauges:
    """The gauges of a vehicle."""
    return Gauges(float(vehicle.battery_capacity), options)
