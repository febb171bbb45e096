"""Structs as few arrays, for the way between compiled code and the host, which costs by the array."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.core import Transition
from ble_env.diagnostics import Diagnostics


class _Layout(NamedTuple):
    """How a packed pytree was made up. Hashable, so static under jit."""

    structure: Any
    kinds: tuple[str, ...]
    """For each leaf, the kind of its dtype if it is a scalar, else an empty string."""


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


class HostTransition(NamedTuple):
    """A transition whose diagnostics are packed. Arrays may have leading axes, of lanes."""

    observation: Any
    """float32[...]"""
    reward: Any
    """Scalar."""
    terminated: Any
    """bool"""
    diagnostics: Any
    """float[fields], see `unpack_diagnostics`."""


def pack_transition(transition: Transition) -> HostTransition:
    """Pack a transition. Call it where JAX traces."""
    diagnostics = transition.diagnostics
    dtype = diagnostics.x.dtype
    packed = jnp.stack([getattr(diagnostics, name).astype(dtype) for name in _FIELDS], axis=-1)
    return HostTransition(transition.observation, transition.reward, transition.terminated, packed)


_FIELDS = tuple(field.name for field in dataclasses.fields(Diagnostics))
_TYPES: dict[str, type] = {
    "inside_radius": bool,
    "paused_power": bool,
    "paused_envelope": bool,
    "paused_altitude": bool,
    "effective_action": int,
    "status": int,
    "elapsed": int,
}
"""Of the fields that are no floats. As floats they are exact: integers are below 2^24."""


def unpack_diagnostics(packed: np.ndarray) -> Diagnostics:
    """The diagnostics in an array of the host.

    Args:
        packed: float[..., fields], from `pack_transition`.

    Returns:
        Floats, bools and integers: Python's for one balloon, else numpy arrays [...] (integers as int64).
    """
    if packed.ndim == 1:
        values = zip(_FIELDS, packed.tolist(), strict=True)
        return Diagnostics(**{name: _TYPES.get(name, float)(value) for name, value in values})
    dtypes = {bool: np.bool_, int: np.int64}
    columns = dict(zip(_FIELDS, np.moveaxis(packed, -1, 0), strict=True))
    return Diagnostics(
        **{name: column.astype(dtypes.get(_TYPES.get(name), column.dtype)) for name, column in columns.items()}
    )
