"""Limits of seeds: their file, the winds that they hold for, and the regret that is counted from them."""

import csv
import dataclasses
import gzip
import io
import json
from pathlib import Path

import pytest
from report_fakes import make_sets

from ble_eval.cli import main
from ble_eval.errors import UserError
from ble_eval.results import limits as module
from ble_eval.results.files import write_results
from ble_eval.results.limits import Limits, find_limits, read_limits, shipped_limits, write_limits
from ble_eval.results.sets import ResultSet
from ble_eval.statistics import compare_sets
from ble_eval.suites import get_eval_suite

SETTINGS = {
    "suite": "tiny_eval",
    "max_episode_length": 960,
    "wind_field": "generative",
    "wind_field_options": {"weights": "offlineskies22"},
}
RECORD = {"command": "made up", "software": {"ble-eval": "0"}, "settings": SETTINGS}
LIMITS = Limits((0, 1, 2, 3), (0.01, 0.5, 0.75, 0.95), RECORD)


@pytest.fixture
def none_ship(monkeypatch, tmp_path):
    """A package without limits, and the folder that it would have them in."""
    folder = tmp_path / "shipped"
    monkeypatch.setattr(module, "FOLDER", folder)
    return folder


def flown(make_result, shares, start=0):
    return [make_result(seed, time_within_radius=share) for seed, share in enumerate(shares, start)]


@pytest.mark.parametrize("name", ["some/limits.json.gz", "limits.json"])
def test_a_file_of_limits_is_read_as_it_was_written(tmp_path, name):
    path = tmp_path / name
    write_limits(path, LIMITS)
    assert read_limits(path) == LIMITS
    first = path.read_bytes()
    write_limits(path, LIMITS)
    assert path.read_bytes() == first
    content = json.loads(gzip.decompress(first) if path.suffix == ".gz" else first)
    assert content == {**RECORD, "seeds": ["0-3"], "twr50": [0.01, 0.5, 0.75, 0.95]}


def test_flights_prove_limits_as_shares_of_a_whole_episode(make_result):
    failed = make_result(7, time_within_radius=0.5, final_timestep=240, out_of_power=True)
    whole = make_result(2, time_within_radius=0.5, final_timestep=960)
    (one,) = make_sets({"flyer": [failed, whole]})
    limits = Limits.of_flights([dataclasses.replace(one, record=RECORD)], "made up")
    assert (limits.seeds, limits.twr50, limits.suite) == ((2, 7), (0.5, 0.125), "tiny_eval")


@pytest.fixture
def recorded(make_result, tmp_path, monkeypatch):
    """Two recorded of flights with their records, in the current directory."""
    monkeypatch.chdir(tmp_path)
    for name, shares, start in (("one", [0.2, 0.9, 0.4], 0), ("other", [0.3, 0.5, 0.7], 1)):
        write_results(Path(f"{name}.json"), flown(make_result, shares, start))
        record = {**RECORD, "information": "oracle", "settings": {**SETTINGS, "agent": name}}
        Path(f"{name}.provenance").write_text(json.dumps(record))
    return ["one.json", "other.json"]


def test_the_best_flights_of_recorded_become_limits(recorded, capsys):
    assert main(["limits", *recorded, "--output", "new/limits.json.gz"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "mean limit of 4 seeds: 0.5750",
        "the best flight: one on 2, other on 2",
        "limits: new/limits.json.gz",
    ]
    limits = read_limits(Path("new/limits.json.gz"))
    assert (limits.seeds, limits.twr50) == ((0, 1, 2, 3), (0.2, 0.9, 0.5, 0.7))
    assert limits.record["settings"] == SETTINGS
    assert limits.record["flights"]["other"]["settings"]["agent"] == "other"
    assert limits.record["flights"]["other"]["information"] == "oracle"
    assert main(["compare", *recorded, "--common-seeds", "--limits", "new/limits.json.gz", "--tables", "regret"]) == 0
    assert "oracle" in capsys.readouterr().out


def test_flights_that_give_no_limits_are_refused(recorded, capsys):
    other = {**RECORD, "settings": {**SETTINGS, "wind_field": "simple", "wind_field_options": {}}}
    for record, words, message in (
        (None, ["--output", "limits.json"], "Name the results to take limits from."),
        (None, [*recorded, "--output", "limits.txt"], "give a file whose name ends in .json or .json.gz"),
        (None, [*recorded, "--output", "one.json"], "would replace one.json, which is to be read"),
        (other, [*recorded, "--output", "limits.json"], "other.json was flown in other winds (simple"),
        ("", [*recorded, "--output", "limits.json"], "other.json has no record beside it"),
    ):
        if record == "":
            Path("other.provenance").unlink()
        elif record is not None:
            Path("other.provenance").write_text(json.dumps(record))
        assert main(["limits", *words]) == 2
        assert message in capsys.readouterr().err
        assert not Path("limits.json").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": ["0-2"]}, "there are 3 seeds and 4 limits"),
        ({"seeds": ["3", "0-2"]}, "the seeds are not in ascending order"),
        ({"seeds": []}, "there are no seeds"),
        ({"seeds": 4}, "'seeds' is 4, not a list of ranges"),
        ({"twr50": [0, 0, 0, 1.5]}, "the limit of the seed 3 is 1.5, outside"),
        ({"twr50": [0, 0, 0, True]}, "not a list of numbers"),
        ({"settings": {**SETTINGS, "suite": None}}, "the setting 'suite' is None, not of type str"),
    ],
)
def test_a_file_that_does_not_hold_limits_is_refused(tmp_path, changes, message):
    path = tmp_path / "limits.json"
    path.write_text(json.dumps({**RECORD, "seeds": ["0-3"], "twr50": [0.1, 0.2, 0.3, 0.4], **changes}))
    with pytest.raises(UserError, match=message) as raised:
        read_limits(path)
    assert str(path) in str(raised.value)


def test_a_file_that_is_missing_or_cut_off_is_named(tmp_path):
    with pytest.raises(UserError, match="There is no file of limits"):
        read_limits(tmp_path / "nowhere.json")
    path = tmp_path / "limits.json.gz"
    write_limits(path, LIMITS)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UserError, match="not a file of limits, or is damaged"):
        read_limits(path)


def test_limits_are_found_by_seed_and_the_larger_one_counts(none_ship, make_result):
    sets = make_sets({"flyer": flown(make_result, [0.1, 0.2, 0.3])})
    assert find_limits(sets).limits is None
    write_limits(none_ship / "tiny_eval.json.gz", LIMITS)
    write_limits(
        none_ship / "some.json.gz", Limits((1, 9), (0.6, 0.1), {**RECORD, "settings": {**SETTINGS, "suite": "some"}})
    )
    found = find_limits(sets)
    assert found.notes == []
    assert found.limits is not None
    assert found.limits.by_seed == {0: 0.01, 1: 0.6, 2: 0.75}
    assert found.limits.source == "some and tiny_eval"
    other_seeds = make_sets({"flyer": flown(make_result, [0.1, 0.2], start=50)})
    assert find_limits(other_seeds).limits is None


def test_limits_hold_for_their_winds_alone(none_ship, make_result):
    """The age of the forecast changes what an agent sees, and not the wind."""

    def flown_with(label, **options):
        record = {"settings": {**SETTINGS, "wind_field_options": {"weights": "offlineskies22", **options}}}
        return ResultSet(label, Path(label), flown(make_result, [0.1, 0.2]), record)

    write_limits(none_ship / "tiny_eval.json.gz", LIMITS)
    old, aged, larger = (
        flown_with("old"),
        flown_with("aged", forecast_age_hours=12.0),
        flown_with("larger", error_scale=2.0),
    )
    found = find_limits([old, aged, larger])
    assert found.limits is not None
    assert found.limits.labels == ("old", "aged")
    assert found.notes == ["No regret of larger: the winds are others than those of the limits."]
    assert find_limits([larger]).limits is None
    with pytest.raises(UserError, match="No agent flew in the winds of"):
        find_limits([larger], none_ship / "tiny_eval.json.gz")


def test_the_regret_of_agents(none_ship, make_result, tmp_path):
    write_limits(none_ship / "tiny_eval.json.gz", LIMITS)
    sets = make_sets(
        {
            "flyer": flown(make_result, [0.0, 0.2, 0.8, 0.9, 0.4]),
            "other": flown(make_result, [0.01, 0.5, 0.75, 0.95, 0.4]),
        }
    )
    regrets = compare_sets(sets, limits=find_limits(sets).limits).regrets
    assert regrets is not None
    assert regrets.seeds == (0, 1, 2, 3)
    assert regrets.overall.limit is not None
    assert regrets.overall.limit.value == pytest.approx(0.5525)
    assert {name: group.seeds for name, group in regrets.kinds.items()} == {"hopeless": 1, "middling": 2, "easy": 1}
    flyer, other = regrets.agents
    assert flyer.regret.mean.value == pytest.approx((0.01 + 0.3 - 0.05 + 0.05) / 4)
    assert flyer.above_limit.value == 0.25
    assert flyer.kinds["middling"].regret.value == pytest.approx(0.125)
    assert flyer.kinds["easy"].twr50.value == pytest.approx(0.9)
    assert other.regret.mean.value == pytest.approx(0.0)
    assert other.above_limit.value == 0.0
    assert sum(group.seeds for group in regrets.strata.values()) == 4
    assert compare_sets(sets).regrets is None


@pytest.fixture
def files(none_ship, tmp_path, make_result, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    write_results(Path("mine.json"), flown(make_result, [0.0, 0.2, 0.8, 0.9, 0.4]))
    write_results(Path("theirs.json"), flown(make_result, [0.0, 0.4, 0.5, 0.9, 0.4]))
    write_limits(Path("limits.json.gz"), LIMITS)
    return ["mine.json", "theirs.json"]


def test_compare_shows_the_regret(files, capsys):
    assert (
        main(["compare", *files, "--limits", "limits.json.gz", "--tables", "regret", "kinds", "limits", "strata"]) == 0
    )
    out = capsys.readouterr().out
    assert "Regret: limit minus TWR50, paired by seed, 4 of 5 seeds" in out
    assert "Limits of limits.json.gz" in out
    assert "Hopeless: 1 seed 0\n" in out
    for style in ("markdown", "latex"):
        assert main(["compare", *files, "--limits", "limits.json.gz", "--format", style]) == 0
        assert "Kinds of seeds by their limit" in capsys.readouterr().out


def test_json_and_csv_hold_the_regret_too(files, capsys):
    assert main(["compare", *files, "--limits", "limits.json.gz", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["regrets"]
    assert (found["seeds"], found["limits"]) == ([0, 1, 2, 3], [0.01, 0.5, 0.75, 0.95])
    assert main(["compare", *files, "--limits", "limits.json.gz", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    wanted = {"agent": "mine", "group": "kind: middling", "figure": "regret", "statistic": "mean"}
    (row,) = [row for row in rows if wanted.items() <= row.items()]
    assert float(row["value"]) == pytest.approx(0.125)


def test_without_limits_there_is_a_line_for_who_asks(files, capsys):
    assert main(["compare", *files]) == 0
    assert "egret" not in capsys.readouterr().out
    assert main(["compare", *files, "--tables", "regret"]) == 0
    assert "No limits of these seeds are known" in capsys.readouterr().out


def test_limits_of_other_seeds_are_refused(files, capsys):
    write_limits(Path("other.json"), Limits((70,), (0.5,), RECORD))
    assert main(["compare", *files, "--limits", "other.json"]) == 2
    assert "other.json has no limit of a seed that is compared" in capsys.readouterr().err


@pytest.mark.parametrize("suite", shipped_limits())
def test_shipped_limits_are_of_the_whole_suite(suite):
    path = shipped_limits()[suite]
    limits = read_limits(path)
    assert limits.suite == suite
    assert list(limits.seeds) == sorted(get_eval_suite(suite).seeds)
    assert path.stat().st_size < 25 * len(limits.seeds)  # It is in every wheel.
