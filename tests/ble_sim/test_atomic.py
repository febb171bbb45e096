import json

import numpy as np
import pytest

from ble_sim.files.atomic import write_arrays, write_bytes, write_json, write_text


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
