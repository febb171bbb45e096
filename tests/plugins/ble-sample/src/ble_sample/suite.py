"""A suite. Needs ble-eval, and is imported by nothing else."""

from ble_eval.suites import EvaluationSuite


def two_hours() -> EvaluationSuite:
    """Three flights of 40 steps, which are two hours."""
    return EvaluationSuite([3, 14, 15], max_episode_length=40)
