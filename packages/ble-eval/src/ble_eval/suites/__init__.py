"""Evaluation suites by name."""

import dataclasses
from typing import Any

from ble_eval.suites.suite import EvaluationSuite
from ble_sim.plugins.registries import SUITES

__all__ = ["EvaluationSuite", "get_eval_suite", "suite_names"]


def get_eval_suite(name: str, options: Any = None) -> EvaluationSuite:
    """The suite called `name`: a new object at each call, which the caller may change.

    Args:
        name: as registered.
        options: an instance of its registration's `options_type`; None for the defaults.

    Raises:
        ble_sim.plugins.UnknownNameError: (a ValueError) there is no such suite; the message lists the names, with the
            nearest spelling.
        ValueError: the suite has no seeds.
    """
    suite = dataclasses.replace(SUITES.make(name, options=options))  # A copy with its own list of seeds.
    if not suite.seeds:
        raise ValueError(f"The suite {name!r} has no seeds.")
    return suite


def suite_names() -> list[str]:
    """Names of all installed suites, sorted."""
    return SUITES.names()
