"""Structs as few arrays: transfers between the device and the host cost by the array."""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.core import Transition
from ble_env.diagnostics import Diagnostics


@functools.partial(jax.tree_util.register_dataclass, data_fields=("arrays",), meta_fields=("structure", "kinds"))
@dataclass(frozen=True)
class Packed:
    """A pytree whose scalars of one kind (float, int, bool) share an array. Its structure is static under `jax.jit`."""

    arrays: tuple[Any, ...]
    """An array for each kind of scalars, and the leaves that are not scalars."""
    structure: Any
    """The structure of the pytree that was packed."""
    kinds: tuple[str, ...]
    """For each of its leaves, the kind of its dtype if it is a scalar, else an empty string."""


def pack(tree: Any) -> Packed:
    """Pack a pytree of arrays; scalars of one kind must have one dtype. Call it where JAX traces."""
    leaves, structure = jax.tree.flatten(tree)
    kinds = tuple(leaf.dtype.kind if leaf.ndim == 0 else "" for leaf in leaves)
    shared = [
        jnp.stack([leaf for leaf, kind in zip(leaves, kinds, strict=True) if kind == of]) for of in _shared_kinds(kinds)
    ]
    others = [leaf for leaf, kind in zip(leaves, kinds, strict=True) if not kind]
    return Packed((*shared, *others), structure, kinds)


def unpack(packed: Packed) -> Any:
    """The pytree that was packed."""
    shared = _shared_kinds(packed.kinds)
    elements = {kind: iter(array) for kind, array in zip(shared, packed.arrays, strict=False)}
    others = iter(packed.arrays[len(shared) :])
    leaves = [next(elements[kind]) if kind else next(others) for kind in packed.kinds]
    return jax.tree.unflatten(packed.structure, leaves)


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
"""Types of the fields that are not floats. Packed as floats they stay exact: integers are below 2^24."""


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
    columns = zip(_FIELDS, np.moveaxis(packed, -1, 0), strict=True)
    return Diagnostics(**{name: column.astype(dtypes.get(_TYPES.get(name), column.dtype)) for name, column in columns})
