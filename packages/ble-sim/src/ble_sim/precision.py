"""Contexts for the two settings that JAX has per thread: the precision of numbers and the layout of random bits.

They surround the code that needs them and are never set globally, because other code shares the process. Everything in
this package follows the precision in force when it is traced: new arrays have `float_dtype()`, and results of equations
have the dtype of their inputs.
"""

import contextlib
from collections.abc import Iterator
from typing import Literal, cast, get_args

import jax
import jax.numpy as jnp

Precision = Literal["float32", "float64"]
"""float64 follows the reference step by step; float32 is fast."""


def check_precision(precision: str) -> Precision:
    """Return `precision` if it is one of "float32" and "float64".

    Raises:
        ValueError: for anything else.
    """
    if precision not in get_args(Precision):
        raise ValueError(f'precision must be "float32" or "float64", got {precision!r}')
    return cast(Precision, precision)


@contextlib.contextmanager
def precision_scope(precision: str) -> Iterator[None]:
    """Trace and run the enclosed code in the given precision."""
    with jax.enable_x64(check_precision(precision) == "float64"):
        yield


@contextlib.contextmanager
def reference_draws() -> Iterator[None]:
    """Draw random numbers as the reference does: 32-bit, in the legacy threefry layout."""
    with jax.threefry_partitionable(False), jax.enable_x64(False):
        yield


def float_dtype() -> jnp.dtype:
    """The floating-point dtype of the precision in force."""
    return jnp.result_type(float)
