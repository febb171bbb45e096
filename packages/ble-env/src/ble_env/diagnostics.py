"""What is worth telling about a flight beside the observation: the source of `info`."""

import datetime
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.scenario import Scenario
from ble_sim.sky.atmosphere import height_at_pressure
from ble_sim.sky.geodesy import position
from ble_sim.state import BalloonStatus, SimState

_FLAGS = ("inside_radius", "paused_power", "paused_envelope", "paused_altitude")
_FAILURES = {
    "out_of_power": BalloonStatus.OUT_OF_POWER,
    "envelope_burst": BalloonStatus.BURST,
    "zeropressure": BalloonStatus.ZEROPRESSURE,
}


class Diagnostics(NamedTuple):
    """Measurements of one balloon, all numbers, so that they leave the device as one array."""

    x: Any
    """m east of the station"""
    y: Any
    """m north of the station"""
    distance: Any
    """m from the station"""
    inside_radius: Any
    """whether the balloon keeps the station"""
    pressure: Any
    """Pa, of the air around the balloon"""
    superpressure: Any
    """Pa"""
    altitude: Any
    """m"""
    latitude: Any
    """deg"""
    longitude: Any
    """deg"""
    battery: Any
    """charge as a fraction of the capacity"""
    wind_u: Any
    """m/s towards the east, at the balloon"""
    wind_v: Any
    """m/s towards the north"""
    solar_power: Any
    """W"""
    power_load: Any
    """W, the compressor included"""
    acs_power: Any
    """W, of the compressor"""
    paused_power: Any
    """whether the power layer restricts the pilot"""
    paused_envelope: Any
    paused_altitude: Any
    effective_action: Any
    """what the safety layers made of the last action"""
    status: Any
    """a `BalloonStatus`"""
    elapsed: Any
    """s since the start of the episode"""


def measure(scenario: Scenario, state: SimState, station_keeping_radius_km: float) -> jax.Array:
    """Measure one balloon: the fields of `Diagnostics` as one array of the precision in force."""
    balloon, safety = state.balloon, state.safety
    latitude, longitude = position(scenario.latitude, scenario.longitude, balloon.x, balloon.y)
    telemetry = Diagnostics(
        x=balloon.x,
        y=balloon.y,
        distance=balloon.distance,
        inside_radius=balloon.distance <= station_keeping_radius_km * 1000.0,
        pressure=balloon.pressure,
        superpressure=balloon.superpressure,
        altitude=height_at_pressure(scenario.atmosphere, balloon.pressure),
        latitude=latitude,
        longitude=longitude,
        battery=balloon.battery_charge / scenario.vehicle.battery_capacity,
        wind_u=state.wind[0],
        wind_v=state.wind[1],
        solar_power=balloon.solar_power,
        power_load=balloon.power_load,
        acs_power=balloon.acs_power,
        paused_power=safety.power_paused,
        paused_envelope=safety.envelope != 0,
        paused_altitude=safety.altitude != 0,
        effective_action=balloon.effective_action,
        status=balloon.status,
        elapsed=state.elapsed,
    )
    return jnp.stack([value.astype(balloon.x.dtype) for value in telemetry])


def to_info(telemetry: np.ndarray, start_time: int) -> dict[str, Any]:
    """The `info` of a step: the reference's keys (failures, time_elapsed) and the rest of `Diagnostics`.

    Args:
        telemetry: what `measure` returned for one balloon.
        start_time: of the episode, seconds since 1970 UTC.
    """
    info = _named(Diagnostics._make(telemetry.tolist()))
    elapsed = datetime.timedelta(seconds=info.pop("elapsed"))
    info["wind"] = telemetry[_WIND]
    info["effective_action"] = int(info["effective_action"])
    info["time_elapsed"] = elapsed
    info["date_time"] = datetime.datetime.fromtimestamp(start_time, datetime.UTC) + elapsed
    return info


def to_infos(telemetry: np.ndarray, start_time: np.ndarray, is_told: np.ndarray) -> dict[str, np.ndarray]:
    """The `info` of many environments in Gymnasium's batched form.

    The keys are those of `to_info`, each with an array that has a row for each environment, and `_key` beside `key`
    for which rows are told. Times are `timedelta64[s]` and `datetime64[s]` (UTC) instead of Python's.

    Args:
        telemetry: what `measure` returned, [num_envs, fields].
        start_time: int[num_envs], of the episodes, seconds since 1970 UTC.
        is_told: bool[num_envs]; the rows of other environments are zeros.
    """
    telemetry = np.where(is_told[:, None], telemetry, 0)
    infos = _named(Diagnostics._make(np.array(telemetry.T, np.float64, order="C")))
    elapsed = infos.pop("elapsed").astype("timedelta64[s]")
    infos["wind"] = np.array(telemetry[:, _WIND])
    infos["effective_action"] = infos["effective_action"].astype(int)
    infos["time_elapsed"] = elapsed
    infos["date_time"] = np.where(is_told, start_time, 0).astype("datetime64[s]") + elapsed
    return infos | {f"_{key}": is_told.copy() for key in infos}


_WIND = slice(Diagnostics._fields.index("wind_u"), Diagnostics._fields.index("wind_v") + 1)


def _named(telemetry: Diagnostics) -> dict[str, Any]:
    """What is the same for one balloon's numbers as for arrays of many's."""
    info = telemetry._asdict()
    del info["wind_u"], info["wind_v"]
    status = info.pop("status")
    info |= {flag: info[flag] != 0 for flag in _FLAGS}
    return info | {failure: status == value for failure, value in _FAILURES.items()}
