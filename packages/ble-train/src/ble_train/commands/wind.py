"""Train the generative wind again, on a folder of wind fields.

    python -m ble_train.commands.wind --data FOLDER --output weights.npz

Needs `pip install "ble-sim[train]"`. `ble_train.wind_vae.fields` says what the folder holds. The weights are written
after every epoch, and fly as `GenerativeWindField(weights="weights.npz")`, or `--wind-field.weights weights.npz`.

A training that was stopped, by Ctrl-C or otherwise, goes on when the same command is given again: beside the weights
lies a checkpoint, OUTPUT.checkpoint, three times the size of the model. More epochs may be given then.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

try:
    import tyro
except ImportError as error:
    raise ImportError('Training the wind needs more packages: pip install "ble-sim[train]"') from error

from ble_eval.command_line.errors import INTERRUPTED, UserError, run_command

PROGRAM = "python -m ble_train.commands.wind"


@dataclass(frozen=True)
class TrainVaeArguments:
    """Train the generative wind on a folder of wind fields, and evaluate it on a part of them that is held back."""

    data: Path
    """Folder of .npy or .npz files of fields [21, 21, 10, 9, 2], or several stacked along a first axis."""

    output: Path = Path("weights.npz")
    """File for the decoder's weights."""

    epochs: int = 100
    """After how many epochs training ends."""

    batch_size: int = 64
    """Fields in a batch."""

    batches_per_epoch: int = 200
    """Batches between two evaluations."""

    learning_rate: float = 1e-5
    """Of Adam."""

    beta_start: float = 1.0
    """Weight of the divergence from normal latents at the start."""

    beta_increment: float = 1.0
    """What it is multiplied by, every `beta_frequency` epochs."""

    beta_frequency: int = 1
    """Epochs between two increments."""

    beta_max: float = 1.0
    """Where it stops to grow."""

    held_back: float = 0.1
    """Share of the fields that is evaluated on and not trained on."""

    num_latents: int = 64
    """Numbers that a wind is decoded from."""

    hidden_units: int = 1000
    """Units of each hidden layer."""

    seed: int = 0
    """Of the first weights, the batches and the latents."""

    checkpoint_minutes: float = 10.0
    """Time between checkpoints, which are also written when training ends or is stopped."""

    fresh: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Discard the checkpoint of a training that was stopped."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    Raises:
        SystemExit: after --help, and with status 2 when flags cannot be parsed.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return run_command(PROGRAM, lambda: train_vae(tyro.cli(TrainVaeArguments, prog=PROGRAM, args=words)))


def train_vae(arguments: TrainVaeArguments) -> int:
    """Do what the arguments say and return the exit status.

    Raises:
        UserError: something about the data, the arguments or the files is for the user to put right.
    """
    from ble_train.wind_vae.fields import TrainingFields
    from ble_train.wind_vae.training import TrainingSettings, VaeTraining

    if arguments.output.suffix != ".npz":
        raise UserError(f"--output is {arguments.output}: give a file whose name ends in .npz.")
    checkpoint = arguments.output.with_name(arguments.output.name + ".checkpoint")
    names = [field.name for field in dataclasses.fields(TrainingSettings)]
    try:
        settings = TrainingSettings(**{name: getattr(arguments, name) for name in names})
        training = VaeTraining(TrainingFields(arguments.data), settings)
        if checkpoint.exists() and not arguments.fresh:
            training.load_checkpoint(checkpoint)
    except ValueError as error:
        hint = " Give --fresh to begin anew, or another --output." if checkpoint.exists() else ""
        raise UserError(f"{error}{hint}") from error
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    return _train(arguments, training, checkpoint)


def _train(arguments: TrainVaeArguments, training, checkpoint: Path) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(highlight=False, soft_wrap=True)
    held_back, trained_on = len(training.held_back), len(training.trained_on)
    console.print(f"{trained_on} fields to train on, {held_back} held back; {training.epoch} epochs are done")
    total = arguments.epochs * training.settings.batches_per_epoch
    columns = (TextColumn("loss {task.fields[loss]}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=total, completed=training.state.step, loss="")
            saved = time.monotonic()

            def on_batch(loss: float) -> None:
                nonlocal saved
                progress.update(task, advance=1, loss=f"{loss:.6g}")
                if time.monotonic() - saved > 60.0 * arguments.checkpoint_minutes:
                    training.save_checkpoint(checkpoint)
                    saved = time.monotonic()

            while training.epoch < arguments.epochs:
                loss = training.train_epoch(on_batch)
                training.save_weights(arguments.output)
                report = training.report(loss)
                console.print(
                    f"epoch {report.epoch}: loss {report.loss:.6g}, held back {report.held_back_loss:.6g}"
                    f" (error {report.held_back_error:.3g} m/s, divergence {report.held_back_divergence:.4g})"
                )
    except KeyboardInterrupt:
        training.save_checkpoint(checkpoint)
        console.print(f"Stopped after {training.epoch} epochs. The same command goes on from {checkpoint}.")
        return INTERRUPTED
    training.save_checkpoint(checkpoint)
    console.print(f"weights: {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
