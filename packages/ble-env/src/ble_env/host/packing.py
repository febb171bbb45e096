"""Structs as few arrays: transfers between the device and the host cost by the array."""

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.core import Transition
from ble_env.diagnostics import Diagnostics

_SMALL = 64
"""Elements of the largest leaf that shares an array with others."""


@functools.partial(jax.tree_util.register_dataclass, data_fields=("arrays",), meta_fields=("structure", "places"))
@dataclass(frozen=True)
class Packed:
    """A pytree whose small leaves of one dtype share an array. Its structure is static under `jax.jit`."""

    arrays: tuple[Any, ...]
    """An array for each dtype of small leaves, and the other leaves."""
    structure: Any
    """The structure of the pytree that was packed."""
    places: tuple[tuple[str, tuple[int, ...]] | None, ...]
    """The dtype and shape of each small leaf; None for the others."""


def pack(tree: Any, xp: Any = jnp) -> Packed:
    """Pack a pytree of arrays: of JAX, where it traces, or with `xp=numpy` of numpy on the host."""
    leaves, structure = jax.tree.flatten(tree)
    places = tuple((str(leaf.dtype), leaf.shape) if leaf.size <= _SMALL else None for leaf in leaves)
    placed = list(zip(leaves, places, strict=True))
    shared = [
        xp.concatenate([leaf.ravel() for leaf, place in placed if place and place[0] == dtype])
        for dtype in _dtypes(places)
    ]
    others = [leaf for leaf, place in placed if not place]
    return Packed((*shared, *others), structure, places)


def unpack(packed: Packed) -> Any:
    """The pytree that was packed."""
    dtypes = _dtypes(packed.places)
    shared = dict(zip(dtypes, packed.arrays, strict=False))
    offsets = dict.fromkeys(dtypes, 0)
    others = iter(packed.arrays[len(dtypes) :])
    leaves = []
    for place in packed.places:
        if place is None:
            leaves.append(next(others))
            continue
        dtype, shape = place
        start, offsets[dtype] = offsets[dtype], offsets[dtype] + math.prod(shape)
        leaves.append(shared[dtype][start : offsets[dtype]].reshape(shape))
    return jax.tree.unflatten(packed.structure, leaves)


def _dtypes(places: tuple[tuple[str, tuple[int, ...]] | None, ...]) -> list[str]:
    return sorted({place[0] for place in places if place})


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
    packed = jnp.stack([getattr(diagnostics, name).astype(dtype) for name in DIAGNOSTICS_FIELDS], axis=-1)
    return HostTransition(transition.observation, transition.reward, transition.terminated, packed)


class HostArrays(NamedTuple):
    """A `HostTransition` of one balloon as few arrays."""

    observation: Any
    """As in `HostTransition`"""
    numbers: Any
    """float[fields + 2]: the diagnostics, the reward, and whether it is terminated"""


def host_arrays(transition: Transition) -> HostArrays:
    """Pack the transition of one balloon for its way to the host. Call it where JAX traces."""
    observation, reward, terminated, diagnostics = pack_transition(transition)
    dtype = diagnostics.dtype
    return HostArrays(observation, jnp.append(diagnostics, jnp.stack([reward.astype(dtype), terminated.astype(dtype)])))


def unpack_host_arrays(arrays: HostArrays) -> HostTransition:
    """The transition in arrays of the device, as arrays of numpy that are read-only."""
    # Without `jax.device_get`, which takes ten times as long for two arrays.
    observation, numbers = np.asarray(arrays.observation), np.asarray(arrays.numbers)
    return HostTransition(observation, numbers[-2], numbers[-1] != 0.0, numbers[:-2])


DIAGNOSTICS_FIELDS = tuple(field.name for field in dataclasses.fields(Diagnostics))
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
        values = zip(DIAGNOSTICS_FIELDS, packed.tolist(), strict=True)
        return Diagnostics(**{name: _TYPES.get(name, float)(value) for name, value in values})
    dtypes = {bool: np.bool_, int: np.int64}
    columns = zip(DIAGNOSTICS_FIELDS, np.moveaxis(packed, -1, 0), strict=True)
    return Diagnostics(**{name: column.astype(dtypes.get(_TYPES.get(name), column.dtype)) for name, column in columns})
