"""The layout of the 1099-feature observation, and its inverse: features by name, in physical units.

An observation is 16 features of the balloon (`Feature`), and a column of 361 pressure levels with three features of the
wind predicted at each: uncertainty, bearing, magnitude. The column is relative to the balloon. The level nearest to it
has the index `CENTER_LEVEL`, lower indices are lower pressures (higher altitudes), 50 Pa apart. The features of a level
out of reach are exactly `UNREACHABLE`.

Nothing here imports jax: everything works on numpy and on jax arrays, batched or not, traced or not.
"""

import enum
import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A numpy or jax array, or a scalar of one."""

NUM_LEVELS = 181
"""Pressure levels from `MIN_PRESSURE` to `MAX_PRESSURE`, both included."""
NUM_RELATIVE_LEVELS = 2 * NUM_LEVELS - 1
"""Levels of the observation's column, in which the balloon's own is in the middle."""
CENTER_LEVEL = NUM_LEVELS - 1
"""Index of the balloon's own level in the column."""
MIN_PRESSURE = 5000.0  # Pa
MAX_PRESSURE = 14000.0  # Pa

MIN_POWER_TO_USE = 100.0  # W
MAX_POWER_TO_USE = 300.0  # W
DISTANCE_SCALE = 250.0  # km; a distance d is encoded as d / (d + DISTANCE_SCALE)
WIND_SPEED_SCALE = 30.0  # m/s; likewise

UNREACHABLE = (0.0, 1.0, 1.0)
"""(uncertainty, bearing, magnitude) of a level out of reach: the worst wind, without uncertainty."""


class Feature(enum.IntEnum):
    """Index of each feature of the balloon."""

    PRESSURE = 0
    BATTERY = 1
    SOLAR_ELEVATION = 2
    SIN_SOLAR_CYCLE = 3
    COS_SOLAR_CYCLE = 4
    SIN_HEADING = 5
    COS_HEADING = 6
    DISTANCE = 7
    LAST_COMMAND_UP = 8
    LAST_COMMAND_STAY = 9
    LAST_COMMAND_DOWN = 10
    NAVIGATION_PAUSED = 11
    NAVIGATION_ENABLED = 12
    EXCESS_ENERGY = 13
    POWER_TO_USE = 14
    PRESSURE_RATIO = 15


FIRST_WIND_FEATURE = len(Feature)
"""Index of the first number of the column in an observation; those before it are of the balloon."""
NUM_FEATURES = FIRST_WIND_FEATURE + 3 * NUM_RELATIVE_LEVELS


class NamedFeatures(NamedTuple):
    """An observation by name: scalars, and [361] over the column, each with the observation's batch axes.

    Pressure, solar elevation and power to use saturate at the ends of their encoded ranges.
    """

    pressure: Array
    """Ambient pressure at the balloon, Pa, in [5000, 14000]."""
    battery: Array
    """Charge as a fraction of the capacity."""
    solar_elevation: Array
    """Degrees, in [-90, 90]."""
    sin_solar_cycle: Array
    """Of the solar cycle angle: 0 at sunrise, pi at sunset."""
    cos_solar_cycle: Array
    sin_heading: Array
    """Of the direction to the station, clockwise from north."""
    cos_heading: Array
    distance: Array
    """To the station, km."""
    last_command: Array
    """As requested: 0 DOWN, 1 STAY, 2 UP."""
    navigation_paused: Array
    """Whether a safety layer overrides the agent."""
    excess_energy: Array
    """Whether the sun delivers more than the balloon can store or use."""
    power_to_use: Array
    """What the altitude control system would draw to descend, W, in [100, 300]."""
    pressure_ratio: Array
    """(pressure + superpressure) / pressure."""
    uncertainty: Array
    """Of the wind at each level: 0 as certain as a measurement, 1 the bare forecast."""
    bearing: Array
    """Angle between the wind at each level and the direction to the station, rad, in [0, pi]."""
    wind_speed: Array
    """At each level, m/s; infinite where not reachable."""
    reachable: Array
    """Whether the balloon can float at each level."""


def named_features(obs: Array) -> NamedFeatures:
    """The features of an observation by name, in physical units.

    Args:
        obs: observation float[..., 1099], a numpy or jax array; the result has its type and precision.

    Raises:
        ValueError: the last axis of `obs` is not 1099 long.
    """
    if obs.ndim == 0 or obs.shape[-1] != NUM_FEATURES:
        raise ValueError(f"An observation has shape (..., {NUM_FEATURES}), this one has {obs.shape}.")
    xp = obs.__array_namespace__() if hasattr(obs, "__array_namespace__") else np  # numpy 1 has none
    column = wind_column(obs)
    uncertainty, bearing, magnitude = column[..., 0], column[..., 1], column[..., 2]
    up_stay_down = obs[..., Feature.LAST_COMMAND_UP : Feature.LAST_COMMAND_DOWN + 1]
    power_to_use = obs[..., Feature.POWER_TO_USE]
    return NamedFeatures(
        pressure=MIN_PRESSURE + (MAX_PRESSURE - MIN_PRESSURE) * obs[..., Feature.PRESSURE],
        battery=obs[..., Feature.BATTERY],
        solar_elevation=180.0 * obs[..., Feature.SOLAR_ELEVATION] - 90.0,
        sin_solar_cycle=obs[..., Feature.SIN_SOLAR_CYCLE],
        cos_solar_cycle=obs[..., Feature.COS_SOLAR_CYCLE],
        sin_heading=obs[..., Feature.SIN_HEADING],
        cos_heading=obs[..., Feature.COS_HEADING],
        distance=_unsquash(xp, obs[..., Feature.DISTANCE], DISTANCE_SCALE),
        last_command=2 - xp.argmax(up_stay_down, axis=-1),
        navigation_paused=obs[..., Feature.NAVIGATION_PAUSED] > 0.5,
        excess_energy=obs[..., Feature.EXCESS_ENERGY] > 0.5,
        power_to_use=MIN_POWER_TO_USE + (MAX_POWER_TO_USE - MIN_POWER_TO_USE) * power_to_use,
        pressure_ratio=obs[..., Feature.PRESSURE_RATIO],
        uncertainty=uncertainty,
        bearing=math.pi * bearing,
        wind_speed=_unsquash(xp, magnitude, WIND_SPEED_SCALE),
        reachable=is_reachable(column),
    )


def wind_column(obs: Array) -> Array:
    """(uncertainty, bearing, magnitude) of every level, as encoded: [..., 361, 3] of an observation [..., 1099]."""
    return obs[..., FIRST_WIND_FEATURE:].reshape(*obs.shape[:-1], NUM_RELATIVE_LEVELS, 3)


def is_reachable(column: Array) -> Array:
    """Whether the balloon can float at levels of a `wind_column`: bool[..., levels]."""
    unreachable = np.asarray(UNREACHABLE, column.dtype).reshape((1,) * (column.ndim - 1) + (3,))
    return (column != unreachable).any(axis=-1)


def _unsquash(xp: Any, fraction: Array, scale: float) -> Array:
    """The x of fraction = x / (x + scale); infinity for a fraction of 1, without dividing by zero."""
    finite = fraction < 1.0
    return xp.where(finite, scale * fraction / xp.where(finite, 1.0 - fraction, 1.0), math.inf)
