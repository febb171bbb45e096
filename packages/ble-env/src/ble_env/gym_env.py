"""The single environment for Gymnasium."""

import dataclasses
import math
import time
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from ble_env.features import FeatureConstructor, PerciatelliFeatures
from ble_env.functional import Outcome, Task, compiled
from ble_env.reward import RewardFunction, StationKeepingReward
from ble_env.telemetry import to_info
from ble_sim.constants import SECONDS_PER_DAY, STEP_SECONDS
from ble_sim.plugins import unknown_name
from ble_sim.precision import check_precision, precision_scope, reference_draws
from ble_sim.scenario import Scenario
from ble_sim.seeds import MAX_SEED, check_seed
from ble_sim.state import SimState
from ble_sim.vehicle import Vehicle
from ble_sim.wind.field import WindField
from ble_sim.wind.registry import make_wind_field


class SimulatorState(NamedTuple):
    """A whole flight at one moment. Immutable: keep it to come back, or restore it elsewhere to branch."""

    scenario: Scenario
    state: SimState


_RESET_OPTIONS = {
    "x": ("start_x", -1e6, 1e6),
    "y": ("start_y", -1e6, 1e6),
    "pressure": ("start_pressure", 5000.0, 14000.0),
    "start_time": ("start_time", 0, 2**31 - 1 - 366 * SECONDS_PER_DAY),
    "latitude": ("latitude", -59.0, 59.0),
    "longitude": ("longitude", -180.0, 180.0),
    "upwelling_infrared": ("upwelling_infrared", 225.0, 400.0),
}
"""Option -> field of `Scenario`, lowest and highest value."""


class BalloonEnv(gymnasium.Env[np.ndarray, int | np.integer]):
    """Keep a stratospheric balloon within 50 km of a station by riding the winds of different altitudes.

    Observation: float32[1099], see `ble_env.named_features`. Action: 0 down, 1 stay, 2 up, for the next 180 s.
    Reward: 1 within the radius, less outside, see `ble_env.StationKeepingReward`. Termination: out of power, burst, or
    no superpressure. There is no time limit unless `max_episode_steps` is given (`gymnasium.make` sets 960).

    Args:
        station_keeping_radius_km: what `info["inside_radius"]`, and so TWR50, is judged by. The reward has its own.
        reward_function: hashable and traceable, see `ble_env.RewardFunction`.
        feature_constructor: what is observed.
        wind_field: the name of an installed wind field, or a `ble_sim.wind.field.WindField`.
        vehicle: the balloon.
        precision: "float32" is the fast path and the default: single steps agree with the reference to the digits
            that it carries, and scores do within their noise. "float64" follows the reference step for step.
        max_episode_steps: truncate after so many steps.
        seed: of the stream of episodes that resets without a seed go through. As in the reference the first episode
            of `seed` is the one that `reset(seed=seed)` gives, and the first `reset()` gives the second.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(
        self,
        *,
        station_keeping_radius_km: float = 50.0,
        reward_function: RewardFunction = StationKeepingReward(),
        feature_constructor: FeatureConstructor = PerciatelliFeatures(),
        wind_field: str | WindField = "generative",
        vehicle: Vehicle = Vehicle(),
        precision: str = "float32",
        max_episode_steps: int | None = None,
        seed: int | None = None,
    ) -> None:
        if not (math.isfinite(station_keeping_radius_km) and station_keeping_radius_km > 0.0):
            raise ValueError(f"station_keeping_radius_km must be positive, got {station_keeping_radius_km}")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"max_episode_steps must be at least 1 or None, got {max_episode_steps}")
        self.precision = check_precision(precision)
        self.observation_space = feature_constructor.observation_space
        self.action_space = spaces.Discrete(3)
        self.vehicle = vehicle
        self.task = Task(
            wind_field=make_wind_field(wind_field) if isinstance(wind_field, str) else wind_field,
            features=feature_constructor,
            reward=reward_function,
            station_keeping_radius_km=station_keeping_radius_km,
        )
        self._compiled = compiled(self.task)
        self._wind_parameters = self.task.wind_field.parameters()
        self._max_episode_steps = max_episode_steps
        self._flight: SimulatorState | None = None
        self._start_time = 0
        self._num_steps = 0
        self._is_over = False
        self._key = _key(time.time_ns() // 1000 & MAX_SEED if seed is None else seed)
        self._next_episode_key()

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: starts the stream of episodes anew; None takes its next episode.
            options: what to change about the sampled episode: any of x, y (m from the station), pressure (Pa),
                start_time (seconds since 1970), latitude, longitude (deg, of the station), upwelling_infrared (W/m2).

        Raises:
            ValueError: for a seed outside [0, 2**32), an unknown option, or one out of range.
        """
        if seed is not None:
            self._key = _key(seed)
        super().reset(seed=seed)
        changes = _scenario_changes(options or {})
        with precision_scope(self.precision):
            scenario = self._compiled.sample(self._wind_parameters, self.vehicle, self._next_episode_key())
            scenario = dataclasses.replace(
                scenario,
                **{name: jnp.asarray(value, getattr(scenario, name).dtype) for name, value in changes.items()},
            )
            state, outcome = self._compiled.begin(scenario)
        self._flight = SimulatorState(scenario, state)
        self._start_time = int(scenario.start_time)
        self._num_steps = 0
        observation, _, self._is_over, info = self._report(outcome)
        return observation, info

    def step(self, action: int | np.integer) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Fly 180 s.

        Raises:
            ValueError: for an action other than 0, 1 and 2.
            RuntimeError: before the first reset, or after the end of an episode.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"action must be 0 (down), 1 (stay) or 2 (up), got {action!r}")
        flight = self._flight
        if flight is None:
            raise RuntimeError("step was called before the first reset: call reset first")
        if self._is_over:
            raise RuntimeError("the episode has ended: call reset before the next step")
        with precision_scope(self.precision):
            state, outcome = self._compiled.advance(flight.scenario, flight.state, np.int32(action))
        self._flight = SimulatorState(flight.scenario, state)
        self._num_steps += 1
        observation, reward, terminated, info = self._report(outcome)
        truncated = self._max_episode_steps is not None and self._num_steps >= self._max_episode_steps
        self._is_over = terminated or truncated
        return observation, reward, terminated, truncated, info

    def get_simulator_state(self) -> SimulatorState:
        """The flight as it stands, to come back to with `set_simulator_state`.

        Raises:
            RuntimeError: before the first reset.
        """
        if self._flight is None:
            raise RuntimeError("there is no flight before the first reset: call reset first")
        return self._flight

    def set_simulator_state(self, flight: SimulatorState) -> tuple[np.ndarray, dict[str, Any]]:
        """Continue from a state of this or another environment of the same task and precision.

        What the balloon has learned about the wind is restored with it, so replaying the same actions gives the same
        flight. Steps towards `max_episode_steps` count from the start of that flight.

        Returns:
            The observation and info there.

        Raises:
            ValueError: if the state has another precision.
        """
        precision = str(flight.state.balloon.x.dtype)
        if precision != self.precision:
            raise ValueError(f"the state is in {precision}, this environment in {self.precision}")
        self._flight = flight
        self._start_time = int(flight.scenario.start_time)
        self._num_steps = int(flight.state.elapsed) // STEP_SECONDS
        with precision_scope(self.precision):
            outcome = self._compiled.outcome(*flight)
        observation, _, self._is_over, info = self._report(outcome)
        return observation, info

    def _next_episode_key(self) -> jax.Array:
        with reference_draws():
            self._key, episode_key = jax.random.split(self._key)
        return episode_key

    def _report(self, outcome: Outcome) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        observation, reward, terminated, telemetry = jax.device_get(outcome)
        return observation, float(reward), bool(terminated), to_info(telemetry, self._start_time)


def _key(seed: int) -> jax.Array:
    with reference_draws():
        return jax.random.PRNGKey(np.uint32(check_seed(seed)))


def _scenario_changes(options: Mapping[str, Any]) -> dict[str, float]:
    changes = {}
    for name, value in options.items():
        if name not in _RESET_OPTIONS:
            raise unknown_name("reset option", name, _RESET_OPTIONS)
        field, low, high = _RESET_OPTIONS[name]
        if not low <= value <= high:
            raise ValueError(f"reset option {name!r} must lie in [{low}, {high}], got {value}")
        changes[field] = value
    return changes
