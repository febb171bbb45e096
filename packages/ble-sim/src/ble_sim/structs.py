"""Typed structs that JAX treats as pytrees."""

import dataclasses
from typing import TypeVar, dataclass_transform

import jax

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def struct(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass whose fields are a pytree's leaves; `dataclasses.replace` makes changed copies."""
    return jax.tree_util.register_dataclass(dataclasses.dataclass(frozen=True)(cls))
