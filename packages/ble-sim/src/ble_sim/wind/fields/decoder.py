"""The decoder of the generative wind, from latents to a wind field, and its weights."""

import functools
from importlib import resources
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.files.models import ModelFileError, load_arrays, load_own_arrays
from ble_sim.wind.fields.grid import GRID_SHAPE

FLOW_WIDTH = 7
"""Points of the coarse stream functions along x and y."""
NUM_LAYERS = 4
"""Layers of the decoder."""
OUTPUTS = FLOW_WIDTH**2 * GRID_SHAPE[2] * GRID_SHAPE[3]
"""Units of the last layer."""
_DIGEST = "9f31897b84238e670a9f287d7062deb27549d1fca742bc78c6d04a655dc4c355"


@functools.cache
def load_decoder() -> dict[str, np.ndarray]:
    """The benchmark's decoder, float32: w0..w3 [in, out] and b0..b3 of 64-1000-1000-1000-4410 units.

    Raises:
        ModelFileError: the installed file is damaged.
    """
    return load_arrays(resources.files("ble_sim") / "data" / "offlineskies22_decoder.npz", _DIGEST)


def load_own_decoder(file: Path) -> dict[str, np.ndarray]:
    """A user's decoder in the layout of `load_decoder`, with any numbers of latents and hidden units.

    Raises:
        ModelFileError: the file holds no such decoder.
    """
    shapes: dict[str, tuple[int | None, ...]] = {}
    for layer in range(NUM_LAYERS):
        width = OUTPUTS if layer == NUM_LAYERS - 1 else None
        shapes |= {f"w{layer}": (None, width), f"b{layer}": (width,)}
    arrays = load_own_arrays(file, shapes)
    for layer in range(NUM_LAYERS):
        outputs = arrays[f"w{layer}"].shape[1]
        inputs_of_next = arrays[f"w{layer + 1}"].shape[0] if layer + 1 < NUM_LAYERS else outputs
        if not outputs == arrays[f"b{layer}"].size == inputs_of_next:
            raise ModelFileError(f"In the model file {file}, the layers {layer} and {layer + 1} do not fit together.")
    return arrays


def decode(parameters: dict[str, jax.Array], latents: jax.Array) -> jax.Array:
    """Decode latents (float32[64] in the benchmark) into a wind field float32[21, 21, 10, 9, 2].

    The network's outputs are stream functions on a coarse grid, one for each pressure and time, which are enlarged
    linearly. As in the reference, u is their central difference along the first axis and v is minus that along the
    second (spacing 1).
    """
    units = latents
    for layer in range(NUM_LAYERS - 1):
        units = jax.nn.relu(dense(parameters, layer, units))
    coarse = dense(parameters, NUM_LAYERS - 1, units).reshape(FLOW_WIDTH, FLOW_WIDTH, -1)
    width = GRID_SHAPE[0] + 2  # One more on either side for the central differences.
    stream = jax.image.resize(coarse, (width, width, coarse.shape[-1]), "linear")
    u = (stream[2:, 1:-1] - stream[:-2, 1:-1]) / 2.0
    v = (stream[1:-1, :-2] - stream[1:-1, 2:]) / 2.0
    return jnp.stack([u.reshape(GRID_SHAPE[:-1]), v.reshape(GRID_SHAPE[:-1])], axis=-1)


def dense(parameters: dict[str, jax.Array], layer: int, units: jax.Array) -> jax.Array:
    """One layer of the network, without its activation."""
    product = jnp.matmul(units, parameters[f"w{layer}"], precision=jax.lax.Precision.HIGHEST)
    return product + parameters[f"b{layer}"]
