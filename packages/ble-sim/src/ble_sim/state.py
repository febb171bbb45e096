"""The state of an episode: all that changes from step to step.

Fields are scalar arrays unless noted; a batch of balloons is the same struct with a leading axis.
"""

import enum

import jax
import jax.numpy as jnp

from ble_sim.balloon.safety import SafetyState
from ble_sim.structs import struct
from ble_sim.wind.forecast_error import WindGP


class BalloonStatus(enum.IntEnum):
    """Status of a balloon. Any but OK is a failure, which ends the episode."""

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
    """Pa, of the air around the balloon"""
    ambient_temperature: jax.Array
    """K, of the air at the pressure one stride earlier"""
    internal_temperature: jax.Array
    """K, of the film and the gas"""
    mols_air: jax.Array
    """mol, in the ballonet"""
    volume: jax.Array
    """m3"""
    superpressure: jax.Array
    """Pa"""
    acs_power: jax.Array
    """W, consumed by the compressor"""
    acs_mass_flow: jax.Array
    """kg/s, into the ballonet"""
    solar_power: jax.Array
    """W, from the panels"""
    power_load: jax.Array
    """W, the compressor included"""
    battery_charge: jax.Array
    """Wh"""
    status: jax.Array
    """int32, a `BalloonStatus`"""
    last_command: jax.Array
    """int32, the `Action` that the agent requested last"""
    effective_action: jax.Array
    """int32, the `Action` that the safety layers let take effect"""

    @property
    def distance(self) -> jax.Array:
        """Distance from the station [m]."""
        return jnp.sqrt(self.x * self.x + self.y * self.y)


@struct
class SimState:
    """All that changes during an episode. With its `Scenario` it is enough to continue from."""

    balloon: Balloon
    safety: SafetyState
    elapsed: jax.Array
    """int32, seconds since the start of the episode"""
    wind: jax.Array
    """float[2], wind at the balloon, (u, v) in m/s; the next step holds it"""
    gp: WindGP
    """Measured errors of the forecast"""
