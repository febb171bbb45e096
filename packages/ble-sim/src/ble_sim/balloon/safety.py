"""Three safety layers that restrict the agent's action: for the battery, the envelope, and the minimum altitude.

They act once an agent step, in the order power, envelope, altitude. Each updates its status from measurements and its
own previous status (hysteresis), and restricts the action: "no descent" turns DOWN into STAY, "must ascend" turns any
action into UP. The power layer is optional.
"""

import enum

import jax
import jax.numpy as jnp

from ble_sim.balloon.altitude_control import Action
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import METERS_PER_FOOT, SECONDS_PER_DAY, SECONDS_PER_HOUR
from ble_sim.structs import struct


class EnvelopeStatus(enum.IntEnum):
    """Band of the superpressure, with hysteresis."""

    NOMINAL = 0
    LOW_CRITICAL = 1
    LOW = 2
    HIGH = 3
    HIGH_CRITICAL = 4


class AltitudeStatus(enum.IntEnum):
    """Band of the altitude, with hysteresis."""

    NOMINAL = 0
    LOW = 1
    VERY_LOW = 2


SUPERPRESSURE_BUFFER = 250.0
"""Distance from zero and from the assumed burst limit at which descents stop [Pa]."""
_SUPERPRESSURE_CRITICAL_BUFFER = 150.0
_SUPERPRESSURE_HYSTERESIS = 50.0

MIN_ALTITUDE = 50_000.0 * METERS_PER_FOOT
"""Legal minimum altitude [m]."""
_ALTITUDE_BUFFER = 500.0 * METERS_PER_FOOT
_ALTITUDE_HYSTERESIS = 500.0 * METERS_PER_FOOT

SUNRISE_MARGIN = SECONDS_PER_HOUR // 2
"""Time after sunrise until the panels charge the battery [s]."""
_CHARGE_MIN = 0.025
_CHARGE_RESUME = 0.05


@struct
class SafetyState:
    """Status of the three layers. Scalars."""

    power_paused: jax.Array
    """bool, whether the power layer restricts the agent"""
    sunrise: jax.Array
    """int32, next sunrise plus `SUNRISE_MARGIN`, seconds since 1970; updated only while the power layer is enabled"""
    sunset: jax.Array
    """int32, next sunset, seconds since 1970; updated likewise"""
    envelope: jax.Array
    """int32, an `EnvelopeStatus`"""
    altitude: jax.Array
    """int32, an `AltitudeStatus`"""


def initial_safety_state(sunrise: jax.Array, sunset: jax.Array) -> SafetyState:
    """The status at the start, all nominal, from the next sunrise (without margin) and sunset (int32, s since 1970)."""
    return SafetyState(
        power_paused=jnp.asarray(False),
        sunrise=sunrise + SUNRISE_MARGIN,
        sunset=sunset,
        envelope=jnp.int32(EnvelopeStatus.NOMINAL),
        altitude=jnp.int32(AltitudeStatus.NOMINAL),
    )


def navigation_paused(state: SafetyState) -> jax.Array:
    """Whether any layer restricts the agent (bool)."""
    return state.power_paused | (state.envelope != EnvelopeStatus.NOMINAL) | (state.altitude != AltitudeStatus.NOMINAL)


def apply_safety_layers(
    vehicle: Vehicle,
    state: SafetyState,
    action: jax.Array,
    *,
    time: jax.Array,
    battery_charge: jax.Array,
    superpressure: jax.Array,
    height: jax.Array,
) -> tuple[SafetyState, jax.Array]:
    """The layers' new status and the action that takes effect (int32). Scalars.

    Args:
        action: int32, the agent's `Action`.
        time: int32, seconds since 1970.
        battery_charge: Wh.
        superpressure: Pa.
        height: m.
    """
    guarded, guarded_action = _power_layer(vehicle, state, action, time, battery_charge)
    is_on = jnp.asarray(vehicle.power_safety_enabled)
    state = jax.tree.map(lambda new, old: jnp.where(is_on, new, old), guarded, state)
    action = jnp.where(is_on, guarded_action, action)

    envelope = _envelope_status(state.envelope, superpressure, vehicle.safety_max_superpressure)
    is_critical = (envelope == EnvelopeStatus.LOW_CRITICAL) | (envelope == EnvelopeStatus.HIGH_CRITICAL)
    action = _restrict(action, no_descent=envelope != EnvelopeStatus.NOMINAL, must_ascend=is_critical)

    altitude = _altitude_status(state.altitude, height)
    must_ascend = altitude == AltitudeStatus.VERY_LOW
    action = _restrict(action, no_descent=altitude != AltitudeStatus.NOMINAL, must_ascend=must_ascend)
    return SafetyState(state.power_paused, state.sunrise, state.sunset, envelope, altitude), action


def _power_layer(
    vehicle: Vehicle, state: SafetyState, action: jax.Array, time: jax.Array, battery_charge: jax.Array
) -> tuple[SafetyState, jax.Array]:
    sunrise, sunset = _move_on(state.sunrise, time), _move_on(state.sunset, time)
    charge = battery_charge / vehicle.battery_capacity

    night_hours = (sunrise - time).astype(battery_charge.dtype) / SECONDS_PER_HOUR
    charge_at_sunrise = (battery_charge - vehicle.night_power_load * night_hours) / vehicle.battery_capacity
    is_day = sunset < sunrise
    paused = jnp.where(
        is_day,
        state.power_paused & (charge < _CHARGE_RESUME),
        state.power_paused | (charge_at_sunrise < _CHARGE_MIN),
    )
    action = _restrict(action, no_descent=paused, must_ascend=jnp.asarray(False))
    return SafetyState(paused, sunrise, sunset, state.envelope, state.altitude), action


def _move_on(event: jax.Array, time: jax.Array) -> jax.Array:
    """Move an event that has passed on by whole days, to `time` or later."""
    days = jnp.maximum(-((event - time) // SECONDS_PER_DAY), 0)
    return event + SECONDS_PER_DAY * days


def _envelope_status(status: jax.Array, superpressure: jax.Array, limit: jax.Array | float) -> jax.Array:
    was_low = (status == EnvelopeStatus.LOW) | (status == EnvelopeStatus.LOW_CRITICAL)
    was_high = (status == EnvelopeStatus.HIGH) | (status == EnvelopeStatus.HIGH_CRITICAL)
    low, high = SUPERPRESSURE_BUFFER, limit - SUPERPRESSURE_BUFFER
    # From the top down, the last band that holds wins.
    new = jnp.full_like(status, EnvelopeStatus.HIGH_CRITICAL)
    for upper_bound, inside in (
        (limit - _SUPERPRESSURE_CRITICAL_BUFFER, EnvelopeStatus.HIGH),
        (high, jnp.where(was_high, EnvelopeStatus.HIGH, EnvelopeStatus.NOMINAL)),
        (high - _SUPERPRESSURE_HYSTERESIS, EnvelopeStatus.NOMINAL),
        (low + _SUPERPRESSURE_HYSTERESIS, jnp.where(was_low, EnvelopeStatus.LOW, EnvelopeStatus.NOMINAL)),
        (low, EnvelopeStatus.LOW),
        (_SUPERPRESSURE_CRITICAL_BUFFER, EnvelopeStatus.LOW_CRITICAL),
    ):
        new = jnp.where(superpressure < upper_bound, inside, new)
    return new.astype(status.dtype)


def _altitude_status(status: jax.Array, height: jax.Array) -> jax.Array:
    was_low = status != AltitudeStatus.NOMINAL
    new = jnp.full_like(status, AltitudeStatus.NOMINAL)
    for upper_bound, inside in (
        (MIN_ALTITUDE + _ALTITUDE_BUFFER + _ALTITUDE_HYSTERESIS, jnp.where(was_low, AltitudeStatus.LOW, new)),
        (MIN_ALTITUDE + _ALTITUDE_BUFFER, AltitudeStatus.LOW),
        (MIN_ALTITUDE, AltitudeStatus.VERY_LOW),
    ):
        new = jnp.where(height < upper_bound, inside, new)
    return new.astype(status.dtype)


def _restrict(action: jax.Array, *, no_descent: jax.Array, must_ascend: jax.Array) -> jax.Array:
    held = jnp.where(no_descent & (action == Action.DOWN), Action.STAY, action)
    return jnp.where(must_ascend, Action.UP, held).astype(action.dtype)
