"""Training of the wind's variational autoencoder, which can be stopped and continued.

The fields of a batch and the latents that are drawn depend only on the seed and the number of the step, so that a
training that was stopped ends like one that was not.
"""

import functools
import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ble_sim.files.atomic import write_arrays
from ble_sim.wind.fields.decoder import NUM_LATENTS
from ble_sim.wind.fields.grid import GRID_SHAPE
from ble_train.wind_vae.fields import TrainingFields
from ble_train.wind_vae.model import Terms, VaeParameters, initial_parameters, loss_terms


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that shapes the trained weights, beside the data and the number of epochs.

    Attributes:
        batch_size: fields in a batch.
        batches_per_epoch: batches from one evaluation to the next.
        learning_rate: of Adam.
        beta_start, beta_increment, beta_frequency, beta_max: the weight of the divergence is
            min(start * increment ** (epoch // frequency), max).
        held_back: share of the fields that is evaluated on and not trained on; at least one field.
        num_latents, hidden_units: of the model.
        seed: of the weights, the batches and the latents.
    """

    batch_size: int = 64
    batches_per_epoch: int = 200
    learning_rate: float = 1e-5
    beta_start: float = 1.0
    beta_increment: float = 1.0
    beta_frequency: int = 1
    beta_max: float = 1.0
    held_back: float = 0.1
    num_latents: int = NUM_LATENTS
    hidden_units: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch_size", "batches_per_epoch", "beta_frequency", "num_latents", "hidden_units"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if not self.learning_rate > 0.0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate}.")
        if not 0.0 < self.held_back < 1.0:
            raise ValueError(f"held_back must be between 0 and 1, not {self.held_back}.")

    def beta(self, epoch: int) -> float:
        """The weight of the divergence in an epoch, from 0 on."""
        return min(self.beta_start * self.beta_increment ** (epoch // self.beta_frequency), self.beta_max)


class TrainingState(NamedTuple):
    """The state of a training."""

    parameters: VaeParameters
    optimizer: optax.OptState
    step: int
    """Number of batches trained on."""


class EpochReport(NamedTuple):
    """The losses of an epoch, means over fields."""

    epoch: int
    """Number of the epoch, from 1 on."""
    loss: float
    """Of the batches trained on."""
    held_back_loss: float
    held_back_error: float
    """Root mean square error of a component of the wind, m/s."""
    held_back_divergence: float
    """nats"""
    sigma: float
    """m/s"""


class CheckpointError(ValueError):
    """A checkpoint belongs to another training, or is damaged."""


class VaeTraining:
    """A training and its state.

    Args:
        fields: the data.
        settings: what else shapes the result.

    Raises:
        ValueError: there are fewer than two fields.
    """

    def __init__(self, fields: TrainingFields, settings: TrainingSettings = TrainingSettings()) -> None:
        if len(fields) < 2:
            raise ValueError("There must be two fields or more, one of which is held back.")
        self.fields, self.settings = fields, settings
        order = np.random.default_rng((settings.seed, 0)).permutation(len(fields))
        held_back = min(max(round(settings.held_back * len(fields)), 1), len(fields) - 1)
        self.held_back, self.trained_on = np.sort(order[:held_back]), np.sort(order[held_back:])
        self._optimizer = optax.adam(settings.learning_rate)
        self._key = jax.random.key(settings.seed)
        self._train = jax.jit(functools.partial(_train, self._optimizer))
        self._evaluate = jax.jit(_evaluate)
        parameters = initial_parameters(self._key, settings.num_latents, settings.hidden_units)
        self.state = TrainingState(parameters, self._optimizer.init(parameters), 0)

    @property
    def epoch(self) -> int:
        """Epochs that are finished."""
        return self.state.step // self.settings.batches_per_epoch

    def train_epoch(self, on_batch: Callable[[float], None] = lambda loss: None) -> float:
        """Train to the end of the epoch and return its mean loss, of the batches since it was called.

        An exception, such as that of Ctrl-C, leaves the state between two batches.
        """
        beta, losses = self.settings.beta(self.epoch), []
        for _ in range(self.settings.batches_per_epoch - self.state.step % self.settings.batches_per_epoch):
            parameters, optimizer, step = self.state
            batch, key = self.fields[self._batch(step)], jax.random.fold_in(self._key, step)
            parameters, optimizer, loss = self._train(parameters, optimizer, batch, key, beta)
            losses.append(float(loss))  # waits for the batch, so that an interruption finds it finished
            self.state = TrainingState(parameters, optimizer, step + 1)
            on_batch(losses[-1])
        return float(np.mean(losses))

    def evaluate(self) -> Terms:
        """The terms of the held-back fields' loss, means, always with the same latents drawn."""
        beta = self.settings.beta(max(self.epoch - 1, 0))
        sums = np.zeros(len(Terms._fields))
        for start in range(0, len(self.held_back), self.settings.batch_size):
            numbers = self.held_back[start : start + self.settings.batch_size]
            sums += np.asarray(self._evaluate(self.state.parameters, self.fields[numbers], self._key, beta))
        return Terms(*(sums / len(self.held_back)))

    def report(self, loss: float) -> EpochReport:
        """Evaluate at the end of an epoch that had the given `loss`."""
        terms = self.evaluate()
        return EpochReport(
            epoch=self.epoch,
            loss=loss,
            held_back_loss=float(terms.loss),
            held_back_error=float(np.sqrt(terms.squared_error / math.prod(GRID_SHAPE))),
            held_back_divergence=float(terms.divergence),
            sigma=float(self.state.parameters.sigma),
        )

    def save_weights(self, file: Path) -> None:
        """Write the decoder's arrays as `ble_sim.wind.fields.decoder.load_decoder` reads them."""
        write_arrays(file, {name: np.asarray(array) for name, array in self.state.parameters.decoder.items()})

    def save_checkpoint(self, file: Path) -> None:
        """Write everything that is needed to continue."""
        leaves = jax.tree.leaves((self.state.parameters, self.state.optimizer))
        arrays = {f"leaf_{number}": np.asarray(leaf) for number, leaf in enumerate(leaves)}
        write_arrays(file, {**arrays, "step": np.asarray(self.state.step), "identity": np.asarray(self._identity())})

    def load_checkpoint(self, file: Path) -> None:
        """Continue from a checkpoint.

        Raises:
            CheckpointError: it belongs to other data or settings, or is damaged.
        """
        leaves, structure = jax.tree.flatten((self.state.parameters, self.state.optimizer))
        try:
            with np.load(file) as archive:
                identity, step = str(archive["identity"]), int(archive["step"])
                if identity == self._identity():
                    leaves = [jnp.asarray(archive[f"leaf_{number}"]) for number in range(len(leaves))]
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"The checkpoint {file} cannot be read: {error}") from error
        if identity != self._identity():
            raise CheckpointError(
                f"The checkpoint {file} is of another training: {_difference(identity, self._identity())}."
            )
        parameters, optimizer = jax.tree.unflatten(structure, leaves)
        self.state = TrainingState(parameters, optimizer, step)

    def _batch(self, step: int) -> np.ndarray:
        rng = np.random.default_rng((self.settings.seed, 1, step))
        size = self.settings.batch_size
        return rng.choice(self.trained_on, size, replace=size > len(self.trained_on))

    def _identity(self) -> str:
        return json.dumps({**asdict(self.settings), "data": self.fields.digest})


def _train(optimizer: optax.GradientTransformation, parameters: VaeParameters, optimizer_state, fields, key, beta):
    def mean_loss(parameters: VaeParameters) -> jax.Array:
        keys = jax.random.split(key, fields.shape[0])
        return jax.vmap(loss_terms, (None, 0, 0, None))(parameters, fields, keys, beta).loss.mean()

    loss, gradients = jax.value_and_grad(mean_loss)(parameters)
    updates, optimizer_state = optimizer.update(gradients, optimizer_state, parameters)
    return optax.apply_updates(parameters, updates), optimizer_state, loss


def _evaluate(parameters: VaeParameters, fields: jax.Array, key: jax.Array, beta: float) -> Terms:
    keys = jax.random.split(key, fields.shape[0])
    terms = jax.vmap(loss_terms, (None, 0, 0, None))(parameters, fields, keys, beta)
    return jax.tree.map(jnp.sum, terms)


def _difference(there: str, here: str) -> str:
    found, wanted = json.loads(there), json.loads(here)
    names: list[Any] = [name for name in wanted if found.get(name) != wanted[name]]
    return ", ".join(f"{name} is {found.get(name)} there and {wanted[name]} here" for name in names)
