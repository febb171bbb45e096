"""Evaluation of balloon agents: suites of episodes, results, statistics, and the command `ble-eval`.

Names are imported when they are first used, so that this package and its command line import neither jax nor gymnasium
before they need it.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

if TYPE_CHECKING:
    from ble_eval.eval_lib import eval_agent
    from ble_eval.results.files import read_results, write_results
    from ble_eval.results.records import EvaluationResult, FlightPathPoint, ResultFormatError
    from ble_eval.statistics import Summary, summarize
    from ble_eval.suites import EvaluationSuite, get_eval_suite, suite_names

__version__ = "0.1.0"

_MODULES = {
    "EvaluationResult": "results.records",
    "EvaluationSuite": "suites",
    "FlightPathPoint": "results.records",
    "ResultFormatError": "results.records",
    "Summary": "statistics",
    "eval_agent": "eval_lib",
    "get_eval_suite": "suites",
    "read_results": "results.files",
    "suite_names": "suites",
    "summarize": "statistics",
    "write_results": "results.files",
}

__all__ = [
    "EvaluationResult",
    "EvaluationSuite",
    "FlightPathPoint",
    "ResultFormatError",
    "Summary",
    "eval_agent",
    "get_eval_suite",
    "read_results",
    "suite_names",
    "summarize",
    "write_results",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
