"""What moves during a flight. Fields are scalar arrays; a batch of balloons is the same struct with a leading axis."""

import enum

import jax
import jax.numpy as jnp

from ble_sim.balloon.safety import SafetyState
from ble_sim.structs import struct
from ble_sim.wind.forecast_error import WindGP


class BalloonStatus(enum.IntEnum):
    """How the flight stands; anything but OK ends it."""

    OK = 0
    OUT_OF_POWER = 1
    BURST = 2
    ZEROPRESSURE = 3


@struct
class Balloon:
    """The physical state of the balloon, in the precision in force unless noted."""

    x: jax.Array
    """m east of the station"""
    y: jax.Array
    """m north of the station"""
    pressure: jax.Array
    """Pa, of the air around it"""
    ambient_temperature: jax.Array
    """K, of the air at the pressure one stride earlier"""
    internal_temperature: jax.Array
    """K"""
    mols_air: jax.Array
    """mol, in the ballonet"""
    volume: jax.Array
    """m3"""
    superpressure: jax.Array
    """Pa"""
    acs_power: jax.Array
    """W, of the compressor"""
    acs_mass_flow: jax.Array
    """kg/s, into the ballonet"""
    solar_power: jax.Array
    """W"""
    power_load: jax.Array
    """W, the compressor included"""
    battery_charge: jax.Array
    """Wh"""
    status: jax.Array
    """int32, a `BalloonStatus`"""
    last_command: jax.Array
    """int32, the `Action` that the pilot requested last"""
    effective_action: jax.Array
    """int32, the `Action` that the safety layers let take effect"""

    @property
    def distance(self) -> jax.Array:
        """To the station, m."""
        return jnp.sqrt(self.x * self.x + self.y * self.y)


@struct
class SimState:
    """Everything that changes during an episode: saved, restored or branched, it continues the same flight."""

    balloon: Balloon
    safety: SafetyState
    elapsed: jax.Array
    """int32, seconds since the start of the episode"""
    wind: jax.Array
    """float[2], true wind at the balloon, (u, v) m/s: it carries the balloon through the next step"""
    gp: WindGP
    """What the balloon has learned about the forecast's errors"""
