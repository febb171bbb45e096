"""The three safety layers: their bands, their hysteresis and their order."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.balloon.altitude_control import Action
from ble_sim.balloon.safety import (
    AltitudeStatus,
    EnvelopeStatus,
    SafetyState,
    apply_safety_layers,
    initial_safety_state,
    navigation_paused,
)
from ble_sim.balloon.vehicle import Vehicle

NOON = 1_388_577_600
SUNRISE, SUNSET = NOON + 18 * 3600, NOON + 6 * 3600  # The next ones at noon; sunrise is meant with its margin.
FOOT = 0.3048
DOWN, STAY, UP = Action.DOWN, Action.STAY, Action.UP
LOW_CRITICAL, LOW, NOMINAL, HIGH, HIGH_CRITICAL = (
    EnvelopeStatus.LOW_CRITICAL,
    EnvelopeStatus.LOW,
    EnvelopeStatus.NOMINAL,
    EnvelopeStatus.HIGH,
    EnvelopeStatus.HIGH_CRITICAL,
)


def state(**changes) -> SafetyState:
    known = initial_safety_state(jnp.int32(SUNRISE - 1800), jnp.int32(SUNSET))
    return dataclasses.replace(known, **{name: jnp.asarray(value) for name, value in changes.items()})


def apply(before: SafetyState, action: Action, vehicle: Vehicle = Vehicle(), **measured):
    """The layers after one step, and what becomes of the action; by default nothing is wrong."""
    values = {"time": NOON, "battery_charge": 2000.0, "superpressure": 1000.0, "height": 17_000.0, **measured}
    after, effective = apply_safety_layers(
        vehicle,
        before,
        jnp.int32(action),
        time=jnp.int32(values.pop("time")),
        **{name: jnp.asarray(value) for name, value in values.items()},
    )
    return after, Action(int(effective))


@pytest.mark.parametrize("action", list(Action))
def test_nothing_happens_to_a_healthy_balloon(action):
    after, effective = apply(state(), action)
    assert effective == action
    assert not navigation_paused(after)


@pytest.mark.parametrize(
    ("superpressure", "before", "after"),
    [
        (149.9, NOMINAL, LOW_CRITICAL),
        (150.0, NOMINAL, LOW),
        (249.9, NOMINAL, LOW),
        (250.0, NOMINAL, NOMINAL),
        (250.0, LOW, LOW),
        (299.9, LOW_CRITICAL, LOW),
        (299.9, HIGH, NOMINAL),
        (300.0, LOW, NOMINAL),
        (2079.9, HIGH, NOMINAL),
        (2080.0, NOMINAL, NOMINAL),
        (2080.0, HIGH, HIGH),
        (2129.9, HIGH_CRITICAL, HIGH),
        (2129.9, LOW, NOMINAL),
        (2130.0, NOMINAL, HIGH),
        (2229.9, NOMINAL, HIGH),
        (2230.0, NOMINAL, HIGH_CRITICAL),
    ],
)
def test_envelope_bands(superpressure, before, after):
    found, effective = apply(state(envelope=before), DOWN, superpressure=superpressure)
    assert found.envelope == after
    assert effective == {NOMINAL: DOWN, LOW: STAY, HIGH: STAY}.get(after, UP)
    assert navigation_paused(found) == (after != NOMINAL)


def test_envelope_bands_follow_the_limit_that_the_layer_assumes():
    weak = Vehicle(safety_max_superpressure=1380.0)
    assert apply(state(), DOWN, weak, superpressure=1130.0)[0].envelope == HIGH
    assert apply(state(), DOWN, Vehicle(envelope_max_superpressure=1380.0), superpressure=1130.0)[1] == DOWN


@pytest.mark.parametrize(
    ("feet", "before", "after", "effective"),
    [
        (49_999, AltitudeStatus.NOMINAL, AltitudeStatus.VERY_LOW, UP),
        (50_001, AltitudeStatus.NOMINAL, AltitudeStatus.LOW, STAY),
        (50_499, AltitudeStatus.VERY_LOW, AltitudeStatus.LOW, STAY),
        (50_501, AltitudeStatus.NOMINAL, AltitudeStatus.NOMINAL, DOWN),
        (50_501, AltitudeStatus.LOW, AltitudeStatus.LOW, STAY),
        (50_999, AltitudeStatus.VERY_LOW, AltitudeStatus.LOW, STAY),
        (51_001, AltitudeStatus.LOW, AltitudeStatus.NOMINAL, DOWN),
    ],
)
def test_altitude_bands(feet, before, after, effective):
    found, action = apply(state(altitude=before), DOWN, height=feet * FOOT)
    assert found.altitude == after
    assert action == effective
    assert navigation_paused(found) == (after != AltitudeStatus.NOMINAL)


NIGHT = SUNSET + 2 * 3600
TO_SUNRISE = 183.7 * (SUNRISE - NIGHT) / 3600  # Wh
EMPTY_AT_SUNRISE = TO_SUNRISE + 0.025 * 3058.56


@pytest.mark.parametrize(
    ("time", "charge", "was_paused", "is_paused"),
    [
        (NOON, 10.0, False, False),
        (NOON, 0.049 * 3058.56, True, True),
        (NOON, 0.051 * 3058.56, True, False),
        (NIGHT, EMPTY_AT_SUNRISE + 1.0, False, False),
        (NIGHT, EMPTY_AT_SUNRISE - 1.0, False, True),
        (NIGHT, 3000.0, True, True),
    ],
)
def test_power_layer(time, charge, was_paused, is_paused):
    after, effective = apply(state(power_paused=was_paused), DOWN, time=time, battery_charge=charge)
    assert after.power_paused == is_paused
    assert navigation_paused(after) == is_paused
    assert effective == (STAY if is_paused else DOWN)


def test_power_layer_leaves_up_and_stay_alone():
    for action in (STAY, UP):
        assert apply(state(power_paused=True), action, time=NIGHT)[1] == action


@pytest.mark.parametrize(
    ("time", "sunrise", "sunset"),
    [
        (SUNSET, SUNRISE, SUNSET),
        (SUNSET + 1, SUNRISE, SUNSET + 86400),
        (SUNRISE + 1, SUNRISE + 86400, SUNSET + 86400),
        (SUNSET + 3 * 86400 + 1, SUNRISE + 3 * 86400, SUNSET + 4 * 86400),
    ],
)
def test_sunrise_and_sunset_move_on_by_whole_days_once_they_have_passed(time, sunrise, sunset):
    after, _ = apply(state(), STAY, time=time)
    assert (after.sunrise, after.sunset) == (sunrise, sunset)


def test_the_power_layer_can_be_turned_off_alone():
    off = Vehicle(power_safety_enabled=False)
    after, effective = apply(state(), DOWN, off, time=NIGHT, battery_charge=1.0)
    assert effective == DOWN
    assert not after.power_paused and after.sunset == SUNSET
    assert apply(state(), DOWN, off, superpressure=200.0)[1] == STAY


def test_a_later_layer_overrules_an_earlier_one():
    assert apply(state(), DOWN, superpressure=200.0, height=15_000.0)[1] == UP
    assert apply(state(power_paused=True), DOWN, time=NIGHT, superpressure=100.0)[1] == UP


def test_the_first_state_is_nominal_and_waits_for_the_sun_to_reach_the_panels():
    first = initial_safety_state(jnp.int32(SUNRISE), jnp.int32(SUNSET))
    assert not navigation_paused(first)
    assert first.sunrise == SUNRISE + 1800 and first.sunset == SUNSET
    np.testing.assert_array_equal([first.envelope, first.altitude, first.power_paused], 0)
