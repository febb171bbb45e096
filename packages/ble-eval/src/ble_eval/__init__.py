"""Evaluation of balloon agents: suites of episodes, results, statistics, and the command `ble-eval`.

Names are imported when they are first used, so that this package and its command line import neither jax nor gymnasium
before they need it.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ble_eval.eval_lib import eval_agent as eval_agent
    from ble_eval.results.files import read_results as read_results
    from ble_eval.results.files import write_results as write_results
    from ble_eval.results.flight_path import FlightPath as FlightPath
    from ble_eval.results.flight_path import ResultFormatError as ResultFormatError
    from ble_eval.results.limits import Limits as Limits
    from ble_eval.results.limits import find_limits as find_limits
    from ble_eval.results.limits import read_limits as read_limits
    from ble_eval.results.limits import write_limits as write_limits
    from ble_eval.results.records import EvaluationResult as EvaluationResult
    from ble_eval.results.sets import ResultSet as ResultSet
    from ble_eval.results.sets import on_common_seeds as on_common_seeds
    from ble_eval.results.sets import read_result_sets as read_result_sets
    from ble_eval.statistics import Comparison as Comparison
    from ble_eval.statistics import Summary as Summary
    from ble_eval.statistics import compare_sets as compare_sets
    from ble_eval.statistics import summarize as summarize
    from ble_eval.suites import EvaluationSuite as EvaluationSuite
    from ble_eval.suites import get_eval_suite as get_eval_suite
    from ble_eval.suites import suite_names as suite_names
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "eval_lib": "eval_agent",
            "results.files": "read_results write_results",
            "results.flight_path": "FlightPath ResultFormatError",
            "results.limits": "Limits find_limits read_limits write_limits",
            "results.records": "EvaluationResult",
            "results.sets": "ResultSet on_common_seeds read_result_sets",
            "statistics": "Comparison Summary compare_sets summarize",
            "suites": "EvaluationSuite get_eval_suite suite_names",
        },
    )
