"""Checks of arguments, and of numbers that have to be finite."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


class NotFiniteError(ValueError):
    """A part of a task, or an agent or learner, gave NaN or infinity; the message names the part and the place."""


def check_counts(**counts: int | None) -> None:
    """Check that each count is at least 1, or None.

    Raises:
        ValueError: one is below 1; the message has its name.
    """
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")


def check_finite(
    values: Mapping[str, Any], where: Callable[..., str] | str, num_axes: int = 0, remedy: str = ""
) -> None:
    """Check that all values are finite numbers.

    Args:
        values: what they are, such as "the reward", and the values, which share their first `num_axes` axes. If several
            are not finite at the first place where one is not, the message names the first of them: give them in the
            order in which they cause each other.
        where: the place for the message, such as "at step 3 of the episode of seed 7": a text, or a function that
            receives the indices of the shared axes.
        num_axes: number of shared axes, such as 2 for values of [step, lane, ...].
        remedy: a sentence to end the message with.

    Raises:
        NotFiniteError: one is NaN or infinite.
    """
    if all(np.isfinite(value).all() for value in values.values()):
        return
    is_wrong = {
        name: (~np.isfinite(value)).reshape(*np.shape(value)[:num_axes], -1).any(axis=-1)
        for name, value in values.items()
    }
    is_any_wrong = np.any(list(is_wrong.values()), axis=0)
    index = tuple(map(int, np.unravel_index(int(np.argmax(is_any_wrong)), is_any_wrong.shape)))
    name = next(name for name, wrong in is_wrong.items() if wrong[index])
    wrong = np.asarray(values[name])[index]
    number = wrong[~np.isfinite(wrong)].flat[0]
    text = where if isinstance(where, str) else where(*index)
    raise NotFiniteError(f"{name} is {number} {text}".strip() + "." + (f" {remedy}" if remedy else ""))


def part_name(part: Any) -> str:
    """The name of a part of a task for messages: its class, or the function that it is."""
    return getattr(part, "__qualname__", type(part).__qualname__)
