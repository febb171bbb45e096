"""Checks of the actions that an environment receives."""

from typing import Any

import numpy as np

from ble_env.host.values import as_host_array, shown
from ble_sim.balloon.altitude_control import Action

_WANTED = "0 (down), 1 (stay) or 2 (up)"


def checked_action(action: Any) -> int:
    """One action as an integer: from an integer, or an array or tensor of any library that is an integer scalar.

    Raises:
        ValueError: it is not 0, 1 or 2.
    """
    if type(action) is not int:
        array = as_host_array(action)
        if array is None or array.shape != () or array.dtype.kind not in "iu":
            remedy = ": give its only element" if array is not None and array.ndim and array.size == 1 else ""
            raise ValueError(f"action must be {_WANTED}, got {shown(action)}{remedy}")
        action = int(array)
    if not 0 <= action < len(Action):
        raise ValueError(f"action must be {_WANTED}, got {action}")
    return action


def checked_actions(actions: Any, num_envs: int) -> np.ndarray:
    """The actions of a batch: int32[num_envs].

    Args:
        actions: integers, as a sequence, array or tensor of any library.
        num_envs: how many there have to be.

    Raises:
        ValueError: they have another shape, type or value.
    """
    array = as_host_array(actions)
    if array is None or array.shape != (num_envs,) or array.dtype.kind not in "iu":
        got = shown(actions) if array is None or array.dtype == object else f"{array.dtype}{list(array.shape)}"
        raise ValueError(f"actions must be int[{num_envs}], got {got}")
    is_wrong = (array < 0) | (array >= len(Action))
    if is_wrong.any():
        index = int(np.argmax(is_wrong))
        raise ValueError(f"actions must be {_WANTED}, got {array[index]} for environment {index}")
    return array.astype(np.int32)
