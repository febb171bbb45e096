"""Episodes sampled ahead, so that a reset costs little.

`jax.vmap` computes both sides of a condition. An environment that samples an episode when one ends would sample one
for every balloon at every step, which is many times the work of a step. An episode from a pool costs the copy of its
first state. Its forecast is not copied: an environment refers to it by its place in the pool.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ble_env import core
from ble_env.task import Task
from ble_sim.scenario import Params, Scenario
from ble_sim.state import SimState
from ble_sim.structs import struct
from ble_sim.wind.field import WindField
from ble_sim.wind.forecast_options import ForecastOptions

ACCELERATOR_BATCH = 256
"""Episodes that an accelerator samples at a time."""


@struct
class EpisodePool:
    """Episodes and how they begin. Fields have a leading axis, of the episodes, unless noted."""

    scenarios: Scenario
    """Without their forecasts."""
    forecasts: Any
    starts: SimState
    """Without the inverse of the wind's Gaussian process."""
    start_inverse: jax.Array
    """That inverse, without a leading axis: after one measurement it is the same in every episode."""
    observations: jax.Array
    """The first ones."""

    @property
    def size(self) -> int:
        """Number of episodes."""
        return self.observations.shape[0]


class PooledForecast(NamedTuple):
    """One of many forecasts."""

    forecasts: Any
    """Of all episodes of a pool, stacked."""
    place: jax.Array
    """int32 scalar"""


@dataclass(frozen=True)
class PooledWindField(WindField):
    """The winds of another field, with a `PooledForecast` as the forecast."""

    field: WindField

    @property
    def forecast_options(self) -> ForecastOptions:
        return self.field.forecast_options

    def parameters(self) -> Any:
        return self.field.parameters()

    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> PooledForecast:
        forecast = self.field.sample(parameters, key, start_time)
        return PooledForecast(jax.tree.map(lambda leaf: leaf[None], forecast), jnp.int32(0))

    def wind(self, forecast, x, y, pressure, elapsed):
        return self.field.wind_in_stack(forecast.forecasts, forecast.place, x, y, pressure, elapsed)


def pooled(task: Task) -> Task:
    """The task for scenarios that `scenario_at` gives."""
    return dataclasses.replace(task, wind_field=PooledWindField(task.wind_field))


def sample_pool(task: Task, params: Params, episode_keys: jax.Array) -> EpisodePool:
    """A pool of the episodes of keys (uint32[n, 2]), in this order.

    A processor samples them one after the other, so that they equal those of any other environment to the last digit.
    An accelerator samples many at a time, which rounds them differently.
    """
    batch_size = None if jax.default_backend() == "cpu" else ACCELERATOR_BATCH

    def begin_episode(key: jax.Array) -> EpisodePool:
        scenario, state, transition = core.reset(task, params, key)
        return EpisodePool(
            scenarios=dataclasses.replace(scenario, forecast=()),
            forecasts=scenario.forecast,
            starts=_with_inverse(state, ()),
            start_inverse=state.gp.inverse,
            observations=transition.observation,
        )

    pool = jax.lax.map(begin_episode, episode_keys, batch_size=batch_size)
    return dataclasses.replace(pool, start_inverse=pool.start_inverse[0])


def scenario_at(pool: EpisodePool, place: jax.Array) -> Scenario:
    """The scenario of a `pooled` task at a place (int32 scalar); its forecast stays in the pool."""
    scenario = jax.tree.map(lambda leaf: leaf[place], pool.scenarios)
    return dataclasses.replace(scenario, forecast=PooledForecast(pool.forecasts, place))


def start_at(pool: EpisodePool, place: jax.Array) -> tuple[SimState, jax.Array]:
    """The first state and the first observation of the episode at a place (int32 scalar)."""
    start = jax.tree.map(lambda leaf: leaf[place], pool.starts)
    return _with_inverse(start, pool.start_inverse), pool.observations[place]


def replace_episodes(pool: EpisodePool, places: jax.Array, others: EpisodePool) -> EpisodePool:
    """Put the episodes of another pool in the place of some (int32[others.size], each once)."""
    old, new = (dataclasses.replace(each, start_inverse=()) for each in (pool, others))
    replaced = jax.tree.map(lambda old, new: old.at[places].set(new), old, new)
    return dataclasses.replace(replaced, start_inverse=pool.start_inverse)


def _with_inverse(state: SimState, inverse: Any) -> SimState:
    return dataclasses.replace(state, gp=dataclasses.replace(state.gp, inverse=inverse))
