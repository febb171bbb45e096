"""The environment as pure functions: from a key to an episode, and from an action to a transition.

    params = task.make_params(vehicle)
    scenario, state, transition = reset(task, params, episode_key)
    state, transition = step(task, scenario, state, action)

Every environment class is a shell around these functions. They are written for one balloon: `jax.vmap` makes a batch,
`jax.jit` (with the task static) compiles, and the precision is that of the context in which they are traced.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.checks import part_name
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
    """The transition that led to `state`.

    Raises:
        TypeError: the task's observation or reward returns another shape or type than it should.
    """
    conditions = conditions_at(scenario, state)
    return Transition(
        observation=_checked_observation(task, task.observation(task.wind_field, scenario, state, conditions)),
        reward=_checked_reward(task, task.reward(scenario, state, conditions), state.balloon.x.dtype),
        terminated=state.balloon.status != BalloonStatus.OK,
        diagnostics=diagnose(scenario, state, conditions, task.station_keeping_radius_km),
    )


def _checked_observation(task: Task, value: Any) -> jax.Array:
    """An observation in the type of its space."""
    space = task.observation.observation_space
    shape, dtype = _shape_and_dtype(value)
    if shape != space.shape or dtype is None or not np.can_cast(dtype, space.dtype, "same_kind"):
        raise TypeError(
            f"The observation {part_name(task.observation)} returned {_described(value)}, but its observation_space has"
            f" {space.dtype}{list(space.shape)}."
        )
    return jnp.asarray(value, space.dtype)


def _checked_reward(task: Task, value: Any, dtype: Any) -> jax.Array:
    """A reward in the precision in force."""
    shape, given = _shape_and_dtype(value)
    if shape != () or given is None or given.kind not in "biuf":
        raise TypeError(f"The reward {part_name(task.reward)} returned {_described(value)}: it has to be one number.")
    return jnp.asarray(value, dtype)


def _shape_and_dtype(value: Any) -> tuple[tuple[int, ...] | None, np.dtype[Any] | None]:
    """Of an array or a number; None for anything else."""
    if isinstance(value, bool | int | float):
        return (), np.dtype(type(value))
    dtype = getattr(value, "dtype", None)
    return getattr(value, "shape", None), None if dtype is None else np.dtype(dtype)


def _described(value: Any) -> str:
    shape, dtype = _shape_and_dtype(value)
    return f"a {type(value).__name__}" if shape is None or dtype is None else f"{dtype}{list(shape)}"
