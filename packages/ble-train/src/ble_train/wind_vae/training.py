"""Training of the wind's variational autoencoder, which continues after a stop.

The fields of a batch and the latents that are drawn depend only on the seed and the number of the step, so that a
training that was stopped ends like one that was not.
"""

import functools
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ble_eval.settings import differences, listing
from ble_sim.files.atomic import write_arrays
from ble_sim.keys import as_key, seed_data
from ble_train.checkpoints import CheckpointError, MismatchError
from ble_train.learner import learning_scope
from ble_train.wind_vae.fields import TrainingFields
from ble_train.wind_vae.model import Terms, VaeParameters, initial_parameters, loss_terms
from ble_train.wind_vae.settings import VaeSettings


class TrainingState(NamedTuple):
    """The state of a training."""

    parameters: VaeParameters
    optimizer: optax.OptState
    step: int
    """Number of batches trained on."""


class VaeTraining:
    """A training and its state.

    Args:
        fields: the data.
        settings: what else shapes the result.

    Raises:
        ValueError: a setting is out of range, or there are fewer than two fields.
    """

    def __init__(self, fields: TrainingFields, settings: VaeSettings = VaeSettings()) -> None:
        settings.check()
        if len(fields) < 2:
            raise ValueError("There must be two fields or more, one of which is held back.")
        self.fields, self.settings = fields, settings
        order = np.random.default_rng((settings.seed, 0)).permutation(len(fields))
        held_back = min(max(round(settings.held_back * len(fields)), 1), len(fields) - 1)
        self.held_back, self.trained_on = np.sort(order[:held_back]), np.sort(order[held_back:])
        self._optimizer = optax.adam(settings.learning_rate)
        self._key = as_key(seed_data(settings.seed))
        self._train = jax.jit(functools.partial(_train, self._optimizer))
        self._evaluate = jax.jit(_evaluate)
        with learning_scope():
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
            with learning_scope():
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
            with learning_scope():
                sums += np.asarray(self._evaluate(self.state.parameters, self.fields[numbers], self._key, beta))
        return Terms(*(sums / len(self.held_back)))

    def save_weights(self, file: Path) -> None:
        """Write the decoder's arrays as `ble_sim.wind.fields.decoder.load_decoder` reads them."""
        write_arrays(file, {name: np.asarray(array) for name, array in self.state.parameters.decoder.items()})

    def save_checkpoint(self, file: Path) -> None:
        """Write everything that is needed to continue."""
        leaves = jax.tree.leaves((self.state.parameters, self.state.optimizer))
        arrays = {f"leaf_{number}": np.asarray(leaf) for number, leaf in enumerate(leaves)}
        identity = np.asarray(json.dumps(self._identity()))
        write_arrays(file, {**arrays, "step": np.asarray(self.state.step), "identity": identity})

    def load_checkpoint(self, file: Path) -> None:
        """Continue from a checkpoint.

        Raises:
            MismatchError: it belongs to other data or settings.
            CheckpointError: it is damaged.
        """
        leaves, structure = jax.tree.flatten((self.state.parameters, self.state.optimizer))
        try:
            with np.load(file) as archive:
                identity, step = json.loads(str(archive["identity"])), int(archive["step"])
                if identity == self._identity():
                    leaves = [jnp.asarray(archive[f"leaf_{number}"]) for number in range(len(leaves))]
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"The checkpoint {file} cannot be read: {error}") from error
        if found := differences(identity, self._identity()):
            raise MismatchError(f"The checkpoint {file} is of another training{listing(found)}")
        parameters, optimizer = jax.tree.unflatten(structure, leaves)
        self.state = TrainingState(parameters, optimizer, step)

    def _batch(self, step: int) -> np.ndarray:
        rng = np.random.default_rng((self.settings.seed, 1, step))
        size = self.settings.batch_size
        return rng.choice(self.trained_on, size, replace=size > len(self.trained_on))

    def _identity(self) -> dict[str, Any]:
        return {**asdict(self.settings), "data": self.fields.digest}


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
