"""What the environments' arguments and reset options mean, checked in one place."""

import math
import numbers
from collections.abc import Mapping
from typing import Any

from ble_env.core import Task
from ble_env.observation.perciatelli import ObservationFunction
from ble_env.plugins import make_observation, make_reward
from ble_env.reward import RewardFunction
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import SECONDS_PER_DAY
from ble_sim.plugins.registry import unknown_name
from ble_sim.wind.field import WindField
from ble_sim.wind.registry import make_wind_field

RESET_OPTIONS = {
    "x": ("start_x", -1e6, 1e6),
    "y": ("start_y", -1e6, 1e6),
    "pressure": ("start_pressure", 5000.0, 14000.0),
    "start_time": ("start_time", 0, 2**31 - 1 - 366 * SECONDS_PER_DAY),
    "latitude": ("latitude", -59.0, 59.0),
    "longitude": ("longitude", -180.0, 180.0),
    "upwelling_infrared": ("upwelling_infrared", 225.0, 400.0),
}
"""Option -> field of `Scenario`, lowest and highest value."""


def make_task(
    wind_field: str | WindField,
    observation: str | ObservationFunction,
    reward: str | RewardFunction,
    station_keeping_radius_km: float,
    vehicle: Vehicle,
) -> Task:
    """The task that an environment's arguments describe.

    Raises:
        ValueError: for a part that is not installed, or a radius that is not positive.
    """
    if not (math.isfinite(station_keeping_radius_km) and station_keeping_radius_km > 0.0):
        raise ValueError(f"station_keeping_radius_km must be positive, got {station_keeping_radius_km}")
    return Task(
        wind_field=make_wind_field(wind_field) if isinstance(wind_field, str) else wind_field,
        observation=(make_observation(observation, vehicle) if isinstance(observation, str) else observation),
        reward=make_reward(reward) if isinstance(reward, str) else reward,
        station_keeping_radius_km=station_keeping_radius_km,
    )


def check_max_episode_steps(max_episode_steps: int | None) -> int | None:
    """Return the time limit if it is one.

    Raises:
        ValueError: it is not.
    """
    if max_episode_steps is not None and max_episode_steps < 1:
        raise ValueError(f"max_episode_steps must be at least 1 or None, got {max_episode_steps}")
    return max_episode_steps


def scenario_changes(options: Mapping[str, Any]) -> dict[str, float]:
    """The fields of `Scenario` that reset options change, and to what.

    Raises:
        ValueError: for an unknown option, or one out of range.
    """
    changes = {}
    for name, value in options.items():
        if name not in RESET_OPTIONS:
            raise unknown_name("reset option", name, RESET_OPTIONS)
        field, low, high = RESET_OPTIONS[name]
        if not (isinstance(value, numbers.Real) and low <= value <= high):
            raise ValueError(f"reset option {name!r} must be a number in [{low}, {high}], got {value!r}")
        changes[field] = value
    return changes
