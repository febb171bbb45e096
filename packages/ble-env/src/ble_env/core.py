"""The environment as pure functions: from a key to an episode, and from an action to an observation and a reward.

Every environment class is a shell around these. They see one balloon; `jax.vmap` gives a batch, `jax.jit` (with the
task static) compiles, and the precision is that of the context they are traced in.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax

from ble_env.diagnostics import measure
from ble_env.observation.perciatelli import ObservationFunction, perciatelli_observation
from ble_env.reward import RewardFunction, StationKeepingReward
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.flight import initial_state, step
from ble_sim.scenario import Scenario, sample_scenario
from ble_sim.state import BalloonStatus, SimState
from ble_sim.wind.field import WindField
from ble_sim.wind.fields.generative import GenerativeWindField


class Transition(NamedTuple):
    """What an agent is told after a step, or at the start."""

    observation: jax.Array
    """Of the task's features; float32[1099] by default."""
    reward: jax.Array
    """Scalar of the precision in force."""
    terminated: jax.Array
    """bool: out of power, burst or without superpressure."""
    telemetry: jax.Array
    """The fields of `ble_env.diagnostics.Diagnostics`."""


@dataclass(frozen=True)
class Task:
    """What is to be solved: which wind, what is observed, and what is rewarded. Hashable, so static under jit."""

    wind_field: WindField = field(default_factory=GenerativeWindField)
    observation: ObservationFunction = field(default_factory=lambda: perciatelli_observation(Vehicle()))
    reward: RewardFunction = field(default_factory=StationKeepingReward)
    station_keeping_radius_km: float = 50.0


def sample(task: Task, wind_parameters: Any, vehicle: Vehicle, episode_key: jax.Array) -> Scenario:
    """Sample an episode from its key (uint32[2]); `wind_parameters` are `task.wind_field.parameters()`."""
    return sample_scenario(task.wind_field, wind_parameters, vehicle, episode_key)


def begin(task: Task, scenario: Scenario) -> tuple[SimState, Transition]:
    """Start an episode."""
    state = initial_state(task.wind_field, scenario)
    return state, outcome(task, scenario, state)


def advance(task: Task, scenario: Scenario, state: SimState, action: jax.Array) -> tuple[SimState, Transition]:
    """Fly one agent step of 180 s; `action` is an int32 scalar: 0 down, 1 stay, 2 up."""
    state = step(task.wind_field, scenario, state, action)
    return state, outcome(task, scenario, state)


def outcome(task: Task, scenario: Scenario, state: SimState) -> Transition:
    """What an agent is told in `state`."""
    return Transition(
        observation=task.observation.observe(task.wind_field, scenario, state),
        reward=task.reward(scenario, state),
        terminated=state.balloon.status != BalloonStatus.OK,
        telemetry=measure(scenario, state, task.station_keeping_radius_km),
    )
