"""Parts of a task that JAX cannot hash are refused when the task is made, with what to change."""

from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
import pytest

from ble_env import BalloonEnv
from ble_env.task import Task
from ble_env.task_parts import Choice, make_task_parts
from ble_sim.plugins import NoOptions, RewardRegistration
from ble_sim.plugins.registries import REWARDS
from ble_sim.wind.fields.layers import SimpleStaticWindField
from ble_sim.wind.forecast_options import ForecastOptions


@dataclass  # Not frozen, so it has no hash.
class Changeable:
    scale: float = 1.0

    def __call__(self, scenario, state, conditions):
        return jnp.float32(self.scale)


@dataclass(frozen=True)
class Held:
    weights: np.ndarray = field(default_factory=lambda: np.ones(3))
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class WindOfArrays(SimpleStaticWindField):
    table: np.ndarray = field(default_factory=lambda: np.ones(3))


def test_a_class_that_is_not_frozen():
    with pytest.raises(TypeError, match=r"The reward Changeable cannot be hashed.*its hash\. Declare .*frozen=True"):
        Task(reward=Changeable())


def test_fields_that_cannot_be_hashed_are_named():
    with pytest.raises(
        TypeError, match=r"The reward Held cannot be hashed.*: its weights is a ndarray, its names is a list"
    ):
        BalloonEnv(wind_field="simple", reward=Held())
    with pytest.raises(TypeError, match=r"The wind field WindOfArrays .*its table is a ndarray.* its parameters\(\)"):
        Task(wind_field=WindOfArrays())


def test_command_lines_get_it_as_an_error_of_the_part(monkeypatch):
    monkeypatch.setattr(REWARDS, "get", lambda name: RewardRegistration(name, Changeable))
    choices = {"wind_field": Choice("simple", ForecastOptions()), "reward": Choice("changing", NoOptions())}
    with pytest.raises(ValueError, match="Cannot make the reward 'changing': The reward Changeable cannot be hashed"):
        make_task_parts({**choices, "observation": Choice("perciatelli", NoOptions())})
