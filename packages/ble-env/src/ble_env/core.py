"""The environment as pure functions: from a key to an episode, and from an action to a transition.

    params = task.make_params(vehicle)
    scenario, state, transition = reset(task, params, episode_key)
    state, transition = step(task, scenario, state, action)

Every environment class is a shell around these functions. They are written for one balloon: `jax.vmap` makes a batch,
`jax.jit` (with the task static) compiles, and the precision is that of the context in which they are traced.
"""

import jax

from ble_env.diagnostics import Diagnostics, diagnose
from ble_env.task import Task
from ble_sim import flight
from ble_sim.conditions import conditions_at
from ble_sim.scenario import Params, Scenario, sample_scenario
from ble_sim.state import BalloonStatus, SimState
from ble_sim.structs import struct


@struct
class Transition:
    """What a step gives. At the start of an episode it describes the first state."""

    observation: jax.Array
    """Of the task's observation function; float32[1099] by default."""
    reward: jax.Array
    """Scalar of the precision in force."""
    terminated: jax.Array
    """bool: out of power, burst, or without superpressure."""
    diagnostics: Diagnostics


def reset(task: Task, params: Params, episode_key: jax.Array) -> tuple[Scenario, SimState, Transition]:
    """Sample an episode from its key (uint32[2]) and start it."""
    scenario = sample_scenario(task.wind_field, params, episode_key)
    return scenario, *start(task, scenario)


def start(task: Task, scenario: Scenario) -> tuple[SimState, Transition]:
    """Start the episode of a scenario."""
    state = flight.initial_state(task.wind_field, scenario)
    return state, transition_at(task, scenario, state)


def step(task: Task, scenario: Scenario, state: SimState, action: jax.Array) -> tuple[SimState, Transition]:
    """Fly one agent step of 180 s; `action` is an int32 scalar: 0 down, 1 stay, 2 up."""
    state = flight.step(task.wind_field, scenario, state, action)
    return state, transition_at(task, scenario, state)


def transition_at(task: Task, scenario: Scenario, state: SimState) -> Transition:
    """The transition that led to `state`."""
    conditions = conditions_at(scenario, state)
    return Transition(
        observation=task.observation(task.wind_field, scenario, state, conditions),
        reward=task.reward(scenario, state, conditions),
        terminated=state.balloon.status != BalloonStatus.OK,
        diagnostics=diagnose(scenario, state, conditions, task.station_keeping_radius_km),
    )
