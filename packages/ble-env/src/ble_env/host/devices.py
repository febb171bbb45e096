"""Where the environments compute, and in what precision."""

import contextlib
import copyreg
import os
from collections.abc import Iterator, Sequence
from typing import Any

import jax

from ble_sim.plugins import unknown_name
from ble_sim.precision import own_transfers, precision_scope

Device = Any
"""A `jax.Device`, which type checkers cannot see: it comes from a binary without stubs."""


class PlatformError(RuntimeError):
    """JAX starts none of the platforms that it is set to."""


def find_device(device: Device | str | None) -> Device | None:
    """The device that an environment's argument names.

    Args:
        device: a device, the name of a platform ("cpu", "gpu", ...) for its first device, with an index for another one
            ("gpu:1"), or None for the one that `jax.default_device` or the setting `jax_default_device` names.

    Returns:
        The device; None where no argument, context or setting names one.

    Raises:
        ValueError: it is none of these; the message lists what there is.
        PlatformError: JAX starts no platform.
    """
    _Process.check()
    default = local_devices()
    if device is None:
        config: Any = jax.config  # Type checkers do not know its settings.
        device = config.jax_default_device  # Of the context, or else of the setting.
    if device is None or isinstance(device, jax.Device):
        return device
    if not isinstance(device, str):
        raise ValueError(
            'device must be a jax.Device, the name of a platform such as "cpu", also with an index as in "cpu:0", or'
            f" None, got {device!r}"
        )
    platform, colon, index = device.partition(":")
    try:
        devices = jax.local_devices(backend=platform)
    except RuntimeError:
        raise unknown_name("device", device, {"cpu", *(found.platform for found in default)}) from None
    if colon and not (index.isdecimal() and int(index) < len(devices)):
        raise unknown_name("device", device, [f"{platform}:{place}" for place in range(len(devices))])
    return devices[int(index or 0)]


def local_devices() -> Sequence[Device]:
    """The devices of JAX's first platform in this process.

    Raises:
        PlatformError: JAX starts no platform.
    """
    try:
        return jax.local_devices()
    except (RuntimeError, AssertionError) as error:  # JAX asserts that CUDA is installed where it is asked for it.
        reason = " ".join(str(error).split())
        config: Any = jax.config  # Type checkers do not know its settings.
        platforms = config.jax_platforms
        what = (
            f"the platform {platforms!r} that JAX_PLATFORMS (or jax_platforms) names" if platforms else "any platform"
        )
        raise PlatformError(
            f"JAX cannot start {what}{': ' + reason if reason else ''}. Set JAX_PLATFORMS=cpu, or install JAX for the"
            " platform."
        ) from error


def _device_with_id(platform: str, number: int) -> Device:
    """The device of a pickle: that of the same number, or else the platform's first.

    Raises:
        ValueError: this process has no device of the platform.
    """
    first = find_device(platform)
    return next((device for device in jax.local_devices(backend=platform) if device.id == number), first)


def _reduced_device(device: Device) -> tuple[Any, tuple[str, int]]:
    return _device_with_id, (device.platform, device.id)


# JAX cannot pickle devices, nor copy them. Environments hold one, and so do the arguments in their `EnvSpec`.
copyreg.pickle(jax.Device, _reduced_device)


def num_cores() -> int:
    """How many cores this process may use, at most the number in the variable NPROC, which JAX heeds too."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("NPROC", "")
    return min(cores, max(int(limit), 1)) if limit.isdecimal() else cores


class ForkedProcessError(RuntimeError):
    """JAX cannot compute in a process that was forked after it had computed."""


class _Process:
    """What this process knows of JAX's threads, which a fork does not copy: JAX waits for them forever."""

    has_computed = False
    is_forked = False

    @classmethod
    def note_fork(cls) -> None:
        """Note in a new process that JAX computed before the fork."""
        cls.is_forked = cls.has_computed

    @classmethod
    def check(cls) -> None:
        """Note that JAX computes, unless it would wait forever."""
        if cls.is_forked:
            raise ForkedProcessError(
                "This process was forked from one in which JAX had computed, and JAX would wait here forever. Start"
                ' processes with "spawn": AsyncVectorEnv(..., context="spawn"), or'
                ' gymnasium.make_vec(..., vectorization_mode="async", vector_kwargs={"context": "spawn"}).'
            )
        cls.has_computed = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Process.note_fork)


@contextlib.contextmanager
def compute_scope(precision: str, device: Device | None) -> Iterator[None]:
    """Trace and run the enclosed code in a precision, on a device (the first of JAX's first platform if None)."""
    _Process.check()
    with precision_scope(precision), jax.default_device(device), own_transfers():
        yield
