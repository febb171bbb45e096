"""Information tracks: what an agent may use, and the views of a flight that hold it.

An agent declares its track, and is handed no more than the track allows:

    observation   the task's observation, such as the 1099 features
    forecast      besides, the forecast of the whole field, the state of the flight with its measurements, and the
                  scenario, so that the agent can compute with the vehicle, the atmosphere and the sun
    oracle        besides, the forecast error: with it the wind everywhere and at all times

No track below the oracle sees the forecast error, except in the measurements of the wind that the balloon has met. What
stands for it in the scenario there is a `Withheld`: any use of it, also while JAX traces, raises an `InformationError`.
"""

import dataclasses
from typing import Any, Never

import jax

from ble_sim.plugins.tracks import InformationTrack as InformationTrack
from ble_sim.scenario import Scenario
from ble_sim.state import SimState
from ble_sim.structs import struct


class InformationError(RuntimeError):
    """An agent used, or needs, what it is not handed."""


@struct
class FlightView:
    """What an agent of the tracks `forecast` and `oracle` is handed at every step. Batches have a leading axis."""

    observation: jax.Array
    """The task's observation, float32[...]"""
    scenario: Scenario
    """Of the episode. On the track `forecast` its `noise` is a `Withheld`."""
    state: SimState
    """Of the flight: what the balloon measures, and its measurements of the wind so far."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Withheld:
    """Stands in a view for what the track does not show. A pytree without leaves.

    Raises:
        InformationError: at any use.
    """

    what: str
    track: InformationTrack

    def __getattr__(self, name: str) -> Never:
        if name.startswith("__"):
            raise AttributeError(name)  # JAX and Python look for these in any object.
        raise InformationError(
            f"An agent on the information track {self.track.value!r} used {self.what} (its {name!r}), which only"
            f" {InformationTrack.ORACLE.value!r} may use. Remove the use, or declare"
            " information_track = InformationTrack.ORACLE in the agent."
        )


def view_of(track: InformationTrack, scenario: Scenario, state: SimState, observation: Any) -> FlightView:
    """What an agent of the track is handed; batches have a leading axis. It copies nothing.

    Args:
        track: of the agent, `FORECAST` or `ORACLE`.
        scenario, state: of the flight.
        observation: of the task, after the last step.

    Raises:
        ValueError: on the track `OBSERVATION` agents are handed the observation itself.
    """
    if track == InformationTrack.OBSERVATION:
        raise ValueError("There are no views on the track 'observation': its agents are handed the observation.")
    if track == InformationTrack.FORECAST:
        noise: Any = Withheld("the scenario's noise, the error of the forecast", track)
        scenario = dataclasses.replace(scenario, noise=noise)
    return FlightView(observation, scenario, state)
