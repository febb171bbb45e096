"""How the actions move a balloon up and down, measured in the simulator."""

import dataclasses

import jax
import jax.numpy as jnp

from ble_agents.planner.grid import STEPS_PER_STAGE, PlanGrid
from ble_sim import flight
from ble_sim.balloon.altitude_control import Action
from ble_sim.balloon.safety import SafetyState, initial_safety_state
from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.scenario import Scenario
from ble_sim.sky.geodesy import position
from ble_sim.sky.sun import next_sunrise_sunset
from ble_sim.state import Balloon
from ble_sim.wind.fields.grid import FORECAST_SECONDS

NUM_HOURS = FORECAST_SECONDS // SECONDS_PER_HOUR + 1
"""Hours of the flight at which the motion is measured, from its start to the end of the forecast."""
_SETTLING_STEPS = 5

_Flight = tuple[Balloon, SafetyState, jax.Array]
"""Balloon, safety layers and elapsed seconds."""


def vertical_motion(grid: PlanGrid, scenario: Scenario) -> jax.Array:
    """How far each action moves the balloon in a stage, in units of the grid's pressures.

    At each pressure and hour a balloon in equilibrium, above the station with a full battery, stays for five steps, so
    that the temperature settles, and then takes the action for a stage, within its safety layers. Pure.

    Returns:
        float32[NUM_HOURS, actions, pressures].
    """
    actions = jnp.arange(len(Action), dtype=jnp.int32)

    def moved(hour: jax.Array, pressure: jax.Array) -> jax.Array:
        """By each action, float32[actions], Pa."""
        then = dataclasses.replace(scenario, start_time=scenario.start_time + hour * SECONDS_PER_HOUR)
        zero = jnp.zeros_like(pressure)
        balloon = flight.floating_start(then, zero, zero, pressure)
        balloon = dataclasses.replace(balloon, battery_charge=zero + then.vehicle.battery_capacity)
        latitude, longitude = position(then.latitude, then.longitude, zero, zero)
        safety = initial_safety_state(*next_sunrise_sunset(latitude, longitude, then.start_time))

        def flown(state: _Flight, action: jax.Array, steps: int) -> _Flight:
            def step(_: jax.Array, state: _Flight) -> _Flight:
                balloon, safety, elapsed, _ = flight.step_in_wind(then, *state, jnp.zeros(2, pressure.dtype), action)
                return balloon, safety, elapsed

            return jax.lax.fori_loop(0, steps, step, state)

        settled = flown((balloon, safety, jnp.int32(0)), jnp.int32(Action.STAY), _SETTLING_STEPS)
        after = jax.vmap(flown, (None, 0, None))(settled, actions, STEPS_PER_STAGE)
        return after[0].pressure - settled[0].pressure

    hours = jnp.arange(NUM_HOURS, dtype=jnp.int32)
    pressures = jnp.asarray(grid.pressures, jnp.float32)
    motion = jax.vmap(jax.vmap(moved, (None, 0)), (0, None))(hours, pressures)
    return jnp.swapaxes(motion, 1, 2) / grid.pressure_spacing
