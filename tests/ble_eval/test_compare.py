import csv
import io
import json
import re
from pathlib import Path

import pytest

from ble_eval.cli import main
from ble_eval.results.files import write_results


@pytest.fixture
def write(tmp_path, make_result, monkeypatch):
    """Writes results, TWR50 by seed, to the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def write(name, shares):
        path = Path(f"{name}.json")
        write_results(path, [make_result(seed, time_within_radius=share) for seed, share in shares.items()])
        return str(path)

    return write


def test_flights_are_paired_by_seed(write, capsys):
    first = write("mine", {3: 0.5, 1: 0.9, 2: 0.2})
    second = write("theirs", {1: 0.8, 2: 0.1, 3: 0.4})
    assert main(["compare", first, second]) == 0
    out = capsys.readouterr().out
    assert "3 seeds in common" in out
    assert "mine.json has no record beside it." in out
    row = next(line for line in out.splitlines() if re.match(r"theirs +TWR50", line))
    assert re.findall(r"-?\d\.\d{4}", row)[0] == "-0.1000"
    assert out.endswith("theirs and mine do not differ visibly in TWR50: -0.1000 [-0.1000, -0.1000], p = 0.250.\n")


def test_the_baseline_is_the_first_or_the_one_that_is_named(write, capsys):
    words = [write("one", {1: 0.5, 2: 0.4}), write("two", {1: 0.8, 2: 0.7}), write("three", {1: 0.6, 2: 0.6})]
    assert main(["compare", *words, "--tables", "differences", "--baseline", "two"]) == 0
    out = capsys.readouterr().out
    assert "Differences from two" in out
    assert "Failures" not in out
    assert re.findall(r"^(\w+) +TWR50 ", out, re.MULTILINE) == ["one", "three"]
    assert main(["compare", *words, "--baseline", "four"]) == 2
    assert "There is no 'four' to compare with. There are one, two, three." in capsys.readouterr().err


def test_agents_of_the_package_are_compared_by_name(write, capsys):
    mine = write("mine", dict.fromkeys(range(5), 0.5))
    assert main(["compare", "station_seeker", "perciatelli44", mine, "--tables", "twr50", "--suite=medium_eval"]) == 0
    out = capsys.readouterr().out
    assert "5 seeds in common" in out
    assert "Left out: station_seeker has also 995 seeds 5-999" in out
    assert len(re.findall(r"^(station_seeker|perciatelli44|mine) +(?:observation|-) +0\.", out, re.MULTILINE)) == 3


def test_other_seeds_are_left_out_only_on_demand(write, capsys):
    words = [write("mine", {1: 0.9, 7: 1.0, 8: 1.0}), write("theirs", {1: 0.8, 2: 0.3})]
    assert main(["compare", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "mine has also 2 seeds 7-8; theirs has also 1 seed 2. Give --common-seeds" in err
    assert main(["compare", *words, "--common-seeds"]) == 0
    out = capsys.readouterr().out
    assert "1 seed in common" in out
    assert "Left out: mine has also 2 seeds 7-8; theirs has also 1 seed 2." in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Name the results"),
        (["nowhere.json"], "There is no nowhere.json"),
        (["mine.json", "--output", "mine.json"], "--output mine.json would replace results"),
        (["mine.json", "--output", "no/where.md"], "There is no folder no for --output"),
        (["mine.json", "--difference", "0"], "--difference is 0"),
        (["mine.json", "--resamples", "3"], "--resamples is 3: give at least 100"),
    ],
)
def test_mistakes_take_one_line(write, capsys, words, message):
    write("mine", {1: 0.5})
    assert main(["compare", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert "Errno" not in err


def test_json_and_csv_hold_all_figures(write, capsys):
    words = [write("mine", {1: 0.5, 2: 0.7}), write("theirs", {1: 0.8, 2: 0.3}), "--difference", "0.02"]
    assert main(["compare", *words, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["notes"][0] == "mine.json has no record beside it."
    assert (found["baseline"], found["difference"], found["seeds"]) == ("mine", 0.02, [1, 2])
    assert found["agents"][1]["overall"]["twr50"]["mean"]["value"] == pytest.approx(0.55)
    assert found["differences"][0]["twr50"]["mean"]["value"] == pytest.approx(-0.05)
    assert main(["compare", *words, "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    assert "mine.json has no record beside it." in err
    rows = list(csv.DictReader(io.StringIO(out)))
    wanted = {"agent": "theirs", "baseline": "mine", "group": "all", "figure": "twr50", "statistic": "mean"}
    (row,) = [row for row in rows if wanted.items() <= row.items()]
    assert float(row["value"]) == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("a.md", "**TWR50, 2 seeds in common**"),
        ("a.tex", "% Needs"),
        ("a.json", '{"notes"'),
        ("a.csv", "agent,"),
        ("a.txt", "TWR50, 2 s"),
    ],
)
def test_the_name_of_the_output_gives_the_format(write, capsys, name, beginning):
    words = [write("mine", {1: 0.5, 2: 0.7}), write("theirs", {1: 0.8, 2: 0.3})]
    assert main(["compare", *words, "--output", name]) == 0
    assert Path(name).read_text().startswith(beginning)
    assert capsys.readouterr().out.endswith(f"2 seeds, 2 agents: {name}\n")
    assert main(["compare", *words, "--output", name, "--format", "markdown"]) == 0
    assert Path(name).read_text().startswith("**TWR50, 2 seeds in common**")
    assert [path.name for path in Path().iterdir() if path.name.endswith(".tmp")] == []


def test_a_stratified_bootstrap_leaves_out_the_spread_between_strata(write, capsys):
    """StationSeeker's flights on medium_eval, whose strata are nearly its TWR50."""

    def width(*flags):
        small = write("small", dict.fromkeys(range(1000), 0.5))
        assert main(["compare", "station_seeker", small, "--suite", "medium_eval", "--format", "json", *flags]) == 0
        low, high = json.loads(capsys.readouterr().out)["agents"][0]["overall"]["twr50"]["mean"]["interval"]
        return high - low

    assert width() > 4 * width("--stratified")
