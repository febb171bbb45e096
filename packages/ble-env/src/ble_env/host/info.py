"""The `info` of Gymnasium's environments: the diagnostics and times, numbers all of them."""

from typing import Any

import numpy as np

from ble_env.host.packing import unpack_diagnostics


def to_info(diagnostics: np.ndarray, start_time: int) -> dict[str, Any]:
    """The `info` of one environment, of Python's types: `Diagnostics.info`, and two times.

    `time_elapsed` are the seconds since the start of the episode (float), `date_time` the whole seconds since 1970 UTC.

    Args:
        diagnostics: packed, float[fields].
        start_time: of the episode, seconds since 1970 UTC.
    """
    info = unpack_diagnostics(diagnostics).info()
    info["time_elapsed"] = float(info["elapsed"])
    info["date_time"] = start_time + info["elapsed"]
    return info


def to_infos(diagnostics: np.ndarray, start_time: np.ndarray, is_reported: np.ndarray) -> dict[str, np.ndarray]:
    """The `info` of many environments in Gymnasium's batched form.

    The keys are those of `to_info`, each with an array that has a row for each environment, and `_key` beside `key`
    for the rows that are reported.

    Args:
        diagnostics: packed, float[num_envs, fields].
        start_time: int[num_envs], of the episodes, seconds since 1970 UTC.
        is_reported: bool[num_envs]; the rows of other environments are zeros.
    """
    infos = unpack_diagnostics(np.where(is_reported[:, None], diagnostics, 0.0).astype(np.float64)).info()
    infos["time_elapsed"] = infos["elapsed"].astype(np.float64)
    infos["date_time"] = np.where(is_reported, start_time, 0).astype(np.int64) + infos["elapsed"]
    return infos | {f"_{key}": is_reported.copy() for key in infos}
