"""Checks of the actions that agents and policies return: arrays, tensors and numbers of any library."""

from typing import Any

import numpy as np

from ble_agents.policy import NO_ACTION
from ble_env.host.values import as_host_array, shown


class ActionError(ValueError):
    """An agent or a policy returned something that is no action."""


def checked_action(action: Any, num_actions: int | None = None) -> int:
    """One action as an integer: from a Python or numpy integer, or an array or tensor of one integer.

    Args:
        action: what an agent returned.
        num_actions: how many there are; None if they are not numbered from 0.

    Raises:
        ActionError: it is something else, or out of range.
    """
    array = as_host_array(action)
    if array is None or array.size != 1 or not _is_integer(array):
        raise ActionError(f"An action is {_wanted(num_actions)}, not {shown(action)}.")
    number = int(array.reshape(()))
    if num_actions is not None and not 0 <= number < num_actions:
        raise ActionError(f"An action is {_wanted(num_actions)}, not {_number(number)}.")
    return number


def checked_actions(actions: Any, number: int, num_actions: int) -> np.ndarray:
    """The actions of a batch, int32[number].

    Args:
        actions: what a policy returned: integers of shape [number].
        number: rows of the batch.
        num_actions: how many actions there are.

    Raises:
        ActionError: they are something else, or one is out of range.
    """
    array = as_host_array(actions)
    if array is None or array.shape != (number,) or not _is_integer(array):
        remedy = (
            " Take the largest of each row: argmax over the last axis." if _looks_like_scores(array, number) else ""
        )
        raise ActionError(f"A policy returns integers of shape ({number},), not {shown(actions)}.{remedy}")
    is_wrong = (array < 0) | (array >= num_actions)
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise ActionError(f"An action is {_wanted(num_actions)}, not {_number(array[row])}, in row {row}.")
    return array.astype(np.int32)


def _is_integer(array: np.ndarray) -> bool:
    return array.dtype.kind in "iu"


def _looks_like_scores(array: np.ndarray | None, number: int) -> bool:
    return array is not None and array.ndim == 2 and len(array) == number and array.dtype.kind == "f"


def _number(number: int) -> str:
    """A number that is no action, with what it means."""
    return f"{number}, which stands for network outputs that are not finite" if number == NO_ACTION else str(number)


def _wanted(num_actions: int | None) -> str:
    return "an integer" if num_actions is None else f"an integer from 0 to {num_actions - 1}"
