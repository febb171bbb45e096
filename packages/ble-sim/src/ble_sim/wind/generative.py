"""The benchmark's wind: a generative model of reanalysed stratospheric winds."""

import functools
from dataclasses import dataclass
from importlib import resources

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.model_files import load_arrays
from ble_sim.precision import reference_draws
from ble_sim.wind.grid import GRID_SHAPE, GridWindField

NUM_LATENTS = 64
_FLOW_WIDTH = 7
_DIGEST = "9f31897b84238e670a9f287d7062deb27549d1fca742bc78c6d04a655dc4c355"


@dataclass(frozen=True)
class GenerativeWindField(GridWindField):
    """Winds decoded from normal latents by the decoder of a variational autoencoder (offlineskies22)."""

    def parameters(self) -> dict[str, jax.Array]:
        return {name: jnp.asarray(array) for name, array in load_decoder().items()}

    def sample_field(self, parameters: dict[str, jax.Array], key: jax.Array, start_time: jax.Array) -> jax.Array:
        with reference_draws():
            return decode(parameters, jax.random.normal(key, (NUM_LATENTS,)))


@functools.cache
def load_decoder() -> dict[str, np.ndarray]:
    """The decoder's weights, float32: w0..w3 [in, out] and b0..b3 of 64-1000-1000-1000-4410 units.

    Raises:
        ModelFileError: if the installed file is damaged.
    """
    return load_arrays(resources.files("ble_sim") / "data" / "offlineskies22_decoder.npz", _DIGEST)


def decode(parameters: dict[str, jax.Array], latents: jax.Array) -> jax.Array:
    """Decode latents float32[64] into a wind field float32[21, 21, 10, 9, 2].

    The network gives stream functions on a coarse grid, one for each pressure and time. Enlarged linearly and
    differentiated, they make a wind that is free of divergence.
    """
    units = latents
    for layer in range(3):
        units = jax.nn.relu(_dense(parameters, layer, units))
    coarse = _dense(parameters, 3, units).reshape(_FLOW_WIDTH, _FLOW_WIDTH, -1)
    width = GRID_SHAPE[0] + 2  # One more on either side for the central differences.
    stream = jax.image.resize(coarse, (width, width, coarse.shape[-1]), "linear")
    u = (stream[2:, 1:-1] - stream[:-2, 1:-1]) / 2.0
    v = (stream[1:-1, :-2] - stream[1:-1, 2:]) / 2.0
    return jnp.stack([u.reshape(GRID_SHAPE[:-1]), v.reshape(GRID_SHAPE[:-1])], axis=-1)


def _dense(parameters: dict[str, jax.Array], layer: int, units: jax.Array) -> jax.Array:
    product = jnp.matmul(units, parameters[f"w{layer}"], precision=jax.lax.Precision.HIGHEST)
    return product + parameters[f"b{layer}"]
