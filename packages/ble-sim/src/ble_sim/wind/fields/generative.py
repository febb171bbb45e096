"""The benchmark's wind: a generative model of reanalysed stratospheric winds."""

import functools
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.files.models import ModelFileError, load_arrays, load_own_arrays
from ble_sim.precision import reference_draws
from ble_sim.wind.fields.grid import GRID_SHAPE, GridWindField
from ble_sim.wind.fields.options import GenerativeOptions

NUM_LATENTS = 64
"""Of the benchmark's model."""
FLOW_WIDTH = 7
"""Points of the coarse stream functions along x and y."""
NUM_LAYERS = 4
OUTPUTS = FLOW_WIDTH**2 * GRID_SHAPE[2] * GRID_SHAPE[3]
SHIPPED_WEIGHTS = "offlineskies22"
"""The name of the benchmark's weights."""
_DIGEST = "9f31897b84238e670a9f287d7062deb27549d1fca742bc78c6d04a655dc4c355"


@dataclass(frozen=True)
class GenerativeWindField(GenerativeOptions, GridWindField):
    """Winds decoded from normal latents by the decoder of a variational autoencoder, the benchmark's by default.

    The argument is that of `GenerativeOptions`: other weights are a file, read when an environment is made.
    """

    def __post_init__(self) -> None:
        if self.weights != SHIPPED_WEIGHTS and not Path(self.weights).is_file():
            raise ModelFileError(
                f"There are no weights {str(self.weights)!r}: give {SHIPPED_WEIGHTS!r} or the path of an .npz file."
            )

    def parameters(self) -> dict[str, jax.Array]:
        arrays = load_decoder() if self.weights == SHIPPED_WEIGHTS else load_own_decoder(Path(self.weights))
        return {name: jnp.asarray(array) for name, array in arrays.items()}

    def sample_field(self, parameters: dict[str, jax.Array], key: jax.Array, start_time: jax.Array) -> jax.Array:
        with reference_draws():
            return decode(parameters, jax.random.normal(key, parameters["w0"].shape[:1]))


@functools.cache
def load_decoder() -> dict[str, np.ndarray]:
    """The benchmark's decoder, float32: w0..w3 [in, out] and b0..b3 of 64-1000-1000-1000-4410 units.

    Raises:
        ModelFileError: if the installed file is damaged.
    """
    return load_arrays(resources.files("ble_sim") / "data" / "offlineskies22_decoder.npz", _DIGEST)


def load_own_decoder(file: Path) -> dict[str, np.ndarray]:
    """A decoder in the layout of `load_decoder`, with any numbers of latents and hidden units.

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

    The network gives stream functions on a coarse grid, one for each pressure and time. Enlarged linearly and
    differentiated, they make a wind that is free of divergence.
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
    """One layer of a network, without its activation."""
    product = jnp.matmul(units, parameters[f"w{layer}"], precision=jax.lax.Precision.HIGHEST)
    return product + parameters[f"b{layer}"]
