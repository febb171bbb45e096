"""The results that are part of ble-eval, and the pages that quote them."""

import functools
import json
import re
import subprocess
import sys
from pathlib import Path

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


ROOT = Path(__file__).parents[2]
SCORE = r"\**(\d\.\d{3})\** (\[\d\.\d{3}, \d\.\d{3}\])"


@functools.cache
def twr50_of_records(suite: str) -> dict[str, str]:
    """What `compare` prints, by agent."""
    names = [name for name in shipped_results(suite) if not name.endswith("_float64")]
    command = [sys.executable, "-m", "ble_eval", "compare", *names, "--suite", suite, "--format", "json"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    means = {agent["label"]: agent["overall"]["twr50"]["mean"] for agent in json.loads(output)["agents"]}
    return {
        name: f"{mean['value']:.3f} [{mean['interval'][0]:.3f}, {mean['interval'][1]:.3f}]"
        for name, mean in means.items()
    }


@pytest.mark.parametrize(
    ("page", "suites"),
    [
        ("README.md", ["medium_eval", "big_eval"]),
        ("docs/results/benchmark.md", ["big_eval"]),
        ("docs/results/planner.md", ["medium_eval"]),
        ("docs/results/column_planner.md", ["medium_eval"]),
        ("docs/results/tradewind.md", ["medium_eval"]),
        ("docs/results/windward.md", ["medium_eval"]),
    ],
)
def test_a_page_has_the_scores_of_the_records(page, suites):
    """In the first table that has agents in its first column."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    rows = {}
    for line in lines:
        agent = re.match(r"\| \W*(\w+)", line)
        if agent and agent[1] in twr50_of_records(suites[0]) and (scores := re.findall(SCORE, line)):
            rows.setdefault(agent[1], [" ".join(score) for score in scores[: len(suites)]])
    assert len(rows) >= 3
    assert rows == {agent: [twr50_of_records(suite)[agent] for suite in suites] for agent in rows}
