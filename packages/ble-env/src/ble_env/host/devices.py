"""Where the environments compute, and in what precision."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import jax

from ble_sim.plugins import unknown_name
from ble_sim.precision import precision_scope

Device = Any
"""A `jax.Device`, which type checkers cannot see: it comes from a binary without stubs."""


def find_device(device: Device | str | None) -> Device | None:
    """The device that an environment's argument names.

    Args:
        device: a device, the name of a platform ("cpu", "gpu", ...) for its first device, or None for JAX's default.

    Raises:
        ValueError: it is none of these; the message lists the platforms that exist.
    """
    if device is None or isinstance(device, jax.Device):
        return device
    if not isinstance(device, str):
        raise ValueError(f'device must be a jax.Device, the name of a platform such as "cpu", or None, got {device!r}')
    try:
        return jax.local_devices(backend=device)[0]
    except RuntimeError:
        platforms = {"cpu", *(found.platform for found in jax.local_devices())}
        raise unknown_name("device", device, platforms) from None


def num_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def compute_scope(precision: str, device: Device | None) -> Iterator[None]:
    """Trace and run the enclosed code in a precision, on a device (JAX's default if None)."""
    with precision_scope(precision), jax.default_device(device):
        yield
