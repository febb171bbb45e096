"""Evaluation suites by name."""

import dataclasses

from ble_eval.plugins import SUITES
from ble_eval.suites.suite import EvaluationSuite, SuiteRegistration

__all__ = ["EvaluationSuite", "SuiteRegistration", "get_eval_suite", "suite_names"]


def get_eval_suite(name: str) -> EvaluationSuite:
    """The suite called `name`; a new object at each call, the caller's to change.

    Raises:
        ble_sim.plugins.registry.UnknownNameError: (a ValueError) there is none; the message lists the names, with the
        nearest spelling.
    """
    return dataclasses.replace(SUITES.get(name).create())  # with a list of seeds of its own


def suite_names() -> list[str]:
    """Names of all installed suites, sorted."""
    return SUITES.names()
