"""The variational autoencoder whose decoder is the generative wind, as pure functions of one wind field.

    q(z | x) = N(mean, exp(logvar)),  (mean, logvar) from the encoder of x
    p(x | z) = N(decode(z), sigma^2),  sigma one trained number
    loss = |x - decode(z)|^2 / (2 sigma^2) + log(sigma sqrt(2 pi)) + beta KL(q || N(0, 1)),  z drawn from q

The decoder is that of `ble_sim.wind.fields.decoder`. As in the original, log(sigma sqrt(2 pi)) counts once for a field
and not once for each of its values, so that sigma tends to the size of a whole field's error.
"""

import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ble_sim.wind.fields.decoder import NUM_LAYERS, OUTPUTS, decode, dense
from ble_sim.wind.fields.grid import GRID_SHAPE

COMPRESSION_SPEED = 50.0
"""The encoder receives x / (50 m/s + |x|), between -1 and 1, for a wind x."""


class VaeParameters(NamedTuple):
    """The parameters that are trained."""

    encoder: dict[str, jax.Array]
    """w0..w3 [in, out] and b0..b3; the last layer gives the means and then the logarithms of the variances."""
    decoder: dict[str, jax.Array]
    """In the layout of `ble_sim.wind.fields.decoder.load_decoder`."""
    sigma: jax.Array
    """Scalar, m/s."""


class Terms(NamedTuple):
    """The terms of the loss of a field, scalars."""

    loss: jax.Array
    squared_error: jax.Array
    """Summed over the field, m2/s2."""
    divergence: jax.Array
    """KL, in nats."""

    @property
    def error(self) -> jax.Array:
        """Root mean square error of a component of the wind, m/s."""
        return (self.squared_error / math.prod(GRID_SHAPE)) ** 0.5


def initial_parameters(key: jax.Array, num_latents: int, hidden_units: int) -> VaeParameters:
    """Random weights of variance 1 / inputs, biases of zero, and a sigma of 1 m/s, float32."""
    encoder_key, decoder_key = jax.random.split(key)
    hidden = [hidden_units] * (NUM_LAYERS - 1)
    return VaeParameters(
        encoder=_initial_network(encoder_key, [math.prod(GRID_SHAPE), *hidden, 2 * num_latents]),
        decoder=_initial_network(decoder_key, [num_latents, *hidden, OUTPUTS]),
        sigma=jnp.ones((), jnp.float32),
    )


def encode(parameters: dict[str, jax.Array], field: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Means and logarithms of the variances of the latents, float32[latents] each, of a field of `GRID_SHAPE`."""
    units = field.reshape(-1)
    units = units / (COMPRESSION_SPEED + jnp.abs(units))
    for layer in range(NUM_LAYERS - 1):
        units = jax.nn.relu(dense(parameters, layer, units))
    mean, log_variance = jnp.split(dense(parameters, NUM_LAYERS - 1, units), 2)
    return mean, log_variance


def loss_terms(parameters: VaeParameters, field: jax.Array, key: jax.Array, beta: jax.Array | float) -> Terms:
    """The loss of one field, with latents drawn from a key.

    Args:
        parameters: parameters of the model.
        field: float32 of `GRID_SHAPE`, m/s.
        key: uint32[2].
        beta: weight of the divergence.
    """
    mean, log_variance = encode(parameters.encoder, field)
    latents = mean + jnp.exp(log_variance / 2.0) * jax.random.normal(key, mean.shape, mean.dtype)
    squared_error = jnp.sum((field - decode(parameters.decoder, latents)) ** 2)
    divergence = -0.5 * jnp.sum(1.0 + log_variance - mean**2 - jnp.exp(log_variance))
    log_scale = jnp.log(parameters.sigma * math.sqrt(2.0 * math.pi))
    loss = squared_error / (2.0 * parameters.sigma**2) + log_scale + beta * divergence
    return Terms(loss, squared_error, divergence)


def _initial_network(key: jax.Array, widths: list[int]) -> dict[str, jax.Array]:
    weights = {}
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        draw = jax.random.normal(jax.random.fold_in(key, layer), (inputs, outputs), jnp.float32)
        weights[f"w{layer}"] = draw / math.sqrt(inputs)
        weights[f"b{layer}"] = jnp.zeros(outputs, jnp.float32)
    return weights
