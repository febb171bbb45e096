"""Measurements of a flight beside the observation: the source of every environment's `info`."""

from typing import Any

import jax
import jax.numpy as jnp

from ble_sim.balloon.safety import AltitudeStatus, EnvelopeStatus
from ble_sim.conditions import Conditions
from ble_sim.constants import METERS_PER_KM
from ble_sim.scenario import Scenario
from ble_sim.state import BalloonStatus, SimState
from ble_sim.structs import struct


@struct
class Diagnostics:
    """Measurements of one balloon. Floats in the precision in force unless noted; batches have leading axes."""

    x: jax.Array
    """m east of the station"""
    y: jax.Array
    """m north of the station"""
    distance: jax.Array
    """m from the station"""
    inside_radius: jax.Array
    """bool, whether the balloon is within the station-keeping radius"""
    pressure: jax.Array
    """Pa, of the air around the balloon"""
    superpressure: jax.Array
    """Pa"""
    lowest_pressure: jax.Array
    """Pa, within reach under the present sun; the balloon's own where no pressure is safe"""
    highest_pressure: jax.Array
    """Pa, as `lowest_pressure`"""
    altitude: jax.Array
    """m"""
    latitude: jax.Array
    """deg"""
    longitude: jax.Array
    """deg"""
    battery: jax.Array
    """charge as a fraction of the capacity"""
    wind_u: jax.Array
    """m/s towards the east, at the balloon"""
    wind_v: jax.Array
    """m/s towards the north"""
    solar_power: jax.Array
    """W"""
    power_load: jax.Array
    """W, the compressor included"""
    acs_power: jax.Array
    """W, of the compressor"""
    paused_power: jax.Array
    """bool, whether the power layer restricts the agent"""
    paused_envelope: jax.Array
    """bool, whether the envelope layer does"""
    paused_altitude: jax.Array
    """bool, whether the altitude layer does"""
    effective_action: jax.Array
    """int32, the `Action` that the safety layers let take effect"""
    status: jax.Array
    """int32, a `BalloonStatus`"""
    elapsed: jax.Array
    """int32, s since the start of the episode"""

    def info(self) -> dict[str, Any]:
        """The measurements by name, and whether each kind of failure has ended the flight (bool)."""
        return vars(self) | {
            "out_of_power": self.status == BalloonStatus.OUT_OF_POWER,
            "envelope_burst": self.status == BalloonStatus.BURST,
            "zeropressure": self.status == BalloonStatus.ZEROPRESSURE,
        }


def diagnose(
    scenario: Scenario, state: SimState, conditions: Conditions, station_keeping_radius_km: float
) -> Diagnostics:
    """The diagnostics of one balloon. Pure and traceable by JAX."""
    balloon, safety = state.balloon, state.safety
    has_reach = conditions.lowest_pressure <= conditions.highest_pressure
    return Diagnostics(
        x=balloon.x,
        y=balloon.y,
        distance=balloon.distance,
        inside_radius=balloon.distance <= station_keeping_radius_km * METERS_PER_KM,
        pressure=balloon.pressure,
        superpressure=balloon.superpressure,
        lowest_pressure=jnp.where(has_reach, conditions.lowest_pressure, balloon.pressure),
        highest_pressure=jnp.where(has_reach, conditions.highest_pressure, balloon.pressure),
        altitude=conditions.altitude,
        latitude=conditions.latitude,
        longitude=conditions.longitude,
        battery=balloon.battery_charge / scenario.vehicle.battery_capacity,
        wind_u=state.wind[0],
        wind_v=state.wind[1],
        solar_power=balloon.solar_power,
        power_load=balloon.power_load,
        acs_power=balloon.acs_power,
        paused_power=safety.power_paused,
        paused_envelope=safety.envelope != EnvelopeStatus.NOMINAL,
        paused_altitude=safety.altitude != AltitudeStatus.NOMINAL,
        effective_action=balloon.effective_action,
        status=balloon.status,
        elapsed=jnp.asarray(state.elapsed, jnp.int32),
    )
