"""Model files are read only if they hold the published values."""

import importlib.resources
import re

import numpy as np
import pytest

from ble_sim.files.models import ModelFileError, arrays_digest, load_arrays

ARRAYS = {"w0": np.arange(6, dtype=np.float32).reshape(2, 3), "b0": np.array([1.5, -2.0], dtype=np.float32)}
DIGEST = "101752f5a730efb9617710a8c9feb94df8031c931d3c2732f6d5adc507dabde9"


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "model.npz"
    np.savez_compressed(path, **ARRAYS)
    return path


def test_the_digest_is_that_of_names_and_little_endian_values():
    assert arrays_digest(ARRAYS) == DIGEST
    assert arrays_digest(dict(reversed(ARRAYS.items()))) == DIGEST
    assert arrays_digest({name: array.astype(">f4") for name, array in ARRAYS.items()}) == DIGEST
    assert arrays_digest({"w1": ARRAYS["w0"], "b0": ARRAYS["b0"]}) != DIGEST


def test_load_arrays_returns_float32_by_name(model_file):
    arrays = load_arrays(model_file, DIGEST)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, ARRAYS[name])


def test_load_arrays_reads_package_resources(model_file, monkeypatch):
    package = model_file.parent / "some_model_package"
    package.mkdir()
    (package / "__init__.py").touch()
    model_file.rename(package / "model.npz")
    monkeypatch.syspath_prepend(model_file.parent)
    resource = importlib.resources.files("some_model_package") / "model.npz"
    assert load_arrays(resource, DIGEST).keys() == ARRAYS.keys()


def truncate(path):
    path.write_bytes(path.read_bytes()[:-40])


def empty(path):
    path.write_bytes(b"")


def flip_a_stored_byte(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"w0.npy") + 30] ^= 0xFF
    path.write_bytes(data)


def remove(path):
    path.unlink()


def replace_by_a_single_array(path):
    with path.open("wb") as stream:
        np.save(stream, ARRAYS["w0"])


def replace_by_pickled_objects(path):
    np.savez(path, w0=np.array([{"a": 1}], dtype=object))


@pytest.mark.parametrize(
    "damage",
    [truncate, empty, flip_a_stored_byte, remove, replace_by_a_single_array, replace_by_pickled_objects],
)
def test_an_unreadable_file_is_named_with_the_remedy(model_file, damage):
    damage(model_file)
    with pytest.raises(ModelFileError, match="cannot be read") as error:
        load_arrays(model_file, DIGEST, distribution="ble-agents")
    message = str(error.value)
    assert str(model_file) in message
    assert DIGEST in message
    assert "Reinstall ble-agents:" in message
    assert "pip install" in message


def test_altered_values_are_refused_with_both_digests(model_file):
    altered = {**ARRAYS, "b0": np.nextafter(ARRAYS["b0"], np.float32(9))}
    np.savez_compressed(model_file, **altered)
    with pytest.raises(ModelFileError, match=re.escape(str(model_file))) as error:
        load_arrays(model_file, DIGEST)
    message = str(error.value)
    assert f"Expected SHA-256 {DIGEST}, found {arrays_digest(altered)}." in message
    assert "Reinstall ble-sim:" in message
