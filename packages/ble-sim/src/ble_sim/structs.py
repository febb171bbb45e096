"""Typed structs that JAX treats as pytrees."""

import dataclasses
from typing import TypeVar, dataclass_transform

import jax

T = TypeVar("T")

STRUCTS: list[type] = []
"""All that `struct` has made, for those who write them to files."""


@dataclass_transform(frozen_default=True)
def struct(cls: type[T]) -> type[T]:
    """Make `cls` an immutable dataclass and a pytree of its fields; `dataclasses.replace` makes changed copies."""
    made = jax.tree_util.register_dataclass(dataclasses.dataclass(frozen=True)(cls))
    STRUCTS.append(made)
    return made
