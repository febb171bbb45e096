"""The names that `ble_sim` exports."""

import subprocess
import sys

import pytest

import ble_sim


def test_every_public_name_is_there():
    for name in ble_sim.__all__:
        assert getattr(ble_sim, name).__name__ == name
    assert set(ble_sim.__all__) <= set(dir(ble_sim))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'ble_sim' has no attribute 'Baloon'"):
        ble_sim.Baloon  # noqa: B018


def test_importing_the_package_imports_neither_jax_nor_numpy():
    code = "import sys, ble_sim; assert not {'jax', 'numpy'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
