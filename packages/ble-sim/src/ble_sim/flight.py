"""Start and steps of a flight.

    initial_state   the state at the start of an episode
    step            one agent step of 180 s: `step_in_wind`, then a measurement of the wind
    step_in_wind    the physics of an agent step: safety layers, then up to 18 strides in a held wind
    stride          10 s of physics, one explicit Euler step

All are pure functions of one balloon, of fixed shapes and traceable by JAX: `jax.jit` with `wind_field` static,
`jax.vmap` over the rest.

The end of a flight. A stride that leaves a status other than OK is a balloon's last: from then on its fields, its
safety layers and the elapsed time stay fixed. `step` still measures the wind there, so each further step adds the same
measurement to the Gaussian process once more and drops its oldest.

Differentiability. A step is differentiable almost everywhere, in forward and reverse mode, in the balloon's continuous
fields, the wind, the forecast and the vehicle's numbers; tests/ble_sim/test_gradients.py compares with finite
differences. Derivatives see no jumps and no discrete choices, and there are kinks:

- Integers have no derivative: action, status, safety layers, time, sunrise and sunset.
- Jumps: the horizon and the shadow of the envelope in the panels' power, bands of the safety layers, failures.
- Kinks: a slack or full envelope, an empty or full battery, an empty ballonet, knots of tables and of the wind's grid,
  layers of the atmosphere, the bands of refraction.
- Infinite slopes, which may turn into NaN: a balloon without any vertical motion (square-root drag law), as warm as the
  air (fourth root of the Rayleigh number), without superpressure (valve), exactly at the station (distance), and an
  ended one, whose repeated measurements have no distance from each other.
- Slow descents amplify small changes by a fifth a stride (an instability of the reference, which is kept): gradients
  over many steps of them grow without bound.
- `initial_state` and `floating_start` iterate until convergence in a `while_loop`: forward mode only.
"""

import dataclasses

import jax
import jax.numpy as jnp

from ble_sim.balloon.altitude_control import Action, CompressorCurves, ascend, compressor_curves, descend
from ble_sim.balloon.envelope import pressure_ratio, system_mass, volume_and_superpressure
from ble_sim.balloon.equilibrium import floating_balloon
from ble_sim.balloon.power import charged_battery, full_sun_power, power_flow
from ble_sim.balloon.safety import SafetyState, apply_safety_layers, initial_safety_state
from ble_sim.balloon.thermal import radius_cubed, sphere_heat_exchange, temperature_rate
from ble_sim.constants import (
    AIR_GAS_CONSTANT,
    AIR_MOLAR_MASS,
    GRAVITY,
    STRIDE_SECONDS,
    STRIDES_PER_STEP,
)
from ble_sim.scenario import Scenario, sun_over
from ble_sim.sky.atmosphere import height_at_pressure, pressure_per_height, temperature_at_pressure
from ble_sim.sky.geodesy import position
from ble_sim.sky.sun import Sun, attenuation, next_sunrise_sunset
from ble_sim.state import Balloon, BalloonStatus, SimState
from ble_sim.wind.field import WindField, forecast_and_error
from ble_sim.wind.forecast_error import WindGP, add_measurement, empty_wind_gp


def initial_state(wind_field: WindField, scenario: Scenario) -> SimState:
    """The state at the start of an episode: a balloon in equilibrium, and one measurement of the wind."""
    balloon = floating_start(scenario, scenario.start_x, scenario.start_y, scenario.start_pressure)
    latitude, longitude = position(scenario.latitude, scenario.longitude, balloon.x, balloon.y)
    safety = initial_safety_state(*next_sunrise_sunset(latitude, longitude, scenario.start_time))
    return _measure_wind(wind_field, scenario, balloon, safety, jnp.int32(0), empty_wind_gp())


def step(wind_field: WindField, scenario: Scenario, state: SimState, action: jax.Array) -> SimState:
    """The state after one agent step.

    Args:
        action: int32 scalar, an `Action`.
    """
    balloon, safety, elapsed, _ = step_in_wind(scenario, state.balloon, state.safety, state.elapsed, state.wind, action)
    return _measure_wind(wind_field, scenario, balloon, safety, elapsed, state.gp)


def step_in_wind(
    scenario: Scenario,
    balloon: Balloon,
    safety: SafetyState,
    elapsed: jax.Array,
    wind: jax.Array,
    action: jax.Array,
) -> tuple[Balloon, SafetyState, jax.Array, jax.Array]:
    """The physics of one agent step in a wind (float[2], m/s) that is held for its strides.

    Returns:
        The new balloon, safety layers and elapsed time (int32, s), and the number of strides made (int32): they stop at
        the first status other than OK, and a balloon that has ended makes none.
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
    suns = sun_over(scenario, x, y, elapsed + STRIDE_SECONDS * strides)
    panel_powers = full_sun_power(scenario.vehicle, suns.elevation)
    compressor = compressor_curves(scenario.vehicle.compressor, balloon.x.dtype)

    def stride_if_flying(carry, sun_and_panels):
        (balloon, count), (sun, panel_power) = carry, sun_and_panels
        is_flying = balloon.status == BalloonStatus.OK
        moved = stride(scenario, compressor, balloon, sun, panel_power, wind)
        balloon = jax.tree.map(lambda new, old: jnp.where(is_flying, new, old), moved, balloon)
        return (balloon, count + is_flying.astype(count.dtype)), None

    (balloon, count), _ = jax.lax.scan(stride_if_flying, (balloon, jnp.int32(0)), (suns, panel_powers))
    return balloon, safety, elapsed + STRIDE_SECONDS * count, count


def stride(
    scenario: Scenario,
    compressor: CompressorCurves,
    balloon: Balloon,
    sun: Sun,
    panel_power: jax.Array,
    wind: jax.Array,
) -> Balloon:
    """The balloon after an explicit Euler step of 10 s: every rate is that of the old state.

    Vertically the balloon moves at its terminal velocity w: buoyancy, weight and drag are in balance,

        (rho V - m) g = 1/2 rho w |w| C_d A     =>     w = sign(rho V - m) sqrt(2 |rho V - m| g / (rho C_d A))

    with the air's density rho = p / (R_air T_a), the volume V, the system's mass m and the drag coefficient C_d. The
    drag area is A = V^(2/3), up to a factor that C_d contains: all lengths of similar bodies go with V^(1/3) (the
    cross-section of a sphere is 1.21 V^(2/3)). The pressure changes by dp/dt = (dp/dh) w.

    Args:
        compressor: of the scenario's vehicle.
        sun: at the balloon.
        panel_power: of the vehicle's panels in that sun without attenuation [W].
        wind: float[2], m/s.
    """
    vehicle, atmosphere = scenario.vehicle, scenario.atmosphere
    dt = float(STRIDE_SECONDS)
    transmitted = attenuation(sun.elevation, balloon.pressure)

    # The air's density follows from the stored temperature, which lags by a stride.
    air_density = balloon.pressure / (AIR_GAS_CONSTANT * balloon.ambient_temperature)
    lift = air_density * balloon.volume - system_mass(vehicle, balloon.mols_air)
    # Both cube roots at once: a compiler has no SIMD code for them, so that they should be a loop of their own.
    length, radius = jnp.cbrt(jnp.stack([balloon.volume, radius_cubed(balloon.volume)]))
    drag = vehicle.drag_coefficient * length**2
    direction = jnp.where(lift >= 0.0, 1.0, -1.0).astype(lift.dtype)
    ascent_rate = direction * jnp.sqrt(2.0 * jnp.abs(lift) * GRAVITY / (air_density * drag))
    pressure = balloon.pressure + pressure_per_height(atmosphere, balloon.pressure, direction) * ascent_rate * dt

    ambient_temperature = temperature_at_pressure(atmosphere, balloon.pressure)
    exchange = sphere_heat_exchange(
        vehicle,
        radius,
        balloon.ambient_temperature,
        balloon.pressure,
        sun.flux * transmitted,
        scenario.upwelling_infrared,
    )
    internal_temperature = balloon.internal_temperature + temperature_rate(exchange, balloon.internal_temperature) * dt

    volume, superpressure = volume_and_superpressure(
        vehicle, balloon.mols_air, balloon.internal_temperature, balloon.pressure
    )

    is_descending, is_ascending = balloon.effective_action == Action.DOWN, balloon.effective_action == Action.UP
    pump_power, pump_flow = descend(compressor, pressure_ratio(balloon.pressure, balloon.superpressure))
    vent_flow = ascend(vehicle, balloon.superpressure, balloon.pressure, balloon.internal_temperature)
    acs_power = jnp.where(is_descending, pump_power, 0.0)
    acs_mass_flow = jnp.where(is_descending, pump_flow, jnp.where(is_ascending, vent_flow, 0.0))
    mols_air = jnp.maximum(balloon.mols_air + acs_mass_flow / AIR_MOLAR_MASS * dt, 0.0)

    charging, load = power_flow(vehicle, sun.elevation, panel_power * transmitted, acs_power)
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
    sun = sun_over(scenario, x, y, jnp.int32(0))
    sunlight = sun.flux * attenuation(sun.elevation, pressure)
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


def _measure_wind(
    wind_field: WindField, scenario: Scenario, balloon: Balloon, safety: SafetyState, elapsed: jax.Array, gp: WindGP
) -> SimState:
    x, y, pressure = balloon.x, balloon.y, balloon.pressure
    forecast, error = forecast_and_error(wind_field, scenario.forecast, scenario.noise, x, y, pressure, elapsed)
    error = jnp.stack(error)
    return SimState(
        balloon=balloon,
        safety=safety,
        elapsed=elapsed,
        wind=jnp.stack(forecast) + error,
        gp=add_measurement(gp, x, y, pressure, elapsed, error),
    )
