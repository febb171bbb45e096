"""The suites of the benchmark, registered through the same hook as anyone's.

The plain suites are the first seeds from 0 on. The five strata are 2 000 seeds each, from those whose winds
leave an agent the least chance to stay near its station to those that leave it the most; the seeds are listed
in `data/strata_seeds.json`.
"""

import json
from functools import partial
from importlib import resources

from ble_eval.suites.suite import EvaluationSuite, SuiteRegistration
from ble_sim.plugins.registry import hookimpl

EPISODE_STEPS = 960
"""Two days of 180 s steps, the length of every built-in suite's flights."""

PLAIN_SUITES = {"micro_eval": 1, "tiny_eval": 10, "small_eval": 100, "medium_eval": 1_000, "big_eval": 10_000}
"""Suites that fly the seeds from 0 on, and how many of them."""

STRATA = ("hardest", "hard", "mid", "easy", "easiest")


def _first_seeds(count: int) -> EvaluationSuite:
    return EvaluationSuite(list(range(count)), EPISODE_STEPS)


def _strata(names: tuple[str, ...]) -> EvaluationSuite:
    text = resources.files("ble_eval").joinpath("data", "strata_seeds.json").read_text(encoding="utf-8")
    seeds = json.loads(text)
    return EvaluationSuite([seed for name in names for seed in seeds[name]], EPISODE_STEPS)


@hookimpl
def ble_register_suites() -> list[SuiteRegistration]:
    """The plain suites, the strata, and all strata together."""
    plain = [
        SuiteRegistration(name, partial(_first_seeds, count), f"The first {count} seeds, from 0 on.")
        for name, count in PLAIN_SUITES.items()
    ]
    strata = [
        SuiteRegistration(f"{name}_strata", partial(_strata, (name,)), f"2000 seeds of the {name} winds.")
        for name in STRATA
    ]
    everything = SuiteRegistration("all_strata", partial(_strata, STRATA), "The five strata, hardest first.")
    return [*plain, *strata, everything]
