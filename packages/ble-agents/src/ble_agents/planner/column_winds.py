"""The winds of a column, with the sides to which they blow, from the observations of a flight.

An observation has the speed of the wind at each level and its angle to the direction to the station, but not whether it
blows to the left or to the right of it. The sides follow from three facts:

- The balloon moves with the wind of its level, and its places are observed.
- The wind of a level changes little from one observation to the next, while the direction to the station turns.
- The wind changes smoothly with the pressure.

The sides of all levels together are those that agree best with these, found by dynamic programming over the levels
(Viterbi 1967). From the second observation on they are right almost everywhere.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.observation.layout import (
    CENTER_LEVEL,
    MAX_PRESSURE,
    MIN_PRESSURE,
    NUM_LEVELS,
    is_reachable,
    named_features,
    wind_column,
)
from ble_sim.constants import METERS_PER_KM, STEP_SECONDS

LEVELS = np.linspace(MIN_PRESSURE, MAX_PRESSURE, NUM_LEVELS)
"""Pressures of the levels [Pa]."""

# How far winds are expected to differ [m/s]: from those of the last observation, from the balloon's drift, from the
# next level's, and from a straight line through the two levels before.
_SINCE_LAST = 0.5
_FROM_DRIFT = 0.3
_FROM_NEXT = 1.0
_FROM_LINE = 0.15


class Sighting(NamedTuple):
    """What an observation says, and those before it."""

    place: jax.Array
    """float32[2], m from the station towards the east and the north."""
    pressure: jax.Array
    """Of the balloon, Pa."""
    level: jax.Array
    """int32, index in `LEVELS` of the level nearest to the balloon."""
    winds: jax.Array
    """float32[levels, 2], m/s towards the east and the north; where the balloon cannot be, the last that was seen."""
    is_reachable: jax.Array
    """bool[levels]"""
    is_known: jax.Array
    """bool[levels], whether the side of the wind is known: it needs two observations."""
    is_night: jax.Array
    """bool"""


def first_sighting(observation: jax.Array) -> Sighting:
    """What the first observation of a flight, float32[1099], says. All winds may be on the wrong side together."""
    nothing = Sighting(
        place=jnp.zeros(2, jnp.float32),
        pressure=jnp.float32(0.0),
        level=jnp.int32(0),
        winds=jnp.zeros((NUM_LEVELS, 2), jnp.float32),
        is_reachable=jnp.zeros(NUM_LEVELS, bool),
        is_known=jnp.zeros(NUM_LEVELS, bool),
        is_night=jnp.bool_(False),
    )
    return _sighted(nothing, observation, jnp.bool_(True))


def next_sighting(last: Sighting, observation: jax.Array) -> Sighting:
    """What an observation, float32[1099], says after the one before it."""
    return _sighted(last, observation, jnp.bool_(False))


def _sighted(last: Sighting, observation: jax.Array, is_first: jax.Array) -> Sighting:
    features = named_features(observation)
    heading = jnp.arctan2(features.sin_heading, features.cos_heading)
    place = -METERS_PER_KM * features.distance * jnp.stack([jnp.sin(heading), jnp.cos(heading)])
    spacing = (MAX_PRESSURE - MIN_PRESSURE) / (NUM_LEVELS - 1)
    level = jnp.round((features.pressure - MIN_PRESSURE) / spacing).astype(jnp.int32)

    def at_levels(relative: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice_in_dim(relative, CENTER_LEVEL - level, NUM_LEVELS)

    reachable = at_levels(is_reachable(wind_column(observation)))
    speed = jnp.where(reachable, at_levels(features.wind_speed), 0.0)
    bearing = at_levels(features.bearing)
    directions = heading + jnp.stack([bearing, -bearing], axis=1)
    both_sides = speed[:, None, None] * jnp.stack([jnp.sin(directions), jnp.cos(directions)], axis=-1)

    drift = (place - last.place) / STEP_SECONDS
    is_drift_of = (jnp.arange(NUM_LEVELS) == last.level) & ~is_first
    costs = jnp.where(last.is_known[:, None], _distance(both_sides, last.winds[:, None], _SINCE_LAST), 0.0)
    costs += jnp.where(is_drift_of[:, None], _distance(both_sides, drift, _FROM_DRIFT), 0.0)
    sides = _best_sides(both_sides, jnp.where(reachable[:, None], costs, 0.0), reachable)
    winds = jnp.take_along_axis(both_sides, sides[:, None, None], axis=1)[:, 0]
    return Sighting(
        place=place,
        pressure=features.pressure,
        level=level,
        winds=jnp.where(reachable[:, None], winds, last.winds),
        is_reachable=reachable,
        is_known=(reachable | last.is_known) & ~is_first,
        is_night=features.solar_elevation < 0.0,
    )


def _distance(winds: jax.Array, others: jax.Array, scale: float) -> jax.Array:
    """Square of the difference of winds [..., 2], in units of a scale [m/s]."""
    return jnp.sum(jnp.square((winds - others) / scale), axis=-1)


def _best_sides(winds: jax.Array, costs: jax.Array, is_reachable: jax.Array) -> jax.Array:
    """The side of each level's wind: int32[levels].

    Args:
        winds: float32[levels, sides, 2], m/s.
        costs: of each alone, float32[levels, sides].
        is_reachable: bool[levels]; nothing is expected of the other levels.
    """
    pairs = is_reachable[1:] & is_reachable[:-1]
    triples = pairs[1:] & pairs[:-1]

    def forward(
        total: jax.Array, level: tuple[jax.Array, jax.Array, jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
        """From the costs [side of the last level but one, side of the last] to those a level further."""
        three, alone, is_pair, is_triple = level
        before, last, here = three[0][:, None, None], three[1][None, :, None], three[2][None, None]
        total = total[:, :, None] + jnp.where(is_pair, _distance(here, last, _FROM_NEXT), 0.0)
        total += jnp.where(is_triple, _distance(here, 2.0 * last - before, _FROM_LINE), 0.0)
        return total.min(axis=0) + alone, total.argmin(axis=0).astype(jnp.int32)

    start = costs[0][:, None] + costs[1]
    start += jnp.where(pairs[0], _distance(winds[1][None], winds[0][:, None], _FROM_NEXT), 0.0)
    threes = jnp.stack([winds[:-2], winds[1:-1], winds[2:]], axis=1)
    total, came_from = jax.lax.scan(forward, start, (threes, costs[2:], pairs[1:], triples))

    def backward(sides: tuple[jax.Array, jax.Array], came_from: jax.Array) -> tuple[Any, jax.Array]:
        before, last = sides
        return (came_from[before, last], before), last

    best = jnp.argmin(total.ravel()).astype(jnp.int32)
    (first, second), others = jax.lax.scan(backward, (best // 2, best % 2), came_from, reverse=True)
    return jnp.concatenate([jnp.stack([first, second]), others])
