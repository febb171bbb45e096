from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ble_train.checkpoints import NUM_NEWEST, CheckpointError, Checkpoints, CheckpointWarning, MismatchError


class Pair(NamedTuple):
    left: np.ndarray
    right: np.ndarray


def part(value: float):
    return {"layers": {"w": np.full((3, 4), value, np.float32)}, "pair": Pair(np.int64(7), np.arange(3) > 0)}


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def saved(checkpoints: Checkpoints, *iterations: int) -> Checkpoints:
    for iteration in iterations:
        checkpoints.save(iteration, {"agent": part(iteration)}, resuming={"work": {"n": np.int32(iteration)}})
    return checkpoints


def files_of(checkpoints: Checkpoints, iteration: int) -> list[Path]:
    return sorted(path for path in (checkpoints.folder / str(iteration)).rglob("*") if path.is_file())


def test_what_was_saved_is_loaded(checkpoints):
    saved(checkpoints, 0, 1)
    loaded = checkpoints.load(0, {"agent": part(-1)})["agent"]
    np.testing.assert_array_equal(loaded["layers"]["w"], part(0)["layers"]["w"])
    assert isinstance(loaded["pair"], Pair)
    assert loaded["pair"].left == 7
    assert loaded["pair"].left.dtype == np.int64
    np.testing.assert_array_equal(loaded["pair"].right, [False, True, True])


def test_the_newest_are_kept_and_what_only_resuming_needs_with_fewer(checkpoints):
    saved(checkpoints, *range(8))
    assert checkpoints.iterations() == [3, 4, 5, 6, 7]
    assert len(checkpoints.iterations()) == NUM_NEWEST
    with_work = [
        iteration for iteration in checkpoints.iterations() if (checkpoints.folder / f"{iteration}/work").exists()
    ]
    assert with_work == [6, 7]
    iteration, parts = checkpoints.load_latest({"agent": part(0)}, resuming={"work": {"n": np.int32(0)}})
    assert (iteration, int(parts["work"]["n"])) == (7, 7)


def test_a_checkpoint_replaces_those_of_an_abandoned_future(checkpoints):
    saved(checkpoints, 1, 2, 3)
    saved(checkpoints, 2)
    assert checkpoints.iterations() == [1, 2]


def test_what_a_kill_leaves_is_no_checkpoint_and_is_cleaned_up(checkpoints):
    saved(checkpoints, 1)
    unfinished = checkpoints.folder / "2.orbax-checkpoint-tmp-12"
    unfinished.mkdir()
    (checkpoints.folder / "removing.0").mkdir()
    assert checkpoints.iterations() == [1]
    saved(checkpoints, 2)
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["1", "2"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(checkpoints, damage):
    saved(checkpoints, 1)
    number_of_files = len(files_of(checkpoints, 1))
    harmless = 0
    for index in range(number_of_files):
        saved(checkpoints, 2)
        # Names differ from save to save, the kinds of files do not.
        file = files_of(checkpoints, 2)[index]
        content = file.read_bytes()
        if damage == "missing":
            file.unlink()
        elif damage == "truncated":
            file.write_bytes(content[: len(content) // 2])
        else:
            file.write_bytes(content[: len(content) // 2] + bytes(255 - byte for byte in content[len(content) // 2 :]))
        try:
            loaded = checkpoints.load(2, {"agent": part(0)})
        except CheckpointError:
            with pytest.warns(CheckpointWarning, match="Continues from the one before"):
                iteration, parts = checkpoints.load_latest({"agent": part(0)})
            assert iteration == 1
            np.testing.assert_array_equal(parts["agent"]["layers"]["w"], part(1)["layers"]["w"])
        else:  # Something that loading does not read.
            harmless += 1
            np.testing.assert_array_equal(loaded["agent"]["layers"]["w"], part(2)["layers"]["w"])
    assert harmless < number_of_files


def test_only_damaged_ones_are_an_error(checkpoints):
    saved(checkpoints, 4)
    for file in files_of(checkpoints, 4):
        file.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"checkpoint .*4"):
        checkpoints.load_latest({"agent": part(0)})


def test_a_checkpoint_of_something_else_says_where_it_differs(checkpoints):
    saved(checkpoints, 4)
    other_shape = {**part(0), "layers": {"w": np.zeros((3, 5), np.float32)}}
    with pytest.raises(MismatchError, match=r"layers.w is float32\[3, 4\] instead of float32\[3, 5\].*options"):
        checkpoints.load(4, {"agent": other_shape})
    with pytest.raises(MismatchError, match="bias"):
        checkpoints.load_latest({"agent": {**part(0), "bias": np.zeros(2)}})


def test_a_number_that_is_not_there_lists_those_that_are(checkpoints):
    assert checkpoints.load_latest({"agent": part(0)}) is None
    saved(checkpoints, 3, 4)
    with pytest.raises(CheckpointError, match=r"no checkpoint 5 in .*There are: 3, 4"):
        checkpoints.load(5, {"agent": part(0)})
