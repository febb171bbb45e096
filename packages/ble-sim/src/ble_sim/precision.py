"""Contexts for settings that JAX has per thread: precision, layout of random bits, and guards of transfers.

They surround the code that needs them and are never set globally, because other code shares the process. Everything in
this package follows the precision in force when it is traced: new arrays have `float_dtype()`, and results of equations
have the dtype of their inputs.
"""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal, cast, get_args

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


def reference_layout() -> AbstractContextManager[None]:
    """Draw random bits in the layout of the reference, the legacy one of threefry."""
    return jax.threefry_partitionable(False)


def standard_layout() -> AbstractContextManager[None]:
    """Draw random bits in the layout that JAX has by default: what did not come from the reference is drawn in it."""
    return jax.threefry_partitionable(True)


@contextlib.contextmanager
def reference_draws() -> Iterator[None]:
    """Draw random numbers as the reference does: 32-bit, in its layout."""
    with reference_layout(), jax.enable_x64(False):
        yield


def own_transfers() -> AbstractContextManager[None]:
    """Allow the transfers between host and device that the enclosed code makes.

    They are meant. The guards that a user sets up with `jax.transfer_guard` look for those that are not.
    """
    config: Any = jax.config  # Type checkers do not know its settings.
    guards = config.jax_transfer_guard_host_to_device or config.jax_transfer_guard_device_to_host
    # Only where there is a guard, because contexts take time at every step.
    is_guarded = guards or config.jax_transfer_guard
    return jax.transfer_guard("allow") if is_guarded else contextlib.nullcontext()


@contextlib.contextmanager
def agent_scope(*, x64: bool) -> Iterator[None]:
    """Act and learn in the enclosed code as JAX does by default, whatever it is set to.

    Random bits have the standard layout, and products of matrices the platform's own precision where none is given.

    Args:
        x64: whether there are 64-bit types.
    """
    with own_transfers(), jax.enable_x64(x64), standard_layout(), jax.default_matmul_precision(None):
        yield


def float_dtype() -> jnp.dtype:
    """The floating-point dtype of the precision in force."""
    return jnp.result_type(float)
