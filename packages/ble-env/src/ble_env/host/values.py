"""Numbers and arrays of any library, as numpy's and Python's."""

import numbers
from typing import Any

import numpy as np


def as_host_array(value: Any) -> np.ndarray | None:
    """A number, sequence, array or tensor of any library as a numpy array; None if it cannot be one."""
    if hasattr(value, "detach"):  # A tensor of torch, which may be on an accelerator or have a gradient.
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def as_number(value: Any) -> int | float | None:
    """A number, or a scalar array or tensor of any library, as Python's; None for anything else, and for bools."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.generic):
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    array = as_host_array(value)
    # By the name, since numpy has no kind for bfloat16.
    is_number = array is not None and array.shape == () and (array.dtype.kind in "iuf" or "float" in array.dtype.name)
    return array.astype(array.dtype if array.dtype.kind in "iu" else float).item() if is_number else None  # type: ignore[union-attr]


def shown(value: Any) -> str:
    """A value for messages: type and shape of an array, else its text, cut to a length."""
    array = as_host_array(value)
    if array is not None and array.ndim and array.dtype != object:
        return f"{array.dtype}{list(array.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
