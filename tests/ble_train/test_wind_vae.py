"""Training the generative wind again, on tiny data."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.files.locks import locked
from ble_sim.wind.fields.decoder import decode, load_decoder
from ble_sim.wind.fields.generative import GenerativeWindField
from ble_sim.wind.fields.grid import GRID_SHAPE, on_grid
from ble_sim.wind.fields.options import GenerativeOptions, UniformShearOptions
from ble_sim.wind.fields.shear import UniformShearWindField
from ble_train.cli import main
from ble_train.wind_vae.fields import TrainingFields, TrainingFieldsError
from ble_train.wind_vae.model import initial_parameters, loss_terms
from ble_train.wind_vae.settings import VaeSettings
from ble_train.wind_vae.training import VaeTraining

TINY = {"batch_size": 4, "batches_per_epoch": 5, "num_latents": 3, "hidden_units": 8, "learning_rate": 3e-3}
TINY_FLAGS = [word for name, value in TINY.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve fields in four files of all kinds."""
    folder = tmp_path_factory.mktemp("fields")
    fields = [np.asarray(on_grid(UniformShearWindField(UniformShearOptions(heading=30.0 * i)), ())) for i in range(12)]
    np.save(folder / "one.npy", fields[0])
    np.save(folder / "five.npy", np.stack(fields[1:6]).astype(np.float64))
    np.savez(folder / "two.npz", a=fields[6], b=fields[7])
    np.savez_compressed(folder / "stack.npz", fields=np.stack(fields[8:]))
    return folder


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str]:
        status = main(["wind", *map(str, words)])
        out, err = capsys.readouterr()
        return status, out + err

    return call


def test_any_field_is_laid_out_on_the_grid():
    field = GenerativeWindField()
    forecast = field.sample(field.parameters(), jax.random.PRNGKey(0), jnp.int32(0))
    np.testing.assert_allclose(on_grid(field, forecast), forecast, atol=2e-4)


def test_fields_of_all_files_are_read_by_number(folder):
    fields = TrainingFields(folder)
    assert len(fields) == 12
    headings = fields[np.arange(12)][:, 0, 0, 4, 0]
    assert headings.shape == (12, 2)
    for number, place in enumerate([1, 2, 3, 4, 5, 0, 8, 9, 10, 11, 6, 7]):  # files in the order of their names
        expected = np.asarray(on_grid(UniformShearWindField(UniformShearOptions(heading=30.0 * place)), ()))
        np.testing.assert_allclose(fields[np.array([number])][0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (None, "There are no .npy or .npz files in"),
        (np.zeros((21, 21, 10, 9)), r"holds float64\[21, 21, 10, 9\]: give floats of the shape \[21, 21, 10, 9, 2\]"),
        (np.zeros(GRID_SHAPE, np.int32), "holds int32"),
        (np.full(GRID_SHAPE, np.nan), "has gaps"),
    ],
)
def test_files_that_hold_no_fields_are_refused(tmp_path, array, message):
    if array is not None:
        np.save(tmp_path / "field.npy", array)
    with pytest.raises(TrainingFieldsError, match=message):
        TrainingFields(tmp_path)[np.array([0])]
    (tmp_path / "text.npz").write_text("no fields")
    with pytest.raises(TrainingFieldsError, match=r"field\.npy|text\.npz"):
        TrainingFields(tmp_path)[np.array([0])]


def test_the_loss_is_the_one_that_is_written_down():
    key = jax.random.PRNGKey(0)
    parameters = initial_parameters(key, 3, 8)
    # An encoder of zeros gives the latents of the prior: no divergence, and z = the draw.
    encoder = {name: jnp.zeros_like(array) for name, array in parameters.encoder.items()}
    parameters = parameters._replace(encoder=encoder, sigma=jnp.float32(2.0))
    field = jax.random.normal(key, GRID_SHAPE)
    terms = loss_terms(parameters, field, key, 7.0)
    error = float(jnp.sum((field - decode(parameters.decoder, jax.random.normal(key, (3,)))) ** 2))
    assert float(terms.divergence) == 0.0
    assert float(terms.squared_error) == pytest.approx(error, rel=1e-5)
    assert float(terms.loss) == pytest.approx(error / 8 + math.log(2 * math.sqrt(2 * math.pi)), rel=1e-5)
    # Means of 1 and variances of e: KL = -0.5 (1 + 1 - 1 - e) for each latent.
    encoder["b3"] = jnp.ones(6)
    terms = loss_terms(parameters, field, key, 7.0)
    assert float(terms.divergence) == pytest.approx(3 * 0.5 * (math.e - 1), rel=1e-5)
    assert float(terms.loss) == pytest.approx(
        float(terms.squared_error) / 8 + math.log(2 * math.sqrt(2 * math.pi)) + 7 * float(terms.divergence), rel=1e-5
    )


def test_the_model_has_the_layout_of_the_benchmarks():
    decoder = jax.eval_shape(lambda key: initial_parameters(key, 64, 1000), jax.random.key(0)).decoder
    assert {name: array.shape for name, array in decoder.items()} == {
        name: array.shape for name, array in load_decoder().items()
    }


def test_beta_grows_in_steps_up_to_its_maximum():
    settings = VaeSettings(beta_start=0.1, beta_increment=2.0, beta_frequency=3, beta_max=0.5)
    assert [settings.beta(epoch) for epoch in (0, 2, 3, 6, 9, 99)] == [0.1, 0.1, 0.2, 0.4, 0.5, 0.5]
    assert VaeSettings().beta(50) == 1.0


def test_training_lowers_the_loss_of_fields_it_has_not_seen_and_the_weights_fly(command, folder):
    status, out = command("--data", folder, "--output", "new/weights.npz", "--epochs", 8, *TINY_FLAGS)
    assert status == 0
    assert "11 fields to train on, 1 held back" in out
    losses = [float(line.split("held back ")[1].split()[0]) for line in out.splitlines() if line.startswith("epoch")]
    assert len(losses) == 8
    assert losses[-1] < 0.9 * losses[0]
    assert sorted(path.name for path in Path("new").iterdir()) == ["weights.npz", "weights.npz.checkpoint"]

    field = GenerativeWindField(GenerativeOptions("new/weights.npz"))
    parameters = field.parameters()
    training = VaeTraining(TrainingFields(folder), VaeSettings(**TINY))
    training.load_checkpoint(Path("new/weights.npz.checkpoint"))
    assert training.epoch == 8
    for name, array in training.state.parameters.decoder.items():
        np.testing.assert_array_equal(parameters[name], array)
    forecast = field.sample(parameters, jax.random.PRNGKey(0), jnp.int32(0))
    place = [jnp.float32(c) for c in (1e4, -2e4, 9000.0)]
    assert np.isfinite(field.wind(forecast, *place, jnp.int32(4000))).all()


def test_a_stopped_training_ends_like_one_that_was_not(command, folder, monkeypatch):
    words = ["--data", folder, *TINY_FLAGS]
    assert command(*words, "--epochs", 3, "--output", "whole.npz")[0] == 0

    real, calls = VaeTraining._batch, []

    def interrupting(self, step):
        calls.append(step)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return real(self, step)

    monkeypatch.setattr(VaeTraining, "_batch", interrupting)
    status, out = command(*words, "--epochs", 3, "--output", "parts.npz")
    assert status == 130
    assert "Stopped after 1 epochs. The same command continues from parts.npz.checkpoint." in out
    status, out = command(*words, "--epochs", 2, "--output", "parts.npz")
    assert status == 0
    assert "1 epochs are done" in out
    assert command(*words, "--epochs", 3, "--output", "parts.npz")[0] == 0
    assert calls == [*range(8), *range(7, 15)]
    with np.load("whole.npz") as whole, np.load("parts.npz") as parts:
        for name in whole.files:
            np.testing.assert_array_equal(whole[name], parts[name])


def test_checkpoints_are_written_on_the_way(command, folder, monkeypatch):
    """A process that is killed leaves no chance to write one."""
    steps = []
    monkeypatch.setattr(VaeTraining, "save_checkpoint", lambda self, file: steps.append(self.state.step))
    assert command("--data", folder, "--epochs", 2, "--checkpoint-minutes", 0, *TINY_FLAGS)[0] == 0
    assert steps == [*range(1, 11), 10]


def test_a_checkpoint_of_another_training_is_kept(command, folder, tmp_path):
    words = ["--data", folder, "--output", "weights.npz", *TINY_FLAGS]
    assert command(*words, "--epochs", 1)[0] == 0
    status, out = command(*words, "--epochs", 1, "--seed", 3)
    assert status == 2
    assert "of another training: seed is 0 there and 3 here. Give --fresh" in out
    assert command(*words, "--epochs", 1, "--seed", 3, "--fresh")[0] == 0
    (tmp_path / "weights.npz.checkpoint").write_bytes(b"PK damaged")
    status, out = command(*words, "--epochs", 1, "--seed", 3)
    assert status == 2
    assert "cannot be read" in out


def test_a_second_training_for_the_same_file_is_refused(command, folder, tmp_path):
    with locked(tmp_path / "weights.npz"):
        status, out = command("--data", folder, "--output", "weights.npz", "--fresh", *TINY_FLAGS)
    assert status == 2
    assert "weights.npz is in use by process" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output", "weights.h5"], "ends in .npz"),
        (["--batch-size", 0], "batch_size must be at least 1"),
        (["--held-back", 1.0], "held_back must be between 0 and 1"),
        (["--learning-rate", 0.0], "learning_rate must be positive"),
        (["--data", "nowhere"], "There are no .npy or .npz files in nowhere"),
    ],
)
def test_mistakes_are_named(command, folder, tmp_path, words, message):
    status, out = command("--data", folder, *words)
    assert status == 2
    assert message in out
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_of_the_process(folder, tmp_path):
    words = ["wind", "--data", str(folder), "--output", "weights.npz", "--epochs", "1000000", *TINY_FLAGS]
    # A test run in the background has Ctrl-C ignored, and so would its children.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from ble_train.cli import main; sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    )
    assert process.stdout is not None
    while not process.stdout.readline().startswith("epoch 2:"):
        pass
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped after" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["weights.npz", "weights.npz.checkpoint"]


def test_help_does_not_wait_for_jax():
    code = """
import sys
from ble_train.cli import main
try:
    main(["wind", "--help"])
except SystemExit as stop:
    assert stop.code == 0
assert not {"jax", "optax", "flax"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
