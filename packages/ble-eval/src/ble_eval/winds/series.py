"""The winds of a column of air at many moments, at the station or along a flight. All values come from the core."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents import EpisodeStep, EpisodeWatcher
from ble_env.host.devices import compute_scope
from ble_env.host.snapshot import Snapshot
from ble_env.observation.layout import MAX_PRESSURE, MIN_PRESSURE, NUM_LEVELS
from ble_env.wind_column import WindColumn, winds_at_levels
from ble_eval.eval_lib import eval_agent
from ble_eval.suites.suite import EvaluationSuite
from ble_eval.winds.drift import least_drift
from ble_sim.conditions import conditions_at
from ble_sim.constants import METERS_PER_KM, SECONDS_PER_HOUR, STEP_SECONDS
from ble_sim.scenario import Scenario
from ble_sim.state import SimState
from ble_sim.structs import struct
from ble_sim.wind.field import WindField
from ble_sim.wind.forecast_error import PRIOR_VARIANCE

if TYPE_CHECKING:
    from ble_agents import Agent
    from ble_env import BalloonEnv

KINDS = ("forecast", "truth", "belief")
"""The winds that are shown side by side."""
_LEVELS = np.linspace(MIN_PRESSURE, MAX_PRESSURE, NUM_LEVELS)


@struct
class Moment:
    """A column of air and the place of the balloon at one moment."""

    column: WindColumn
    lowest_pressure: jax.Array
    """Pa, within reach of a balloon there; infinite where no pressure is"""
    highest_pressure: jax.Array
    """Pa; -infinite where no pressure is"""
    elapsed: jax.Array
    """int32, s"""
    x: jax.Array
    """m from the station, of the column"""
    y: jax.Array
    """m"""
    balloon_pressure: jax.Array
    """Pa"""


@dataclass(frozen=True)
class WindSeries:
    """Winds by moment and level, (u, v) towards the east and the north in m/s.

    Attributes:
        title: what and where they are.
        follows: whether the column is that of a balloon, and not of the station.
        hours: float[moments], since the start of the episode.
        pressure: float[levels], Pa.
        height: float[levels], m.
        winds: for each of `KINDS` float[moments, levels, 2].
        deviation: float[moments, levels], m/s: the standard deviation of the belief in each component.
        is_reachable: bool[moments, levels], whether a balloon in the column can float there.
        x, y: float[moments], km from the station, of the column.
        balloon_pressure: float[moments], Pa.
    """

    title: str
    follows: bool
    hours: np.ndarray
    pressure: np.ndarray
    height: np.ndarray
    winds: Mapping[str, np.ndarray]
    deviation: np.ndarray
    is_reachable: np.ndarray
    x: np.ndarray
    y: np.ndarray
    balloon_pressure: np.ndarray

    @classmethod
    def of(cls, title: str, follows: bool, moments: Any) -> "WindSeries":
        """The series of moments: a `Moment` of numpy arrays with a leading axis."""
        column = moments.column
        pressure = column.pressure[0]
        return cls(
            title=title,
            follows=follows,
            hours=moments.elapsed / SECONDS_PER_HOUR,
            pressure=pressure,
            height=column.height[0],
            winds={"forecast": column.forecast, "truth": column.wind, "belief": column.predicted},
            deviation=np.sqrt(PRIOR_VARIANCE * column.uncertainty),
            is_reachable=(pressure >= moments.lowest_pressure[:, None])
            & (pressure <= moments.highest_pressure[:, None]),
            x=moments.x / METERS_PER_KM,
            y=moments.y / METERS_PER_KM,
            balloon_pressure=moments.balloon_pressure,
        )

    @functools.cached_property
    def drift(self) -> dict[str, np.ndarray]:
        """For each of `KINDS` the least mean drift, float[moments], m/s; see `least_drift`."""
        return {kind: least_drift(winds, self.is_reachable) for kind, winds in self.winds.items()}


def moment_at(
    wind_field: WindField, scenario: Scenario, state: SimState, x: jax.Array, y: jax.Array, elapsed: jax.Array
) -> Moment:
    """The column at a place and time, with the belief of the measurements that `state` has.

    Args:
        wind_field: of the task.
        scenario, state: of one balloon.
        x, y: scalars, m from the station.
        elapsed: int32 scalar, s since the start of the episode.
    """
    there = dataclasses.replace(state, balloon=dataclasses.replace(state.balloon, x=x, y=y), elapsed=elapsed)
    conditions = conditions_at(scenario, there)
    return Moment(
        column=winds_at_levels(wind_field, scenario, there, jnp.asarray(_LEVELS, x.dtype)),
        lowest_pressure=conditions.lowest_pressure,
        highest_pressure=conditions.highest_pressure,
        elapsed=elapsed,
        x=x,
        y=y,
        balloon_pressure=state.balloon.pressure,
    )


@functools.partial(jax.jit, static_argnums=(0, 3))
def moment_of(wind_field: WindField, scenario: Scenario, state: SimState, at_station: bool) -> Moment:
    """The column at the balloon, or at the station, with the belief of the present."""
    zero = jnp.zeros_like(state.balloon.x)
    place = (zero, zero) if at_station else (state.balloon.x, state.balloon.y)
    return moment_at(wind_field, scenario, state, *place, state.elapsed)


@functools.partial(jax.jit, static_argnums=0)
def moments_at_station(wind_field: WindField, scenario: Scenario, state: SimState, elapsed: jax.Array) -> Moment:
    """The columns at the station at times (int32[moments], s), with the belief of the measurements in `state`."""
    zero = jnp.zeros_like(state.balloon.x)
    return jax.vmap(lambda time: moment_at(wind_field, scenario, state, zero, zero, time))(elapsed)


def station_series(env: "BalloonEnv", seed: int, steps: int, every: int, title: str) -> WindSeries:
    """The winds at the station, with the belief at the start of the episode: that of one measurement.

    Args:
        env: the environment.
        seed: of the episode.
        steps: agent steps from the start to the last moment.
        every: agent steps from one moment to the next.
        title: of the series.
    """
    env.reset(seed=seed)
    snapshot = env.get_snapshot()
    elapsed = np.arange(0, steps + 1, every, dtype=np.int32) * STEP_SECONDS
    with compute_scope(env.precision, env.device):
        moments = moments_at_station(env.task.wind_field, *snapshot, elapsed)
        return WindSeries.of(title, False, jax.device_get(moments))


class FlightWinds(EpisodeWatcher):
    """The winds of a flight, and the belief at each moment of it.

    Args:
        env: the environment.
        every: agent steps from one moment to the next. The last step is a moment too.
        at_station: whether the column is that of the station, and not of the balloon.
        on_step: called after each step with the number of steps.
    """

    def __init__(
        self, env: "BalloonEnv", every: int, *, at_station: bool, on_step: Callable[[int], None] = lambda steps: None
    ) -> None:
        self._env = env
        self._every = every
        self._at_station = at_station
        self._on_step = on_step
        self._moments: list[Moment] = []

    def begin(self, seed: int, info: Mapping[str, Any], snapshot: Callable[[], Snapshot]) -> None:
        self._moments = [self._moment(snapshot)]

    def step(self, seed: int, step: EpisodeStep, snapshot: Callable[[], Snapshot]) -> None:
        if (step.step + 1) % self._every == 0 or step.terminated or step.truncated:
            self._moments.append(self._moment(snapshot))
        self._on_step(step.step + 1)

    def series(self, title: str) -> WindSeries:
        """The winds so far."""
        moments = jax.tree.map(lambda *leaves: np.stack(leaves), *self._moments)
        return WindSeries.of(title, not self._at_station, moments)

    def _moment(self, snapshot: Callable[[], Snapshot]) -> Moment:
        with compute_scope(self._env.precision, self._env.device):
            return jax.device_get(moment_of(self._env.task.wind_field, *snapshot(), self._at_station))


def flight_series(
    agent: "Agent", env: "BalloonEnv", seed: int, steps: int, agent_seed: int, winds: FlightWinds, title: str
) -> WindSeries:
    """The winds that `winds` sees during the flight of an agent, which is that of `ble-eval run`.

    Args:
        agent: the agent.
        env: the environment.
        seed: of the episode.
        steps: time limit of the flight.
        agent_seed: of the agent's randomness.
        winds: sees the flight.
        title: of the series.
    """
    eval_agent(agent, env, EvaluationSuite([seed], steps), agent_seed=agent_seed, watcher=winds)
    return winds.series(title)
