"""A suite with an option. Needs ble-eval, and is imported by nothing else."""

from ble_eval.suites import EvaluationSuite
from ble_sample.options import TwoHoursOptions


def two_hours(options: TwoHoursOptions = TwoHoursOptions()) -> EvaluationSuite:
    """Flights of 40 steps, which are two hours."""
    return EvaluationSuite([3, 14, 15][: options.flights], max_episode_length=40)
