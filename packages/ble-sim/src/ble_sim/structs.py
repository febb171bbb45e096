"""Typed structs that JAX treats as pytrees."""

import dataclasses
from typing import TypeVar, dataclass_transform

import jax

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def struct(cls: type[T]) -> type[T]:
    """Make `cls` an immutable dataclass and a pytree of its fields; `dataclasses.replace` makes changed copies."""
    return jax.tree_util.register_dataclass(dataclasses.dataclass(frozen=True)(cls))
