"""How the actions move a balloon up and down, measured in the simulator."""

import dataclasses

import jax
import jax.numpy as jnp

from ble_agents.planner.grid import STEPS_PER_STAGE, PlanGrid
from ble_sim import flight
from ble_sim.balloon.altitude_control import Action
from ble_sim.balloon.safety import initial_safety_state
from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.scenario import Scenario
from ble_sim.sky.geodesy import position
from ble_sim.sky.sun import next_sunrise_sunset
from ble_sim.wind.fields.grid import FORECAST_SECONDS

NUM_HOURS = FORECAST_SECONDS // SECONDS_PER_HOUR + 1
"""Hours of the flight at which the motion is measured, from its start to the end of the forecast."""
_SETTLING_STEPS = 5


def vertical_motion(grid: PlanGrid, scenario: Scenario) -> jax.Array:
    """How far each action moves the balloon in a stage, in units of the grid's pressures.

    At each pressure and hour a balloon in equilibrium, above the station with a full battery, stays for five steps, so
    that the temperature settles, and then takes the action for a stage, within its safety layers. Pure.

    Returns:
        float32[NUM_HOURS, actions, pressures].
    """

    def moved(hour: jax.Array, pressure: jax.Array, action: jax.Array) -> jax.Array:
        then = dataclasses.replace(scenario, start_time=scenario.start_time + hour * SECONDS_PER_HOUR)
        zero = jnp.zeros_like(pressure)
        balloon = flight.floating_start(then, zero, zero, pressure)
        balloon = dataclasses.replace(balloon, battery_charge=zero + then.vehicle.battery_capacity)
        latitude, longitude = position(then.latitude, then.longitude, zero, zero)
        safety = initial_safety_state(*next_sunrise_sunset(latitude, longitude, then.start_time))

        def step(carry, number):
            balloon, safety, elapsed = carry
            chosen = jnp.where(number < _SETTLING_STEPS, jnp.int32(Action.STAY), action)
            balloon, safety, elapsed, _ = flight.step_in_wind(
                then, balloon, safety, elapsed, jnp.zeros(2, pressure.dtype), chosen
            )
            return (balloon, safety, elapsed), balloon.pressure

        numbers = jnp.arange(_SETTLING_STEPS + STEPS_PER_STAGE)
        _, pressures = jax.lax.scan(step, (balloon, safety, jnp.int32(0)), numbers)
        return pressures[-1] - pressures[_SETTLING_STEPS - 1]

    over_pressures = jax.vmap(moved, (None, 0, None))
    over_actions = jax.vmap(over_pressures, (None, None, 0))
    over_hours = jax.vmap(over_actions, (0, None, None))
    hours = jnp.arange(NUM_HOURS, dtype=jnp.int32)
    actions = jnp.arange(len(Action), dtype=jnp.int32)
    return over_hours(hours, jnp.asarray(grid.pressures, jnp.float32), actions) / grid.pressure_spacing
