"""Which device an environment takes."""

import jax
import pytest

from ble_env.host import devices
from ble_env.host.devices import PlatformError, find_device, local_devices


@pytest.fixture
def first():
    return jax.local_devices()[0]


def test_without_a_name_the_choice_is_left_to_jax():
    assert find_device(None) is None


@pytest.mark.parametrize("form", ["device", "name"])
def test_the_default_device_of_the_context_is_taken(first, form):
    with jax.default_device(first if form == "device" else first.platform):
        assert find_device(None) == first


def test_the_default_device_of_the_setting_is_taken(first):
    jax.config.update("jax_default_device", first)
    try:
        assert find_device(None) == first
    finally:
        jax.config.update("jax_default_device", None)


def test_devices_have_names_with_an_index(first):
    for name in (first.platform, f"{first.platform}:0", first):
        assert find_device(name) == first


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("abacus", "(?s)abacus.*cpu"),
        ("cpu:99", "(?s)cpu:99.*cpu:0"),
        ("cpu:", "(?s)cpu:.*cpu:0"),
        ("cpu:-1", "(?s)cpu:-1.*cpu:0"),
        (0, '"cpu:0", or None, got 0'),
    ],
)
def test_what_names_no_device_is_refused(device, message):
    with pytest.raises(ValueError, match=message):
        find_device(device)


@pytest.mark.parametrize(
    "error", [RuntimeError("Unable to initialize\nbackend 'tpu': no such file"), AssertionError()], ids=["said", "bare"]
)
def test_a_platform_that_does_not_start_is_said_in_one_line(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(devices.jax, "local_devices", fail)
    for find in (local_devices, lambda: find_device(None), lambda: find_device("cpu")):
        with pytest.raises(PlatformError, match=r"JAX cannot start .*Set JAX_PLATFORMS=cpu") as caught:
            find()
        assert "\n" not in str(caught.value)
