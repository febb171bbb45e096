"""The interface of observations."""

import abc

import jax
from gymnasium import spaces

from ble_sim.conditions import Conditions
from ble_sim.scenario import Scenario
from ble_sim.state import SimState
from ble_sim.wind.field import WindField


class ObservationFunction(abc.ABC):
    """What an agent observes of a flight. Instances are immutable and hashable; equal ones share compiled code."""

    @property
    @abc.abstractmethod
    def observation_space(self) -> spaces.Box:
        """The space that observations lie in."""

    @abc.abstractmethod
    def __call__(self, wind_field: WindField, scenario: Scenario, state: SimState, conditions: Conditions) -> jax.Array:
        """The observation of one balloon, in `observation_space`; pure and traceable by JAX."""
