"""The results that are part of ble-eval."""

import pytest

from ble_agents.create import agent_names
from ble_eval.results.files import ResultPaths, read_results
from ble_eval.results.shipped import shipped_results, shipped_suites
from ble_eval.settings import read_provenance
from ble_eval.suites import get_eval_suite
from ble_eval.suites.suite import seeds_of_ranges

SHIPPED = [(suite, name) for suite in shipped_suites() for name in shipped_results(suite)]


def test_the_benchmarks_agents_have_results():
    assert {"station_seeker", "perciatelli44", "tradewind", "windward"} <= shipped_results("medium_eval").keys()
    assert shipped_results("tiny_eval") == {}


@pytest.mark.parametrize(("suite", "name"), SHIPPED)
def test_a_shipped_result_is_of_the_whole_suite_and_of_the_agent_that_it_names(suite, name):
    path = shipped_results(suite)[name]
    record = read_provenance(ResultPaths.of(path).provenance)
    assert record is not None
    settings = record["settings"]
    assert settings["suite"] == suite
    assert settings["agent"] in agent_names()
    assert name == settings["agent"] + ("_float64" if settings["precision"] == "float64" else "")
    seeds = [result.seed for result in read_results(path)]
    assert seeds == seeds_of_ranges(settings["seeds"]) == get_eval_suite(suite).seeds
    assert path.stat().st_size < 25 * len(seeds)  # It is in every wheel.
