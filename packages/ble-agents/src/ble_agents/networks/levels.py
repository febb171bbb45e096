"""A network that scores every level of the wind column and steers to the levels with high scores.

One small network, the same for all levels, computes a score s from a level's wind and the balloon. The actions' logits
are those of drawing a level with probability softmax(s) and steering to it:

    up = log sum exp(s of the levels above),  stay = s of the balloon's own level,  down = log sum exp(s of those below)

A second network adds a correction and estimates the return. Its inputs are the balloon, and the hidden features of the
levels averaged with these probabilities. StationSeeker is a policy of this kind with scores made by hand.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from ble_agents.benchmark_spaces import NUM_ACTIONS
from ble_agents.networks.network import ActorCriticOutput
from ble_agents.options import LevelNetworkOptions
from ble_env.observation.layout import CENTER_LEVEL, Feature, is_reachable, named_features, wind_column

LEVEL_STRIDE = 5
"""The network uses every fifth level. They are 250 Pa apart; the wind's own grid has steps of 1000 Pa."""
CENTER_TOKEN = 26
"""Levels used on either side of the balloon's own. The range of reachable pressures is no wider."""
NUM_TOKENS = 2 * CENTER_TOKEN + 1
"""Levels that the network uses."""
_LEVELS = slice(
    CENTER_LEVEL - CENTER_TOKEN * LEVEL_STRIDE, CENTER_LEVEL + CENTER_TOKEN * LEVEL_STRIDE + 1, LEVEL_STRIDE
)

_UNREACHABLE_SCORE = -30.0
_POSITION = (np.arange(NUM_TOKENS, dtype=np.float32) - CENTER_TOKEN) / CENTER_TOKEN


class LevelNetwork(nn.Module):
    """Actor and critic over the levels of the benchmark's observation.

    Attributes:
        level_sizes: hidden layers of the network that scores a level.
        summary_sizes: hidden layers of the network that corrects the logits and estimates the return.
    """

    level_sizes: Sequence[int] = (32, 32)
    summary_sizes: Sequence[int] = (128, 64)

    @nn.nowrap
    def preferences(self, output: ActorCriticOutput) -> jax.Array:
        """The logits."""
        return output.logits

    @nn.compact
    def __call__(self, observation: jax.Array) -> ActorCriticOutput:
        """float32[..., 1099] -> logits [..., 3] (down, stay, up) and value [...]."""
        levels, reachable = _level_features(observation)
        balloon = _balloon_features(observation)
        # One axis for the levels of all observations: XLA computes the gradients of such products faster.
        # The balloon contributes the same to the first layer of all levels: it is computed once.
        size, *sizes = self.level_sizes
        of_levels = nn.Dense(size)(levels.reshape(-1, levels.shape[-1])).reshape(*reachable.shape, size)
        rows = nn.relu(of_levels + nn.Dense(size, use_bias=False)(balloon)[..., None, :]).reshape(-1, size)
        for size in sizes:
            rows = nn.relu(nn.Dense(size)(rows))
        scores = nn.Dense(1, kernel_init=nn.initializers.orthogonal(0.5))(rows).reshape(reachable.shape)
        hidden = rows.reshape(*reachable.shape, -1)
        scores = jnp.where(reachable, scores, _UNREACHABLE_SCORE)

        own = hidden[..., CENTER_TOKEN, :]
        chosen = jnp.einsum("...t,...tc->...c", jax.nn.softmax(scores), hidden)
        summary = jnp.concatenate([balloon, own, chosen], axis=-1)
        for size in self.summary_sizes:
            summary = nn.relu(nn.Dense(size)(summary))
        above = jax.nn.logsumexp(scores[..., :CENTER_TOKEN], axis=-1)
        below = jax.nn.logsumexp(scores[..., CENTER_TOKEN + 1 :], axis=-1)
        steering = jnp.stack([below, scores[..., CENTER_TOKEN], above], axis=-1)
        correction = nn.Dense(3, kernel_init=nn.initializers.orthogonal(0.01))(summary)
        value = nn.Dense(1, kernel_init=nn.initializers.orthogonal(1.0))(summary)[..., 0]
        return ActorCriticOutput(steering + correction, value)


def level_network(num_actions: int, *, options: LevelNetworkOptions = LevelNetworkOptions()) -> LevelNetwork:
    """The network of these options.

    Raises:
        ValueError: the actions are not the benchmark's three.
    """
    if num_actions != NUM_ACTIONS:
        raise ValueError(f"A level network chooses among {NUM_ACTIONS} actions, not {num_actions}.")
    return LevelNetwork(options.level_sizes, options.summary_sizes)


def _level_features(observation: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Features [..., NUM_TOKENS, 8] and reachability [..., NUM_TOKENS] of the levels that are used."""
    column = wind_column(observation)[..., _LEVELS, :]
    uncertainty, bearing, magnitude = column[..., 0], column[..., 1], column[..., 2]
    reachable = is_reachable(column)
    position = jnp.broadcast_to(jnp.asarray(_POSITION), uncertainty.shape)
    features = [
        reachable,
        uncertainty,
        bearing,
        magnitude,
        jnp.cos(jnp.pi * bearing),
        (1.0 - uncertainty) * (1.0 - magnitude),
        position,
        jnp.abs(position),
    ]
    return jnp.stack([feature.astype(jnp.float32) for feature in features], axis=-1), reachable


def _balloon_features(observation: jax.Array) -> jax.Array:
    """Features [..., 20] of the balloon: the observed ones, and four functions of the distance to the station."""
    distance = named_features(observation).distance
    near = [jnp.exp(-distance / 35.0), jnp.exp(-distance / 100.0), jnp.minimum(distance / 50.0, 4.0), distance < 50.0]
    observed = observation[..., : len(Feature)]
    return jnp.concatenate([observed, jnp.stack([one.astype(jnp.float32) for one in near], axis=-1)], axis=-1)
