"""What holds at a state of a flight and follows from it."""

import jax

from ble_sim.balloon.power import has_excess_energy
from ble_sim.balloon.reachable import reachable_pressures
from ble_sim.scenario import Scenario
from ble_sim.sky.atmosphere import height_at_pressure
from ble_sim.sky.geodesy import position
from ble_sim.sky.sun import Sun, sun_at
from ble_sim.state import SimState
from ble_sim.structs import struct


@struct
class Conditions:
    """Conditions at a state, computed once a step for the observation, the reward and the diagnostics. Scalars."""

    latitude: jax.Array
    """deg, of the balloon"""
    longitude: jax.Array
    """deg, of the balloon"""
    sun: Sun
    altitude: jax.Array
    """m"""
    excess_energy: jax.Array
    """bool, see `has_excess_energy`"""
    lowest_pressure: jax.Array
    """Pa, within reach, see `reachable_pressures`; infinite where no pressure is"""
    highest_pressure: jax.Array
    """Pa, within reach; -infinite where no pressure is"""


def conditions_at(scenario: Scenario, state: SimState) -> Conditions:
    """The conditions of one balloon at a state. Pure and traceable by JAX."""
    balloon = state.balloon
    latitude, longitude = position(scenario.latitude, scenario.longitude, balloon.x, balloon.y)
    sun = sun_at(latitude, longitude, scenario.start_time + state.elapsed)
    lowest, highest = reachable_pressures(scenario.vehicle, scenario.atmosphere, sun, scenario.upwelling_infrared)
    return Conditions(
        latitude=latitude,
        longitude=longitude,
        sun=sun,
        altitude=height_at_pressure(scenario.atmosphere, balloon.pressure),
        excess_energy=has_excess_energy(scenario.vehicle, sun.elevation, balloon.pressure, balloon.battery_charge),
        lowest_pressure=lowest,
        highest_pressure=highest,
    )
