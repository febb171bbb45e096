"""The benchmark's wind: a generative model of reanalysed stratospheric winds."""

from dataclasses import dataclass
from pathlib import Path

import jax

from ble_sim.files.models import ModelFileError
from ble_sim.precision import reference_draws
from ble_sim.wind.fields.decoder import decode, load_decoder, load_own_decoder
from ble_sim.wind.fields.grid import GridWindField
from ble_sim.wind.fields.options import GenerativeOptions

SHIPPED_WEIGHTS = "offlineskies22"
"""The name of the benchmark's weights."""


@dataclass(frozen=True)
class GenerativeWindField(GridWindField):
    """Winds decoded from normal latents by the decoder of a variational autoencoder, the benchmark's by default.

    Other weights are a file, which is read when an environment is made.

    Raises:
        ModelFileError: there is no such file.
    """

    options: GenerativeOptions = GenerativeOptions()

    def __post_init__(self) -> None:
        weights = self.options.weights
        if weights != SHIPPED_WEIGHTS and not Path(weights).expanduser().is_file():
            raise ModelFileError(
                f"There are no weights {str(weights)!r}: give {SHIPPED_WEIGHTS!r} or the path of an .npz file."
            )

    def parameters(self) -> dict[str, jax.Array]:
        weights = self.options.weights
        arrays = load_decoder() if weights == SHIPPED_WEIGHTS else load_own_decoder(Path(weights).expanduser())
        return jax.device_put(dict(arrays))  # `jnp.asarray` would compile a program for each shape.

    def sample_field(self, parameters: dict[str, jax.Array], key: jax.Array, start_time: jax.Array) -> jax.Array:
        with reference_draws():
            return decode(parameters, jax.random.normal(key, parameters["w0"].shape[:1]))
