"""How large a replay memory is, and how much memory the machine has available for it."""

import os
from pathlib import Path

import numpy as np

from ble_env.host.devices import find_device, local_devices
from ble_train.replay.sum_tree import num_leaves

MEMORY_INFO = Path("/proc/meminfo")
"""Linux's account of the machine's memory."""
CONTROL_GROUP = Path("/sys/fs/cgroup")
"""Linux's limits of the container, version 2 of control groups."""


def num_slots(capacity: int, lanes: int, n_step: int) -> int:
    """Slots of a ring that holds `capacity` transitions of so many lanes.

    Raises:
        ValueError: they do not hold a single sample of `n_step` steps.
    """
    slots = capacity // lanes
    if slots < n_step + 2:
        raise ValueError(
            f"A replay memory of {capacity} transitions has {slots} for each of {lanes} lanes, and samples of {n_step}"
            f" steps need {n_step + 2}: raise replay_capacity or use fewer lanes."
        )
    return slots


def needed_bytes(slots: int, lanes: int, observation_size: int, dtype: str) -> int:
    """Bytes that a replay memory of this size allocates."""
    each = observation_size * np.dtype(dtype).itemsize + 4 + 4 + 3
    return slots * lanes * each + 2 * 4 * num_leaves(slots * lanes)


def require_available(needed: int) -> None:
    """Check that the default device has so many bytes available, where that is known.

    Raises:
        MemoryError: it has less.
    """
    available = available_bytes()
    if available is not None and needed > available:
        raise MemoryError(
            f"The replay memory needs {needed / 2**30:.1f} GiB, and {available / 2**30:.1f} GiB are available:"
            " choose a smaller replay_capacity, or store observations in float16 (replay_dtype)."
        )


def available_bytes() -> int | None:
    """Bytes that are available where JAX puts arrays, or None if the machine does not report it."""
    device = find_device(None) or local_devices()[0]
    if device.platform != "cpu":
        stats = device.memory_stats() or {}
        return stats["bytes_limit"] - stats["bytes_in_use"] if stats.keys() >= {"bytes_limit", "bytes_in_use"} else None
    return min(filter(None, (_available_in_machine(), _available_in_container())), default=None)


def _available_in_machine() -> int | None:
    try:
        amounts = dict(line.split(":", 1) for line in MEMORY_INFO.read_text().splitlines())
        return int(amounts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _available_in_container() -> int | None:
    """What the control group's limit leaves; the kernel frees inactive cached files when memory is needed."""
    try:
        limit = int((CONTROL_GROUP / "memory.max").read_text())  # "max" where there is none
        used = int((CONTROL_GROUP / "memory.current").read_text())
        amounts = dict(line.split() for line in (CONTROL_GROUP / "memory.stat").read_text().splitlines())
        return max(limit - used + int(amounts["inactive_file"]), 1)
    except (OSError, KeyError, ValueError):
        return None
