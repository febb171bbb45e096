"""`ble-train wind`: trains the generative wind on a folder of wind fields.

    ble-train wind --data FOLDER --output weights.npz

`ble_train.wind_vae.fields` describes the folder. The weights are written after every epoch. They are used by
`GenerativeWindField` and by `--wind-field.weights weights.npz`.

A training that was stopped, by Ctrl-C or a kill, continues when the same command is given again, with the same number
of epochs or more. Its checkpoint is beside the weights: OUTPUT.checkpoint, three times the size of the model.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from ble_eval.command_line.errors import INTERRUPTED
from ble_eval.command_line.parsing import Switch, parse_words
from ble_eval.errors import UserError
from ble_sim.files.locks import locked
from ble_train.wind_vae.settings import VaeSettings

if TYPE_CHECKING:
    from ble_train.wind_vae.training import VaeTraining


@dataclass(frozen=True)
class WindArguments:
    """Train the generative wind on a folder of wind fields, and evaluate it on a part of them that is held back."""

    data: Path
    """Folder of .npy or .npz files of fields [21, 21, 10, 9, 2], or several stacked along a first axis."""

    output: Path = Path("weights.npz")
    """File for the decoder's weights."""

    epochs: int = 100
    """Number of epochs in all."""

    settings: tyro.conf.OmitArgPrefixes[VaeSettings] = VaeSettings()

    checkpoint_minutes: float = 10.0
    """Minutes from one checkpoint to the next. One is also written when training ends or is stopped."""

    fresh: Switch = False
    """Discard the checkpoint of a training that was stopped."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    return train_wind(parse_words(WindArguments, words, program))


def train_wind(arguments: WindArguments) -> int:
    """Train to the last epoch, write the weights, and return the exit status.

    Raises:
        UserError: a flag has an unusable value, or the data or a file cannot be used.
        LockedError: another process trains for the same file.
    """
    from ble_train.wind_vae.fields import TrainingFields
    from ble_train.wind_vae.training import VaeTraining

    if arguments.output.suffix != ".npz":
        raise UserError(f"--output is {arguments.output}: give a file whose name ends in .npz.")
    checkpoint = arguments.output.with_name(arguments.output.name + ".checkpoint")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with locked(arguments.output):
        try:
            training = VaeTraining(TrainingFields(arguments.data), arguments.settings)
            if checkpoint.exists() and not arguments.fresh:
                training.load_checkpoint(checkpoint)
        except ValueError as error:
            hint = " Give --fresh to begin anew, or another --output." if checkpoint.exists() else ""
            raise UserError(f"{error}{hint}") from error
        return _train(arguments, training, checkpoint)


def _train(arguments: WindArguments, training: "VaeTraining", checkpoint: Path) -> int:
    from rich.console import Console

    from ble_eval.command_line.progress import ProgressDisplay

    total = arguments.epochs * training.settings.batches_per_epoch
    display = ProgressDisplay(Console(), "training", total, completed=training.state.step)
    held_back, trained_on = len(training.held_back), len(training.trained_on)
    display.print(f"{trained_on} fields to train on, {held_back} held back; {training.epoch} epochs are done")
    saved = time.monotonic()

    def on_batch(loss: float) -> None:
        nonlocal saved
        step = training.state.step
        display.show(step, f"{step}/{total} batches, loss {loss:.6g}")
        if time.monotonic() - saved > 60.0 * arguments.checkpoint_minutes:
            training.save_checkpoint(checkpoint)
            saved = time.monotonic()

    try:
        with display:
            while training.epoch < arguments.epochs:
                loss = training.train_epoch(on_batch)
                training.save_weights(arguments.output)
                terms = training.evaluate()
                display.print(
                    f"epoch {training.epoch}: loss {loss:.6g}, held back {terms.loss:.6g}"
                    f" (error {terms.error:.3g} m/s, divergence {terms.divergence:.4g})"
                )
    except KeyboardInterrupt:
        training.save_checkpoint(checkpoint)
        display.print(f"Stopped after {training.epoch} epochs. The same command continues from {checkpoint}.")
        return INTERRUPTED
    training.save_checkpoint(checkpoint)
    display.print(f"weights: {arguments.output}")
    return 0
