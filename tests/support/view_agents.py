"""Agents of the information tracks that see more than the observation, for tests."""

import functools

import jax
import jax.numpy as jnp

from ble_agents import Agent, ViewPolicyAgent
from ble_env import InformationTrack
from ble_sim.wind.field import forecast_and_error, forecast_at

STEP_PRESSURES = (500.0, 0.0, -500.0)
"""Where the actions 0, 1 and 2 lead, roughly, from the balloon's pressure [Pa]."""


def look_around(wind_field, view, with_error):
    """The action towards the level whose wind blows most to the station, in the view of one balloon."""
    balloon = view.state.balloon
    place = (balloon.x, balloon.y)
    levels = balloon.pressure + jnp.array(STEP_PRESSURES, balloon.x.dtype)
    if with_error:

        def wind(pressure):
            seen, error = forecast_and_error(
                wind_field, view.scenario.forecast, view.scenario.noise, *place, pressure, view.state.elapsed
            )
            return seen[0] + error[0], seen[1] + error[1]

        u, v = jax.vmap(wind)(levels)
    else:
        u, v = forecast_at(wind_field, view.scenario.forecast, *place, levels, view.state.elapsed)
    return jnp.argmin(u * balloon.x + v * balloon.y).astype(jnp.int32)


@functools.cache
def looks(wind_field, with_error):
    return jax.jit(jax.vmap(lambda view: look_around(wind_field, view, with_error)))


class LookingPolicy:
    """Looks around at every step. It keeps the number of steps, and of its lanes."""

    def __init__(self, task, lanes, with_error):
        self.lanes, self.steps = lanes, 0
        self._look = looks(task.wind_field, with_error)

    def begin(self, view):
        assert view.observation.shape[0] == self.lanes
        self.steps = 0
        return self._look(view)

    def step(self, view):
        self.steps += 1
        return self._look(view)


class Looking(ViewPolicyAgent):
    """Goes where the forecast of three levels is best."""

    information_track = InformationTrack.FORECAST
    max_lanes = 2

    def view_policy(self, task, lanes):
        return LookingPolicy(task, lanes, with_error=False)


class Knowing(Looking):
    """Goes where the wind of three levels is best."""

    information_track = InformationTrack.ORACLE

    def view_policy(self, task, lanes):
        return LookingPolicy(task, lanes, with_error=True)


class Cheating(Knowing):
    """Uses the wind, and says that it does not."""

    information_track = InformationTrack.FORECAST


class LookingAlone(Agent):
    """`Looking` without a policy: views one by one."""

    information_track = InformationTrack.FORECAST

    def set_task(self, task):
        self._task = task

    def begin_episode(self, observation):
        return int(looks(self._task.wind_field, False)(jax.tree.map(lambda leaf: leaf[None], observation))[0])

    def step(self, reward, observation):
        return self.begin_episode(observation)

    def end_episode(self, reward, terminal=True):
        pass
