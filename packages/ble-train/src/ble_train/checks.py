"""Checks of options: each raises a ValueError that has the option's name and value.

`options` is any object; `names` are its attributes.
"""

import math
from collections.abc import Callable
from typing import Any


def require_counts(options: Any, *names: str, least: int = 1) -> None:
    """Integers of at least `least`."""
    _require(options, names, lambda value: value >= least, f"at least {least}")


def require_shares(options: Any, *names: str) -> None:
    """Numbers from 0 to 1."""
    _require(options, names, lambda value: 0.0 <= value <= 1.0, "in [0, 1]")


def require_positive(options: Any, *names: str) -> None:
    """Finite numbers above 0."""
    _require(options, names, lambda value: 0.0 < value < math.inf, "positive")


def require_non_negative(options: Any, *names: str) -> None:
    """Finite numbers from 0 on."""
    _require(options, names, lambda value: 0.0 <= value < math.inf, "0 or positive")


def require_layers(options: Any, *names: str) -> None:
    """Numbers of units of any number of layers."""
    _require(options, names, lambda value: all(size >= 1 for size in value), "numbers of units of at least 1")


def require_one_of(options: Any, name: str, *values: str) -> None:
    """One of some words."""
    _require(options, (name,), lambda value: value in values, " or ".join(map(repr, values)))


def _require(options: Any, names: tuple[str, ...], holds: Callable[[Any], bool], what: str) -> None:
    for name in names:
        value = getattr(options, name)
        if not holds(value):
            raise ValueError(f"{name} must be {what}, not {value!r}.")
