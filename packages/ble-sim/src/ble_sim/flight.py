"""The flight itself: one stride of the physics, one step of the pilot, and the start."""

import dataclasses

import jax
import jax.numpy as jnp

from ble_sim.balloon.altitude_control import ascend, descend
from ble_sim.balloon.envelope import pressure_ratio, system_mass, volume_and_superpressure
from ble_sim.balloon.equilibrium import floating_balloon
from ble_sim.balloon.power import charged_battery, power_flow
from ble_sim.balloon.safety import Action, SafetyState, apply_safety_layers, initial_safety_state
from ble_sim.balloon.thermal import heat_exchange, temperature_rate
from ble_sim.constants import (
    AIR_GAS_CONSTANT,
    AIR_MOLAR_MASS,
    GRAVITY,
    STRIDE_SECONDS,
    STRIDES_PER_STEP,
)
from ble_sim.scenario import Scenario
from ble_sim.sky.atmosphere import height_at_pressure, pressure_per_height, temperature_at_pressure
from ble_sim.sky.geodesy import position
from ble_sim.sky.sun import attenuation, next_sunrise_sunset, sun
from ble_sim.state import Balloon, BalloonStatus, SimState
from ble_sim.structs import struct
from ble_sim.wind.field import WindField, true_wind
from ble_sim.wind.forecast_error import WindGP, empty_wind_gp, observe


@struct
class Sun:
    """The sun at a balloon. Scalars, or one element per stride."""

    elevation: jax.Array
    """deg"""
    flux: jax.Array
    """W/m2, above the atmosphere"""


def initial_state(wind_field: WindField, scenario: Scenario) -> SimState:
    """The state at the start of an episode: a balloon in equilibrium that has measured the wind once."""
    balloon = floating_start(scenario, scenario.start_x, scenario.start_y, scenario.start_pressure)
    latitude, longitude = position(scenario.latitude, scenario.longitude, balloon.x, balloon.y)
    safety = initial_safety_state(*next_sunrise_sunset(latitude, longitude, scenario.start_time))
    return _measure_wind(wind_field, scenario, balloon, safety, jnp.int32(0), empty_wind_gp())


def step(wind_field: WindField, scenario: Scenario, state: SimState, action: jax.Array) -> SimState:
    """Fly one agent step (180 s) and measure the wind.

    Pure, of fixed shape, and traceable by JAX: `jax.jit` with `wind_field` static, `jax.vmap` over the rest. A balloon
    whose flight has ended stays as it is.

    Args:
        action: int32 scalar, an `Action`.
    """
    balloon, safety, elapsed, _ = fly(scenario, state.balloon, state.safety, state.elapsed, state.wind, action)
    return _measure_wind(wind_field, scenario, balloon, safety, elapsed, state.gp)


def fly(
    scenario: Scenario,
    balloon: Balloon,
    safety: SafetyState,
    elapsed: jax.Array,
    wind: jax.Array,
    action: jax.Array,
) -> tuple[Balloon, SafetyState, jax.Array, jax.Array]:
    """The physics of one agent step in a wind (float[2], m/s) that is held for its 18 strides.

    Returns:
        The new balloon, safety layers and elapsed time (int32, s), and the number of strides flown: they stop at the
        first status other than OK.
    """
    action = jnp.asarray(action, jnp.int32)
    is_flying = balloon.status == BalloonStatus.OK
    guarded, effective_action = apply_safety_layers(
        scenario.vehicle,
        safety,
        action,
        time=scenario.start_time + elapsed,
        battery_charge=balloon.battery_charge,
        superpressure=balloon.superpressure,
        height=height_at_pressure(scenario.atmosphere, balloon.pressure),
    )
    safety = jax.tree.map(lambda new, old: jnp.where(is_flying, new, old), guarded, safety)
    balloon = dataclasses.replace(
        balloon,
        last_command=jnp.where(is_flying, action, balloon.last_command),
        effective_action=jnp.where(is_flying, effective_action, balloon.effective_action),
    )

    # With the wind held, the whole step's path is known, and with it the sun over every stride.
    strides = jnp.arange(STRIDES_PER_STEP, dtype=jnp.int32)
    seconds = (STRIDE_SECONDS * strides).astype(balloon.x.dtype)
    x, y = balloon.x + wind[0] * seconds, balloon.y + wind[1] * seconds
    suns = sun_at(scenario, x, y, elapsed + STRIDE_SECONDS * strides)

    def fly_stride(carry, sun_now):
        balloon, flown = carry
        is_flying = balloon.status == BalloonStatus.OK
        moved = stride(scenario, balloon, sun_now, wind)
        balloon = jax.tree.map(lambda new, old: jnp.where(is_flying, new, old), moved, balloon)
        return (balloon, flown + is_flying.astype(flown.dtype)), None

    (balloon, flown), _ = jax.lax.scan(fly_stride, (balloon, jnp.int32(0)), suns)
    return balloon, safety, elapsed + STRIDE_SECONDS * flown, flown


def stride(scenario: Scenario, balloon: Balloon, sun_now: Sun, wind: jax.Array) -> Balloon:
    """One explicit Euler stride of 10 s: every rate is that of the old state."""
    vehicle, atmosphere = scenario.vehicle, scenario.atmosphere
    dt = float(STRIDE_SECONDS)

    # Vertical: buoyancy against drag. Air density comes from the stored temperature, which lags by a stride.
    air_density = balloon.pressure / (AIR_GAS_CONSTANT * balloon.ambient_temperature)
    lift = air_density * balloon.volume - system_mass(vehicle, balloon.mols_air)
    drag = vehicle.drag_coefficient * jnp.cbrt(balloon.volume) ** 2
    direction = jnp.where(lift >= 0.0, 1.0, -1.0).astype(lift.dtype)
    ascent_rate = direction * jnp.sqrt(2.0 * jnp.abs(lift) * GRAVITY / (air_density * drag))
    pressure = balloon.pressure + pressure_per_height(atmosphere, balloon.pressure, direction) * ascent_rate * dt

    ambient_temperature = temperature_at_pressure(atmosphere, balloon.pressure)
    exchange = heat_exchange(
        balloon.volume,
        vehicle.envelope_mass,
        balloon.ambient_temperature,
        balloon.pressure,
        sun_now.flux * attenuation(sun_now.elevation, balloon.pressure),
        scenario.upwelling_infrared,
    )
    internal_temperature = balloon.internal_temperature + temperature_rate(exchange, balloon.internal_temperature) * dt

    volume, superpressure = volume_and_superpressure(
        vehicle, balloon.mols_air, balloon.internal_temperature, balloon.pressure
    )

    is_descending, is_ascending = balloon.effective_action == Action.DOWN, balloon.effective_action == Action.UP
    pump_power, pump_flow = descend(pressure_ratio(balloon.pressure, balloon.superpressure))
    vent_flow = ascend(vehicle, balloon.superpressure, balloon.pressure, balloon.internal_temperature)
    acs_power = jnp.where(is_descending, pump_power, 0.0)
    acs_mass_flow = jnp.where(is_descending, pump_flow, jnp.where(is_ascending, vent_flow, 0.0))
    mols_air = jnp.maximum(balloon.mols_air + acs_mass_flow / AIR_MOLAR_MASS * dt, 0.0)

    charging, load = power_flow(vehicle, sun_now.elevation, balloon.pressure, acs_power)
    charge = charged_battery(vehicle, balloon.battery_charge, charging - load, dt)

    status = jnp.full_like(balloon.status, BalloonStatus.OK)
    status = jnp.where(superpressure > vehicle.envelope_max_superpressure, BalloonStatus.BURST, status)
    status = jnp.where(superpressure <= 0.0, BalloonStatus.ZEROPRESSURE, status)
    status = jnp.where(charge <= 0.0, BalloonStatus.OUT_OF_POWER, status)

    return Balloon(
        x=balloon.x + wind[0] * dt,
        y=balloon.y + wind[1] * dt,
        pressure=pressure,
        ambient_temperature=ambient_temperature,
        internal_temperature=internal_temperature,
        mols_air=mols_air,
        volume=volume,
        superpressure=superpressure,
        acs_power=acs_power,
        acs_mass_flow=acs_mass_flow,
        solar_power=charging,
        power_load=load,
        battery_charge=charge,
        status=status.astype(balloon.status.dtype),
        last_command=balloon.last_command,
        effective_action=balloon.effective_action,
    )


def floating_start(scenario: Scenario, x: jax.Array, y: jax.Array, pressure: jax.Array) -> Balloon:
    """A balloon in equilibrium at the start of the episode, at a point (scalars: m, m, Pa)."""
    ambient_temperature = temperature_at_pressure(scenario.atmosphere, pressure)
    overhead = sun_at(scenario, x, y, jnp.int32(0))
    sunlight = overhead.flux * attenuation(overhead.elevation, pressure)
    floating = floating_balloon(scenario.vehicle, pressure, ambient_temperature, sunlight, scenario.upwelling_infrared)
    zero = jnp.zeros_like(pressure)
    stay = jnp.int32(Action.STAY)
    return Balloon(
        x=x,
        y=y,
        pressure=pressure,
        ambient_temperature=ambient_temperature,
        internal_temperature=floating.internal_temperature,
        mols_air=floating.mols_air,
        volume=floating.volume,
        superpressure=floating.superpressure,
        acs_power=zero,
        acs_mass_flow=zero,
        solar_power=zero,
        power_load=zero,
        battery_charge=zero + scenario.vehicle.battery_initial_charge,
        status=jnp.int32(BalloonStatus.OK),
        last_command=stay,
        effective_action=stay,
    )


def sun_at(scenario: Scenario, x: jax.Array, y: jax.Array, elapsed: jax.Array) -> Sun:
    """The sun over points given in m from the station, at elapsed times (int32, s) of the same shape."""
    latitude, longitude = position(scenario.latitude, scenario.longitude, x, y)
    return Sun(*sun(latitude, longitude, scenario.start_time + elapsed))


def _measure_wind(
    wind_field: WindField, scenario: Scenario, balloon: Balloon, safety: SafetyState, elapsed: jax.Array, gp: WindGP
) -> SimState:
    x, y, pressure = balloon.x, balloon.y, balloon.pressure
    forecast, error = true_wind(wind_field, scenario.forecast, scenario.noise, x, y, pressure, elapsed)
    error = jnp.stack(error)
    return SimState(
        balloon=balloon,
        safety=safety,
        elapsed=elapsed,
        wind=jnp.stack(forecast) + error,
        gp=observe(gp, x, y, pressure, elapsed, error),
    )
