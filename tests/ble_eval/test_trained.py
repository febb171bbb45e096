"""Which checkpoint of a training run an evaluation and an export take, and what is said where there is none."""

import json

import pytest

from ble_env.task_parts import Choice
from ble_eval.cli import main
from ble_eval.errors import UserError
from ble_eval.sweeps import lines
from ble_eval.trained import CHECKSUMS, chosen_checkpoint, trained_with
from ble_sim.plugins import NoOptions


@pytest.fixture
def run(tmp_path):
    """Makes a run's folder with checkpoints, and validations (iteration, TWR50)."""

    def make(*, checkpoints=(), best=(), curve=()):
        folder = tmp_path / "run"
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "settings.json").write_text("{}")
        for name, numbers in (("checkpoints", checkpoints), ("best", best)):
            for number in numbers:
                (folder / name / str(number) / CHECKSUMS).mkdir(parents=True)
        lines = [json.dumps({"iteration": iteration, "twr50": twr50}) + "\n" for iteration, twr50 in curve]
        (folder / "learning_curve.jsonl").write_text("".join(lines))
        return folder

    return make


def test_the_best_of_the_validations_is_taken(run):
    folder = run(checkpoints=[4, 5, 6], best=[1, 3], curve=[(1, 0.2), (3, 0.5), (5, 0.4), (6, 0.5)])
    chosen = chosen_checkpoint(folder)
    assert (chosen.folder, chosen.number) == (folder / "best", 3)
    assert str(chosen) == f"checkpoint 3 of {folder}/best, the best of 4 validations, TWR50 0.500"


def test_without_validations_the_newest_is_taken(run):
    folder = run(checkpoints=[4, 10, 9])
    assert str(chosen_checkpoint(folder)) == (
        f"checkpoint 10 of {folder}/checkpoints, the newest, since there were no validations"
    )


def test_the_best_is_one_whose_validation_is_known(run):
    # A run that was resumed from an older checkpoint has left the 8; the 5 was removed.
    folder = run(checkpoints=[4, 6], best=[2, 8], curve=[(2, 0.3), (5, 0.6)])
    assert chosen_checkpoint(folder).number == 2


def test_a_number_is_looked_for_in_both_folders(run):
    folder = run(checkpoints=[5, 6], best=[2], curve=[(2, 0.3)])
    assert chosen_checkpoint(folder, 6).folder == folder / "checkpoints"
    assert chosen_checkpoint(folder, 2).folder == folder / "best"
    with pytest.raises(UserError) as caught:
        chosen_checkpoint(folder, 3)
    assert str(caught.value) == (
        f"There is no checkpoint 3 in {folder}. There are 5, 6 in {folder}/checkpoints; 2 in {folder}/best."
    )


def test_a_folder_of_checkpoints_may_be_given(run):
    folder = run(checkpoints=[5, 6], best=[2], curve=[(2, 0.3)])
    assert str(chosen_checkpoint(folder / "checkpoints")) == f"checkpoint 6 of {folder}/checkpoints, the newest"
    assert chosen_checkpoint(folder / "best").number == 2


def test_a_damaged_learning_curve_does_not_matter(run):
    folder = run(checkpoints=[5], best=[2], curve=[(2, 0.3)])
    with (folder / "learning_curve.jsonl").open("a") as file:
        file.write('{"iteration": 3, "tw')
    assert chosen_checkpoint(folder).number == 2
    (folder / "learning_curve.jsonl").write_bytes(b"\xff")
    assert chosen_checkpoint(folder).number == 5


def test_checkpoints_of_other_kinds_are_left_to_the_agent(tmp_path):
    (tmp_path / "weights-7.bin").touch()
    assert chosen_checkpoint(tmp_path, 7).number == 7
    (tmp_path / "3").touch()
    assert chosen_checkpoint(tmp_path).number == 3


def test_where_there_is_no_checkpoint_the_advice_fits(run, tmp_path):
    folder = run()
    exported, text, empty = tmp_path / "a.npz", tmp_path / "a.txt", tmp_path / "empty"
    exported.touch()
    text.touch()
    empty.mkdir()
    for path, message in (
        (tmp_path / "nowhere", f"There is no folder {tmp_path}/nowhere. Give that of a training run"),
        (exported, f"fly it with --agent {exported}"),
        (text, "is a file, not the folder of a training run"),
        (empty, r"There is no checkpoint in .*empty. Give the folder of a training run, with its settings.json\.$"),
        (tmp_path, f"{folder} is one"),
        (folder, f"is a training run without a checkpoint yet: train on, `ble-train run --base-dir {folder}`"),
    ):
        with pytest.raises(UserError, match=message):
            chosen_checkpoint(path)
    (folder / "unfinished/2/checkpoints/0" / CHECKSUMS).mkdir(parents=True)
    with pytest.raises(UserError, match=f"within the first iteration is in {folder}/unfinished/2/checkpoints"):
        chosen_checkpoint(folder)
    assert chosen_checkpoint(folder / "unfinished/2/checkpoints").number == 0


def test_the_settings_of_a_run_are_found_from_its_folders(run):
    folder = run()
    for inner in (folder, folder / "checkpoints", folder / "best", folder / "unfinished/2/checkpoints"):
        with pytest.raises(UserError, match=r"settings.json does not describe a training run"):
            trained_with(inner)
    assert trained_with(folder / "checkpoints" / "deeper") == {}


def test_another_observation_than_that_of_the_training_is_refused(run, monkeypatch, capsys):
    folder = run(checkpoints=[1])
    trained = {"agent": Choice("random", NoOptions()), "observation": Choice("wind_only", NoOptions())}
    monkeypatch.setattr(lines, "trained_with", lambda path: trained)
    words = ["--agent", "random", "--observation", "perciatelli", "--seeds", "1", "--checkpoint", str(folder)]
    assert main(["run", *words]) == 2
    assert "was trained with the observation 'wind_only', not 'perciatelli'" in capsys.readouterr().err
