"""A task: wind field, observation, reward and station-keeping radius."""

import math
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

from ble_env.observation.function import ObservationFunction
from ble_env.observation.perciatelli import perciatelli_observation
from ble_env.reward import RewardFunction, StationKeepingReward
from ble_env.task_parts import TASK_PARTS
from ble_sim.balloon.vehicle import Vehicle, check_vehicle
from ble_sim.scenario import Params, make_params
from ble_sim.wind.field import WindField
from ble_sim.wind.fields.generative import GenerativeWindField

STATION_KEEPING_RADIUS_KM = 50.0
"""Of the benchmark."""


@dataclass(frozen=True)
class Task:
    """What an agent has to do. Hashable, so static under `jax.jit`."""

    wind_field: WindField = field(default_factory=GenerativeWindField)
    observation: ObservationFunction = field(default_factory=lambda: perciatelli_observation(Vehicle()))
    reward: RewardFunction = field(default_factory=StationKeepingReward)
    station_keeping_radius_km: float = STATION_KEEPING_RADIUS_KM

    def make_params(self, vehicle: Vehicle = Vehicle()) -> Params:
        """The arrays that `ble_env.core.reset` takes: the vehicle's, and the wind field's, such as weights."""
        return make_params(self.wind_field, vehicle)


class TaskArguments(TypedDict, total=False):
    """The keyword arguments that all environments share.

    Attributes:
        wind_field: the name of an installed wind field, or a `ble_sim.WindField`; "generative" by default.
        observation: a name or a `ble_env.ObservationFunction`; "perciatelli" by default.
        reward: a name or a `ble_env.RewardFunction`; "station_keeping" by default.
        station_keeping_radius_km: the radius of `info["inside_radius"]`, and so of TWR50. The reward has its own.
        vehicle: the balloon.
    """

    wind_field: str | WindField
    observation: str | ObservationFunction
    reward: str | RewardFunction
    station_keeping_radius_km: float
    vehicle: Vehicle


def make_task(**arguments: Unpack[TaskArguments]) -> tuple[Task, Vehicle]:
    """The task and the vehicle that an environment's arguments describe.

    Raises:
        ValueError: a part is not installed, the radius is not positive, or the vehicle is not valid.
        TypeError: there is no such argument, or the vehicle is not a `Vehicle`.
    """
    if unknown := sorted(arguments.keys() - TaskArguments.__annotations__.keys()):
        known = ", ".join(TaskArguments.__annotations__)
        raise TypeError(f"An environment has no argument {unknown[0]!r}. Those of its task are {known}.")
    vehicle = arguments.get("vehicle", Vehicle())
    check_vehicle(vehicle)
    radius = arguments.get("station_keeping_radius_km", STATION_KEEPING_RADIUS_KM)
    if not (math.isfinite(radius) and radius > 0.0):
        raise ValueError(f"station_keeping_radius_km must be positive, got {radius}")
    made: dict[str, Any] = {"vehicle": vehicle}
    for part in TASK_PARTS:
        given = arguments.get(part.argument, part.default)
        made[part.argument] = part.make(given, made) if isinstance(given, str) else given
    del made["vehicle"]
    return Task(**made, station_keeping_radius_km=radius), vehicle
