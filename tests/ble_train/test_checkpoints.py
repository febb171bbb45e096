import shutil
import subprocess
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


OTHERS = {
    ".DS_Store": "file",
    ".nfs000000001": "file",
    "notes.txt": "file",
    "3": "file",
    "3.backup": "folder",
    "3 copy": "folder",
    "03": "folder",
    "5": "folder",
    "removing": "folder",
    "writing.backup": "folder",
    "7": "link",
    "link.last": "link",
    "2.orbax-checkpoint-tmp-9": "link",
}


def put(folder: Path, name: str, kind: str) -> None:
    if kind == "file":
        (folder / name).write_text(name)
    elif kind == "link":
        (folder / name).symlink_to(folder / "0")
    else:
        (folder / name).mkdir()
        (folder / name / "precious").write_text(name)


def test_what_others_keep_beside_the_checkpoints_stays(checkpoints):
    saved(checkpoints, 0)
    for name, kind in OTHERS.items():
        put(checkpoints.folder, name, kind)
    saved(checkpoints, *range(1, 9))
    assert checkpoints.iterations() == [4, 5, 6, 7, 8]
    for iteration in checkpoints.iterations():
        found = checkpoints.load(iteration, {"agent": part(0)})
        np.testing.assert_array_equal(found["agent"]["layers"]["w"], part(iteration)["layers"]["w"])
    iteration, parts = checkpoints.load_latest({"agent": part(0)}, resuming={"work": {"n": np.int32(0)}})
    assert (iteration, int(parts["work"]["n"])) == (8, 8)
    saved(checkpoints, 6)  # Removes those of an abandoned future, under whatever name.
    assert checkpoints.iterations() == [4, 5, 6]
    for name, kind in OTHERS.items():
        path = checkpoints.folder / name
        if kind == "link":
            assert path.is_symlink()
        else:
            assert (path if kind == "file" else path / "precious").read_text() == name
    own = {"4", "5.checkpoint", "6"}
    assert {path.name for path in checkpoints.folder.iterdir()} == {*OTHERS, *own}


def test_a_name_that_becomes_free_is_taken_again(checkpoints):
    saved(checkpoints, 0)
    put(checkpoints.folder, "1", "file")
    saved(checkpoints, 1)
    assert (checkpoints.folder / "1.checkpoint").is_dir()
    (checkpoints.folder / "1").unlink()
    assert checkpoints.load_latest({"agent": part(0)})[0] == 1
    saved(checkpoints, 1)
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["0", "1"]


def test_a_file_that_somebody_puts_into_a_checkpoint_keeps_it(checkpoints):
    saved(checkpoints, 0)
    (checkpoints.folder / "0" / "why.txt").write_text("the one of the paper")
    (checkpoints.folder / "0" / ".DS_Store").write_text("")
    saved(checkpoints, *range(1, 8))
    assert checkpoints.iterations() == [0, 3, 4, 5, 6, 7]
    checkpoints.load(0, {"agent": part(0)})
    assert (checkpoints.folder / "0" / "why.txt").read_text() == "the one of the paper"
    saved(checkpoints, 1, 0)
    assert [path.read_text() for path in checkpoints.folder.rglob("why.txt")] == ["the one of the paper"]


def test_a_part_that_was_removed_by_half_does_not_spoil_its_checkpoint(checkpoints, monkeypatch):
    saved(checkpoints, 0, 1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda path, **keywords: None)  # Killed in between.
        saved(checkpoints, 2)
    checkpoints.load_latest({"agent": part(0)})
    for iteration in (1, 2):
        for file in files_of(checkpoints, iteration):
            file.write_bytes(b"")
    with pytest.warns(CheckpointWarning):
        iteration, parts = checkpoints.load_latest({"agent": part(0)}, resuming={"work": {"n": np.int32(0)}})
    assert iteration == 0
    assert list(parts) == ["agent"]
    saved(checkpoints, 1)
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["0", "1"]


def test_a_checkpoint_that_cannot_be_removed_does_not_end_the_training(checkpoints, monkeypatch):
    saved(checkpoints, *range(5))

    def busy(path, target):
        if path.name == "0":
            raise OSError(16, "Device or resource busy")
        return rename(path, target)

    rename = Path.rename
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", busy)
        saved(checkpoints, 5)
    assert checkpoints.iterations() == [0, 1, 2, 3, 4, 5]
    saved(checkpoints, 6)
    assert checkpoints.iterations() == [2, 3, 4, 5, 6]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 400 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("There is no mount.")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("No file system may be mounted here.")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_loses_no_checkpoint_and_prints_no_traceback(small_disk, capfd):
    checkpoints = Checkpoints(small_disk / "checkpoints")
    saved(checkpoints, 0, 1)
    room = shutil.disk_usage(small_disk).free
    for left in (0, 20_000, 60_000):
        (small_disk / "other").write_bytes(b"0" * (room - left))
        with pytest.raises(OSError, match="No space left"):
            checkpoints.save(2, {"agent": {"w": np.arange(20_000.0)}})
        assert checkpoints.iterations() == [0, 1]
        assert checkpoints.load_latest({"agent": part(0)})[0] == 1
        (small_disk / "other").unlink()
    assert "Traceback" not in "".join(capfd.readouterr())
    checkpoints.save(2, {"agent": {"w": np.arange(20_000.0)}})
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["0", "1", "2"]


def test_a_file_size_limit_is_an_error_of_the_system(checkpoints):
    resource = pytest.importorskip("resource")
    saved(checkpoints, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*/1'"):
            checkpoints.save(1, {"agent": {"w": np.arange(20_000.0)}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in checkpoints.folder.iterdir()] == ["0"]
