"""The check that the numbers which leave the device are finite, with the names of the parts that made them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ble_env.checks import check_finite, part_name
from ble_env.host.packing import DIAGNOSTICS_FIELDS
from ble_env.task import Task

_WIND = [DIAGNOSTICS_FIELDS.index(name) for name in ("wind_u", "wind_v")]


def check_flight(
    task: Task,
    where: Callable[..., str] | str,
    *,
    diagnostics: Any,
    reward: Any,
    observation: Any = None,
    num_axes: int = 0,
) -> None:
    """Check what a task's transitions gave on the host. The wind is named before all that follows from it.

    Args:
        task: the task.
        where: the place for the message, see `ble_env.checks.check_finite`.
        diagnostics: packed, float[..., fields].
        reward: float[...]
        observation: [..., the observation's shape]; None if it did not leave the device.
        num_axes: number of leading axes, such as 1 for a batch.

    Raises:
        NotFiniteError: a number is NaN or infinite; the message names the part of the task that made it.
    """
    received = [array for array in (diagnostics, reward, observation) if array is not None]
    if all(np.isfinite(array).all() for array in received):
        return
    values = {f"the wind of {part_name(task.wind_field)}": diagnostics[..., _WIND]}
    values |= {f"the {name} of the balloon": diagnostics[..., i] for i, name in enumerate(DIAGNOSTICS_FIELDS)}
    if observation is not None:
        values[f"the observation {part_name(task.observation)}"] = observation
    values[f"the reward {part_name(task.reward)}"] = reward
    check_finite(values, where, num_axes)
