"""Statistics over episodes: averages with bootstrap intervals, and comparisons of agents on the same seeds.

Names are imported when they are first used: the table of a run needs no scipy.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

if TYPE_CHECKING:
    from ble_eval.statistics.bootstrap import CONFIDENCE_LEVEL as CONFIDENCE_LEVEL
    from ble_eval.statistics.bootstrap import RESAMPLES as RESAMPLES
    from ble_eval.statistics.bootstrap import Bootstrap as Bootstrap
    from ble_eval.statistics.bootstrap import Estimate as Estimate
    from ble_eval.statistics.comparison import Comparison as Comparison
    from ble_eval.statistics.comparison import compare_sets as compare_sets
    from ble_eval.statistics.differences import Difference as Difference
    from ble_eval.statistics.differences import Differences as Differences
    from ble_eval.statistics.differences import seeds_needed as seeds_needed
    from ble_eval.statistics.regret import Regrets as Regrets
    from ble_eval.statistics.scores import FIGURES as FIGURES
    from ble_eval.statistics.scores import AgentScores as AgentScores
    from ble_eval.statistics.scores import Aggregates as Aggregates
    from ble_eval.statistics.scores import Profile as Profile
    from ble_eval.statistics.scores import Scores as Scores
    from ble_eval.statistics.summary import Averages as Averages
    from ble_eval.statistics.summary import Summary as Summary
    from ble_eval.statistics.summary import summarize as summarize
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "bootstrap": "CONFIDENCE_LEVEL RESAMPLES Bootstrap Estimate",
            "comparison": "Comparison compare_sets",
            "differences": "Difference Differences seeds_needed",
            "regret": "Regrets",
            "scores": "FIGURES AgentScores Aggregates Profile Scores",
            "summary": "Averages Summary summarize",
        },
    )
