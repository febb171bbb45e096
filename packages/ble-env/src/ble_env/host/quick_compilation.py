"""Options of XLA with which it compiles sooner."""

import functools
from types import MappingProxyType
from typing import Any

import jax
import numpy as np

_OLDER_EMITTERS = MappingProxyType({"xla_cpu_use_fusion_emitters": False})


@functools.cache
def compiler_options() -> dict[str, Any] | None:
    """Compiler options for functions that a user waits for, of `jax.jit`; None if this XLA has no such options.

    XLA's older emitters of code for processors take two thirds of the time, and the functions of one environment are as
    fast. Rounding differs.
    """
    options = dict(_OLDER_EMITTERS)
    try:
        jax.jit(lambda: np.int32(0), compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return None
    return options
