"""Structs of many scalars as a few arrays, for the way in and out of compiled code, which costs by the array."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class _Layout(NamedTuple):
    """How a packed pytree was made up. Hashable, so static under jit."""

    structure: Any
    kinds: tuple[str, ...]
    """For each leaf, that of its dtype if it is a scalar, else an empty string."""


@jax.tree_util.register_pytree_node_class
class Packed:
    """A pytree whose scalars of one kind (float, int, bool) share an array."""

    def __init__(self, arrays: tuple[Any, ...], layout: _Layout) -> None:
        self.arrays = arrays
        self.layout = layout

    def tree_flatten(self) -> tuple[tuple[Any, ...], _Layout]:
        """The arrays, and what is static."""
        return self.arrays, self.layout

    @classmethod
    def tree_unflatten(cls, layout: _Layout, arrays: tuple[Any, ...]) -> "Packed":
        """The inverse of `tree_flatten`."""
        return cls(tuple(arrays), layout)


def pack(tree: Any) -> Packed:
    """Pack a pytree of arrays; scalars of one kind must have one dtype. Call it where JAX traces."""
    leaves, structure = jax.tree.flatten(tree)
    kinds = tuple(leaf.dtype.kind if leaf.ndim == 0 else "" for leaf in leaves)
    shared = [
        jnp.stack([leaf for leaf, kind in zip(leaves, kinds, strict=True) if kind == of]) for of in _shared_kinds(kinds)
    ]
    others = [leaf for leaf, kind in zip(leaves, kinds, strict=True) if not kind]
    return Packed((*shared, *others), _Layout(structure, kinds))


def unpack(packed: Packed) -> Any:
    """The pytree that was packed."""
    structure, kinds = packed.layout
    shared = _shared_kinds(kinds)
    elements = {kind: iter(array) for kind, array in zip(shared, packed.arrays, strict=False)}
    others = iter(packed.arrays[len(shared) :])
    return jax.tree.unflatten(structure, [next(elements[kind]) if kind else next(others) for kind in kinds])


def _shared_kinds(kinds: tuple[str, ...]) -> list[str]:
    return sorted(set(kinds) - {""})
