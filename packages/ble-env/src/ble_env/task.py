"""A task: wind field, observation, reward and station-keeping radius."""

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

from ble_env.host.values import as_number
from ble_env.observation.function import ObservationFunction
from ble_env.observation.perciatelli import perciatelli_observation
from ble_env.reward import RewardFunction, StationKeepingReward
from ble_env.task_parts import TASK_PARTS, check_hashable, choice_of
from ble_sim.balloon.vehicle import Vehicle, check_vehicle
from ble_sim.constants import STATION_KEEPING_RADIUS_KM
from ble_sim.plugins import unknown_name
from ble_sim.plugins.options import options_from_json
from ble_sim.scenario import Params, make_params
from ble_sim.wind.field import WindField
from ble_sim.wind.fields.generative import GenerativeWindField


@dataclass(frozen=True)
class Task:
    """What an agent has to do. Hashable, so static under `jax.jit`.

    Raises:
        TypeError: a part is of another type, or cannot be hashed; the message says what to change.
    """

    wind_field: WindField = field(default_factory=GenerativeWindField)
    observation: ObservationFunction = field(default_factory=lambda: perciatelli_observation(Vehicle()))
    reward: RewardFunction = field(default_factory=StationKeepingReward)
    station_keeping_radius_km: float = STATION_KEEPING_RADIUS_KM

    def __post_init__(self) -> None:
        for part in TASK_PARTS:
            check_hashable(part, getattr(self, part.argument))
        is_observation = hasattr(self.observation, "observation_space") and callable(self.observation)
        _check_type("wind_field", self.wind_field, isinstance(self.wind_field, WindField), "a ble_sim.WindField")
        _check_type("observation", self.observation, is_observation, "a ble_env.ObservationFunction")
        _check_type("reward", self.reward, callable(self.reward), "a ble_env.RewardFunction")

    def __deepcopy__(self, memo: dict[int, Any]) -> "Task":
        return self  # Immutable, and a wind field may hold a large grid.

    def make_params(self, vehicle: Vehicle = Vehicle()) -> Params:
        """The arrays that `ble_env.core.reset` takes: the vehicle's, and the wind field's, such as weights."""
        return make_params(self.wind_field, vehicle)


class TaskArguments(TypedDict, total=False):
    """The keyword arguments that all environments share.

    Parts are given by name, as objects, or in plain values: {"name": "uniform_shear", "options": {"speed": 3.0}}. Those
    are what YAML and the JSON of a `gymnasium.envs.registration.EnvSpec` can hold.

    Attributes:
        wind_field: an installed wind field, or a `ble_sim.WindField`; "generative" by default.
        observation: an installed observation, or a `ble_env.ObservationFunction`; "perciatelli" by default.
        reward: an installed reward, or a `ble_env.RewardFunction`; "station_keeping" by default.
        station_keeping_radius_km: the radius of `info["inside_radius"]`, and so of TWR50. The reward has its own.
        vehicle: the balloon: a `ble_sim.Vehicle`, or a dictionary of those of its fields that differ from the
            benchmark's.
    """

    wind_field: str | Mapping[str, Any] | WindField
    observation: str | Mapping[str, Any] | ObservationFunction
    reward: str | Mapping[str, Any] | RewardFunction
    station_keeping_radius_km: float
    vehicle: Vehicle | Mapping[str, Any]


def make_task(**arguments: Unpack[TaskArguments]) -> tuple[Task, Vehicle]:
    """The task and the vehicle that an environment's arguments describe.

    Raises:
        ValueError: a part is not installed, an option or the radius is not allowed, or the vehicle is not valid.
        TypeError: there is no such argument, or a part or the vehicle is of another type.
    """
    check_arguments(arguments)
    vehicle: Any = arguments.get("vehicle", Vehicle())
    if isinstance(vehicle, Mapping):
        try:
            vehicle = options_from_json(Vehicle, vehicle)
        except (TypeError, ValueError) as error:
            raise ValueError(f"The vehicle's fields are not valid: {error}") from error
    check_vehicle(vehicle)
    given_radius = arguments.get("station_keeping_radius_km", STATION_KEEPING_RADIUS_KM)
    radius = as_number(given_radius)
    if radius is None or not (math.isfinite(radius) and radius > 0.0):
        raise ValueError(f"station_keeping_radius_km must be positive, got {given_radius!r}")
    made: dict[str, Any] = {"vehicle": vehicle}
    for part in TASK_PARTS:
        given: Any = arguments.get(part.argument, part.default)
        if isinstance(given, str | Mapping):
            choice = choice_of(part.registry, given)
            given = part.make(choice.name, made, choice.options)
        made[part.argument] = given
    del made["vehicle"]
    return Task(**made, station_keeping_radius_km=float(radius)), vehicle


def check_arguments(arguments: Iterable[str], env_type: type | None = None) -> None:
    """Check that an environment takes each of these keyword arguments.

    Args:
        arguments: their names.
        env_type: the environment's class, whose own arguments are known besides those of a task.

    Raises:
        TypeError: there is no such argument; the message has the nearest and all that are known.
    """
    own = () if env_type is None else inspect.signature(env_type).parameters
    known = {*TaskArguments.__annotations__, *own} - {"task"}
    for name in arguments:
        if name not in known:
            raise TypeError(str(unknown_name("argument of an environment", name, known)))


def _check_type(argument: str, part: Any, is_right: bool, wanted: str) -> None:
    if isinstance(part, type):
        raise TypeError(f"{argument} is the class {part.__qualname__}: give an instance, {part.__qualname__}(...).")
    if not is_right:
        raise TypeError(
            f"{argument} is a {type(part).__qualname__}: give {wanted}, a name, or a dictionary with a name."
        )
