"""StationSeeker: scores the wind at every level that the balloon can reach, and steers to the best.

The controller flown at Loon, as published with its parameters by Bellemare et al., "Autonomous navigation of
stratospheric balloons using reinforcement learning", Nature 588 (2020). At distance d from the station, for a
wind of speed s that blows at an angle b to the station and is uncertain by u, with the constants of
`StationSeekerOptions`:

    wind score = (1 - a) exp(-w b) + a exp(-k1 s),  a = exp(-d / half radius),  w falling linearly in d
    score = (1 - u + confidence bonus) wind score + u unknown score + k2 exp(-k3 |level - own level|)
"""

from collections.abc import Sequence
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_agents.options import StationSeekerOptions
from ble_agents.policy import Policy, memoryless_policy
from ble_agents.policy_agent import PolicyAgent
from ble_env.observation.layout import CENTER_LEVEL, NUM_RELATIVE_LEVELS, named_features
from ble_sim.balloon.altitude_control import Action

DEFAULTS = StationSeekerOptions()

_LEVELS_AWAY = np.abs(np.arange(NUM_RELATIVE_LEVELS) - CENTER_LEVEL)


def station_seeker_scores(observation: ArrayLike, options: StationSeekerOptions = DEFAULTS) -> jax.Array:
    """Score of every level, [..., 361] for an observation [..., 1099]; unreachable levels score 0.

    Computed in float64 under `jax.enable_x64(True)`, else in float32.
    """
    features = named_features(jnp.asarray(observation, float))
    distance = features.distance[..., None]
    how_far = jnp.clip((distance - options.close_distance) / (options.far_distance - options.close_distance), 0.0, 1.0)
    bearing_weight = options.close_bearing_weight + how_far * (
        options.far_bearing_weight - options.close_bearing_weight
    )
    speed_share = jnp.exp(-distance / options.half_radius)
    wind_score = (1.0 - speed_share) * jnp.exp(-bearing_weight * features.bearing) + speed_share * jnp.exp(
        -options.speed_weight * features.wind_speed
    )
    stay_bonus = options.stay_bonus * jnp.exp(-options.stay_decay * _LEVELS_AWAY)
    scores = (
        (1.0 - features.uncertainty + options.confidence_bonus) * wind_score
        + features.uncertainty * options.unknown_score
        + stay_bonus
    )
    return jnp.where(features.reachable, scores, 0.0)


def station_seeker_level(observation: ArrayLike, options: StationSeekerOptions = DEFAULTS) -> jax.Array:
    """Index of the best level, the first on ties; the balloon's own where none is reachable. int32[...]."""
    scores = station_seeker_scores(observation, options)
    best = scores.max(axis=-1)
    # XLA computes the scores within the loop of an argmax, one by one, which takes five times as long on a CPU.
    # Where it computes them a second time they may be rounded otherwise.
    is_best = scores >= best[..., None] * (1.0 - 4.0 * jnp.finfo(scores.dtype).eps)
    first = jnp.where(is_best, jnp.arange(NUM_RELATIVE_LEVELS, dtype=jnp.int32), NUM_RELATIVE_LEVELS).min(axis=-1)
    return jnp.where(best > 0.0, first, CENTER_LEVEL).astype(jnp.int32)


def station_seeker_action(observation: ArrayLike, options: StationSeekerOptions = DEFAULTS) -> jax.Array:
    """The action towards the best level, int32[...] for an observation [..., 1099]."""
    level = station_seeker_level(observation, options)
    below = jnp.where(level > CENTER_LEVEL, Action.DOWN, Action.STAY)
    return jnp.where(level < CENTER_LEVEL, Action.UP, below).astype(jnp.int32)


@cache
def station_seeker_policy(options: StationSeekerOptions) -> Policy:
    """StationSeeker as pure functions."""
    return memoryless_policy((), lambda params, observation: station_seeker_action(observation, options))


class StationSeekerAgent(PolicyAgent):
    """Steers to the level with the best wind by hand-made rules."""

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: StationSeekerOptions = DEFAULTS,
    ) -> None:
        require_benchmark_spaces("station_seeker", num_actions, observation_shape)
        super().__init__(num_actions, observation_shape, station_seeker_policy(options), seed)
