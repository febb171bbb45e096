import contextlib
import errno
import json
import os
import re
import stat
import subprocess
import sys

import numpy as np
import pytest

from ble_sim.files import atomic
from ble_sim.files.atomic import remove_leftovers, replacing, write_arrays, write_bytes, write_json, write_text


@pytest.mark.parametrize(
    ("write", "read", "old", "new"),
    [
        (write_text, lambda path: path.read_text(encoding="utf-8"), "old, and longer", "né"),
        (write_bytes, lambda path: path.read_bytes(), b"old, and longer", b"\x00"),
        (write_json, lambda path: json.loads(path.read_text()), {"old": [1, 2, 3]}, None),
        (write_arrays, lambda path: float(np.load(path)["a"]), {"a": np.ones(())}, {"a": np.zeros(())}),
    ],
    ids=["text", "bytes", "json", "arrays"],
)
def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path, monkeypatch, write, read, old, new):
    path = tmp_path / "name.ext"
    for content in (old, new):
        write(path, content)
    found = read(path)
    assert found == (new if write is not write_arrays else 0.0)
    assert list(tmp_path.iterdir()) == [path]

    def full_disk(file):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space left"):
        write(path, old)
    assert read(path) == found
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "name.txt"
    write_text(path, "old")

    def full_disk(self, content):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.write_bytes", full_disk)
    with pytest.raises(OSError, match="no space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_no_numbers_that_are_not_finite(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", [float("nan")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_a_new_file_follows_the_umask_and_an_old_one_keeps_its_permissions(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "new.txt", "a")
        (tmp_path / "old.txt").write_text("a")
        (tmp_path / "old.txt").chmod(0o640)
        write_text(tmp_path / "old.txt", "b")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "old.txt").stat().st_mode) == 0o640


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    link, file = tmp_path / "here" / "a.txt", tmp_path / "there" / "a.txt"
    link.symlink_to(file)
    for text in ("first", "second"):  # The first time, the link leads nowhere.
        write_text(link, text)
        assert link.is_symlink()
        assert file.read_text() == text
    assert [path.name for path in tmp_path.rglob("*.txt")] == ["a.txt", "a.txt"]


def test_a_folder_of_that_name_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(IsADirectoryError, match=r"a\.json"), replacing(tmp_path / "a.json"):
        pytest.fail("The block begins.")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_write_protected_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("protected")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # For root, nothing is protected.
    with pytest.raises(PermissionError, match=r"a\.txt"):
        write_text(path, "new")
    assert path.read_text() == "protected"


@pytest.mark.parametrize("name", ["a" * 250, "é" * 120])
def test_a_long_name_has_room_for_the_temporary_file(tmp_path, name):
    write_text(tmp_path / name, "a")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_one_process_can_write_several_files_at_once(tmp_path):
    paths = [tmp_path / ("a" * 200 + str(number)) for number in range(3)]
    with contextlib.ExitStack() as stack:
        for path in paths:
            stack.enter_context(replacing(path)).write_text(path.name[-1])
    assert [path.read_text() for path in paths] == ["0", "1", "2"]


def test_only_what_dead_processes_of_this_machine_left_is_removed(tmp_path):
    code = "import os, sys; from pathlib import Path; from ble_sim.files.atomic import replacing\n"
    code += "with replacing(Path(sys.argv[1])) as temporary: temporary.write_text('half'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.json")])
    (left,) = tmp_path.iterdir()
    dead = re.search(r"[.](\d+)-\d+[.]tmp$", left.name)
    assert dead is not None
    alive = left.name.replace(f".{dead[1]}-", f".{os.getpid()}-")
    elsewhere = left.name.replace(f".{dead[1]}-", f".elsewhere.{dead[1]}-").replace(atomic._host(), "x")
    others = [alive, elsewhere, "notes.tmp", f".{dead[1]}.tmp", left.name.lstrip("."), f"{left.name}.backup"]
    for name in others:
        (tmp_path / name).write_text("")
    linked = tmp_path / left.name.replace("a.json", "link")
    linked.symlink_to(tmp_path / alive)
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*others, linked.name}
    remove_leftovers(tmp_path / "missing")


def test_an_error_of_the_system_names_the_file_and_not_the_temporary_one(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/a\.txt'$"):
        write_text(tmp_path / "a.txt", "text")
    with (
        pytest.raises(FileNotFoundError, match=r"/b\.txt'$"),
        replacing(tmp_path / "b.txt") as temporary,
    ):
        temporary.unlink()
