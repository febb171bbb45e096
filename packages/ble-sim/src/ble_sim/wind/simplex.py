"""Four-dimensional OpenSimplex noise (Kurt Spencer, 2014, public domain) without branches.

Space is stretched along (1, 1, 1, 1) so that the vertices of the noise's lattice have integer coordinates.
A point then lies in a unit hypercube, which the planes "fractional coordinates add up to 1, 2, 3" cut into
four slabs. The noise is a sum over vertices v, at distance d from the point, of

    max(0, 2 - |d|^2)^4 (gradient(v) . d) / 30

The sum takes the corners of the point's own slab and up to three vertices more, chosen by the two corners a
and b that the point is nearest to. That leaves out a few vertices within reach of the kernel, so the choice
is part of the noise, and it is followed here exactly, ties included.

The two upper slabs mirror the two lower ones under v -> (1, 1, 1, 1) - v. Choices are made by scores that
change sign in the upper slabs, and vertices are listed for the lower ones. Every vertex that some point needs
has a slot on one axis of fixed length; a bit set says which slots count.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_STRETCH = -0.138196601125011  # (1 / sqrt(5) - 1) / 4
_SQUISH = 0.309016994374947  # (sqrt(5) - 1) / 4
_NORM = 30.0

# --- Permutation: 64-bit integers are held as four 16-bit limbs, least significant first ---

_TABLE_SIZE = 256
_LIMB_SHIFTS = (0, 16, 32, 48)
_LIMB_MASK = 0xFFFF
# Knuth's MMIX generator, state <- multiplier * state + increment modulo 2**64.
_MULTIPLIER = 6364136223846793005
_INCREMENT = 1442695040888963407
_WARM_UP_STATES = 3


def _generator_jumps() -> tuple[np.ndarray, np.ndarray]:
    """Limbs, uint32[4, 256], of m and c: place i of the table is drawn with the state m[i] * seed + c[i]."""
    multiplier, increment, jumps = 1, 0, []
    for _ in range(_WARM_UP_STATES + _TABLE_SIZE):
        multiplier = multiplier * _MULTIPLIER % 2**64
        increment = (increment * _MULTIPLIER + _INCREMENT) % 2**64
        jumps.append([[n >> shift & _LIMB_MASK for shift in _LIMB_SHIFTS] for n in (multiplier, increment)])
    jumps_by_place = jumps[: _WARM_UP_STATES - 1 : -1]  # the last place is drawn first
    multipliers, increments = np.array(jumps_by_place, np.uint32).transpose(1, 2, 0)
    return multipliers, increments


_JUMP_MULTIPLIERS, _JUMP_INCREMENTS = _generator_jumps()
# Place i draws one of i + 1 numbers: what each limb, and the sign of a state, weighs modulo i + 1.
_BOUNDS = np.arange(1, _TABLE_SIZE + 1)
_LIMB_WEIGHTS = np.array([2**shift % _BOUNDS for shift in _LIMB_SHIFTS], np.uint32)
_SIGN_WEIGHTS = np.array([-(2**64) % bound for bound in _BOUNDS.tolist()], np.uint32)


def _draws(seed: jax.Array) -> jax.Array:
    """The generator's number for each place i, 0 <= number <= i: int32[256]."""
    columns: list[np.ndarray | jax.Array] = list(_JUMP_INCREMENTS)
    for i, seed_limb in enumerate((seed & _LIMB_MASK, seed >> 16)):
        for j in range(4 - i):
            product = seed_limb * _JUMP_MULTIPLIERS[j]
            columns[i + j] = columns[i + j] + (product & _LIMB_MASK)
            if i + j < 3:
                columns[i + j + 1] = columns[i + j + 1] + (product >> 16)
    for i in range(3):
        columns[i + 1] = columns[i + 1] + (columns[i] >> 16)
    limbs = [column & _LIMB_MASK for column in columns]

    # OpenSimplex takes (state + 31) modulo i + 1 with the state as a signed number.
    total = 31 + (limbs[3] >> 15) * _SIGN_WEIGHTS
    for limb, weights in zip(limbs, _LIMB_WEIGHTS, strict=True):
        total = total + limb * weights
    return jnp.asarray(total % _BOUNDS.astype(np.uint32), jnp.int32)


def permutation(seed: jax.Array | int) -> jax.Array:
    """The shuffle of 0..255 that OpenSimplex derives from a seed, the same in 32-bit and 64-bit mode.

    Args:
        seed: integer scalar, 0 <= seed < 2**32.

    Returns:
        uint8[256].
    """

    def take_out(source: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        place, draw = step
        return source.at[draw].set(source[place]), source[draw]

    steps = (jnp.arange(_TABLE_SIZE, dtype=jnp.int32), _draws(jnp.asarray(seed, jnp.uint32)))
    _, table = lax.scan(take_out, jnp.arange(_TABLE_SIZE, dtype=jnp.uint8), steps, reverse=True)
    return table


# --- Vertices: a corner of the hypercube is a 4-bit mask, bit k for axis k ---

_AXES = range(4)
_SINGLES = (0b0001, 0b0010, 0b0100, 0b1000)
_PAIRS = (0b0011, 0b0101, 0b1001, 0b0110, 0b1010, 0b1100)
_CORNERS = (0, *_SINGLES, *_PAIRS)

# Slots 0 to 10 hold `_CORNERS`. Slot 11 + k holds the corner "face", moved one down along axis k if it does
# not extend along that axis. Slot 15 holds the vertex two up along the axis "double". The point chooses face
# and double.
_STEP_SLOT = len(_CORNERS)
_DOUBLE_SLOT = _STEP_SLOT + 4
_NUM_SLOTS = _DOUBLE_SLOT + 1

_ORIGIN_SLOTS = 1
_SINGLE_SLOTS = 0b1111 << 1
_PAIR_SLOTS = 0b111111 << 5
_DOUBLE_SLOTS = 1 << _DOUBLE_SLOT


def _offset_coefficients() -> np.ndarray:
    """c, int32[3, 4, 16]: a slot's offset on an axis is c[0] + c[1] (bit of face) + c[2] (bit of double)."""
    fixed, face, double = coefficients = np.zeros((3, 4, _NUM_SLOTS), np.int32)
    steps = slice(_STEP_SLOT, _DOUBLE_SLOT)
    fixed[:, :_STEP_SLOT] = [[corner >> axis & 1 for corner in _CORNERS] for axis in _AXES]
    fixed[:, steps] = -np.eye(4)
    face[:, steps] = 1 + np.eye(4)
    double[:, _DOUBLE_SLOT] = 2
    return coefficients


_FIXED, _FACE, _DOUBLE = _offset_coefficients()


def _sum4(terms: Sequence[jax.Array]) -> jax.Array:
    """From left to right, as the reference does: rounding decides ties."""
    return terms[0] + terms[1] + terms[2] + terms[3]


class _Nearest(NamedTuple):
    """The two corners that have scored best so far."""

    a: jax.Array
    b: jax.Array
    a_score: jax.Array
    b_score: jax.Array

    def consider(self, corner: jax.Array | int, score: jax.Array) -> "_Nearest":
        """Put a corner that scores more than the worse of the two in its place; if the two tie, that is b."""
        a_worse = self.a_score < self.b_score
        better = score > jnp.where(a_worse, self.a_score, self.b_score)
        replace_a, replace_b = better & a_worse, better & ~a_worse
        return _Nearest(
            jnp.where(replace_a, corner, self.a),
            jnp.where(replace_b, corner, self.b),
            jnp.where(replace_a, score, self.a_score),
            jnp.where(replace_b, score, self.b_score),
        )


def _better_pair(corner: int, score: jax.Array, opposite_score: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The better of a corner and the opposite one (that one if they tie), and its score."""
    better = score > opposite_score
    return jnp.where(better, corner, ~corner & 0b1111), jnp.where(better, score, opposite_score)


def _select_vertices(x: jax.Array, y: jax.Array, z: jax.Array, w: jax.Array) -> tuple[list[jax.Array], jax.Array]:
    """The vertices that contribute at a point of the hypercube, given by its fractional coordinates.

    Returns:
        The offset of each slot's vertex from the hypercube's origin, int32[16] for each axis, and which slots
        count, bool[16].
    """
    total = _sum4((x, y, z, w))
    upper = total > 2
    outer = (total <= 1) | (total >= 3)
    sign = jnp.where(upper, -1, 1).astype(total.dtype)

    # An outer slab compares its four single-axis corners, an inner one the better of opposite pairs as well.
    # Scores lie within -3 and 3: those below keep pairs out of the outer slabs and have a replaced first.
    a, a_score = _better_pair(0b0011, sign * (x + y), sign * (z + w))
    b, b_score = _better_pair(0b0101, sign * (x + z), sign * (y + w))
    c, c_score = _better_pair(0b1001, sign * (x + w), sign * (y + z))
    nearest = _Nearest(a, b, jnp.where(outer, -9, a_score), jnp.where(outer, -8, b_score))
    nearest = nearest.consider(c, jnp.where(outer, -9, c_score))
    base = jnp.where(outer, 0, jnp.where(upper, 3, 2) - total)
    for corner, coordinate in zip(_SINGLES, (x, y, z, w), strict=True):
        nearest = nearest.consider(corner, sign * (base + coordinate))
    a, b, a_score, b_score = nearest

    origin_score = sign * (jnp.where(upper, 4, 1) - total)
    at_origin = outer & ((origin_score > a_score) | (origin_score > b_score))
    a_pair, b_pair = a & (a - 1) != 0, b & (b - 1) != 0
    both_pairs, mixed = a_pair & b_pair, a_pair ^ b_pair

    # Two pairs span the face and double the axis they share. Of a pair and a single-axis corner, the pair is
    # the face and the corner the axis to double.
    face = jnp.where(mixed, jnp.where(a_pair, a, b), a | b)
    face = jnp.where(at_origin, jnp.where(b_score > a_score, b, a), face)
    double = jnp.where(mixed, jnp.where(a_pair, b, a), a & b)
    # The face itself counts for two pairs, and in an outer slab away from the origin: in a slot of its own.
    itself = jnp.where(both_pairs, double, jnp.where(outer & ~at_origin, a, 0))
    slots = (
        _SINGLE_SLOTS
        | jnp.where(outer, 0, _PAIR_SLOTS)
        | jnp.where(a_pair | b_pair, _DOUBLE_SLOTS, _ORIGIN_SLOTS)
        | (~face & 0b1111 | itself) << _STEP_SLOT
    )

    offsets = []
    for axis in _AXES:
        offset = _FIXED[axis] + _FACE[axis] * (face >> axis & 1) + _DOUBLE[axis] * (double >> axis & 1)
        offsets.append(jnp.where(upper, 1 - offset, offset).astype(jnp.int32))
    return offsets, (slots >> np.arange(_NUM_SLOTS) & 1) != 0


# --- Noise ---


def _gradient_product(hashed: jax.Array, deltas: Sequence[jax.Array]) -> jax.Array:
    """Dot product with a vertex's gradient, which has +-3 along one axis and +-1 along the others.

    Bits 2 and 3 of the hash say which axis is the long one, bits 4 to 7 which components are negative.
    """
    long_axis = hashed >> 2 & 3
    signs = [jnp.where(hashed >> 4 + axis & 1, -1, 1) for axis in _AXES]
    lengths = [jnp.where(long_axis == axis, 3, 1) for axis in _AXES]
    return _sum4([sign * length * delta for sign, length, delta in zip(signs, lengths, deltas, strict=True)])


def noise4(permutation: jax.Array, x: jax.Array, y: jax.Array, z: jax.Array, w: jax.Array) -> jax.Array:
    """OpenSimplex noise at one point.

    Args:
        permutation: integers [256], from `permutation`.
        x: first coordinate, a floating-point scalar.
        y: second coordinate, of the same type.
        z: third.
        w: fourth.

    Returns:
        Scalar of the coordinates' type, within about -0.9 and 0.9.
    """
    point = (x, y, z, w)
    stretch = _sum4(point) * _STRETCH
    stretched = [coordinate + stretch for coordinate in point]
    cells = [jnp.floor(coordinate) for coordinate in stretched]
    fractions = [coordinate - cell for coordinate, cell in zip(stretched, cells, strict=True)]
    offsets, counts = _select_vertices(*fractions)

    squish = _sum4(cells) * _SQUISH
    offset_squish = _sum4(offsets).astype(squish.dtype) * _SQUISH
    deltas = [
        coordinate - (cell + squish) - offset.astype(coordinate.dtype) - offset_squish
        for coordinate, cell, offset in zip(point, cells, offsets, strict=True)
    ]

    hashed = jnp.zeros(_NUM_SLOTS, jnp.int32)
    for cell, offset in zip(cells, offsets, strict=True):
        index = hashed + cell.astype(jnp.int32) + offset & 0xFF
        hashed = permutation.at[index].get(mode="promise_in_bounds").astype(jnp.int32)

    kernel = jnp.maximum(2 - _sum4([delta * delta for delta in deltas]), 0) ** 4
    return jnp.sum(jnp.where(counts, kernel * _gradient_product(hashed, deltas), 0)) / _NORM
