"""The plugin of ble-eval: the suites of the benchmark.

The plain suites are the first seeds from 0 on. The five strata are 2 000 seeds each, ordered by how hard it is to stay
near the station in their winds; `data/strata_seeds.json` lists the seeds.
"""

from functools import partial

from ble_eval.suites.strata import STRATA, strata_seeds
from ble_eval.suites.suite import EvaluationSuite
from ble_sim.plugins import SuiteRegistration, hookimpl

EPISODE_STEPS = 960
"""Agent steps of an episode in every built-in suite: two days of 180 s steps."""

PLAIN_SUITES = {"micro_eval": 1, "tiny_eval": 10, "small_eval": 100, "medium_eval": 1_000, "big_eval": 10_000}
"""Suites of the first seeds from 0 on, and their number of seeds."""


def _first_seeds(count: int) -> EvaluationSuite:
    return EvaluationSuite(list(range(count)), EPISODE_STEPS)


def _strata(names: tuple[str, ...]) -> EvaluationSuite:
    seeds = strata_seeds()
    return EvaluationSuite([seed for name in names for seed in seeds[name]], EPISODE_STEPS)


@hookimpl
def ble_register_suites() -> list[SuiteRegistration]:
    """The plain suites, the strata, and all strata together."""
    plain = [
        SuiteRegistration(name, partial(_first_seeds, count), summary=f"The first {count} seeds, from 0 on.")
        for name, count in PLAIN_SUITES.items()
    ]
    strata = [
        SuiteRegistration(f"{name}_strata", partial(_strata, (name,)), summary=f"2000 seeds of the {name} winds.")
        for name in STRATA
    ]
    everything = SuiteRegistration("all_strata", partial(_strata, STRATA), summary="The five strata, hardest first.")
    return [*plain, *strata, everything]
