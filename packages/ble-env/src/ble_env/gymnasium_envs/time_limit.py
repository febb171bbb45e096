"""Gymnasium's time limit after a flight has been restored beneath it."""

import inspect
from typing import Any

import gymnasium
from gymnasium.wrappers import TimeLimit


def set_time_limits(env: "gymnasium.Env[Any, Any]", num_steps: int) -> None:
    """Tell the wrappers `TimeLimit` around an environment how many steps its flight has taken. Call it within `step`.

    `TimeLimit` counts the steps since the last reset, and has no method to change that. The environment does not know
    its wrappers either: `gymnasium.make` puts them around it afterwards. But the call of `step` comes through them.

    Args:
        env: the environment within, whose `step` is being called.
        num_steps: before this step.
    """
    frame = inspect.currentframe()
    while frame is not None:
        caller = frame.f_locals.get("self") if frame.f_code.co_name == "step" else None
        if isinstance(caller, TimeLimit) and caller.unwrapped is env:
            caller._elapsed_steps = num_steps
        frame = frame.f_back
