import json
import re
from pathlib import Path

import pytest

from ble_eval.cli import main
from ble_eval.results.files import write_results


@pytest.fixture
def files(tmp_path, make_result, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def write(name, shares):
        path = tmp_path / f"{name}.json"
        write_results(path, [make_result(seed, time_within_radius=share) for seed, share in shares.items()])
        return str(path)

    return write


def test_flights_are_paired_by_seed(files, capsys):
    first = files("mine", {3: 0.5, 1: 0.9, 2: 0.2})
    second = files("theirs", {1: 0.8, 2: 0.1, 3: 0.4})
    assert main(["compare", first, second]) == 0
    out = capsys.readouterr().out
    assert "3 seeds in common" in out
    row = next(line for line in out.splitlines() if "TWR50" in line)
    assert re.findall(r"-?\d\.\d{4}", row)[0] == "0.5333"
    assert "0.1000 [" in row


def test_other_seeds_are_left_out_only_on_demand(files, capsys):
    first, second = files("mine", {1: 0.9, 7: 1.0, 8: 1.0}), files("theirs", {1: 0.8, 2: 0.3})
    assert main(["compare", first, second]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"only {first} has 2 seeds 7-8; only {second} has 1 seed 2. Give --common-seeds" in err
    assert main(["compare", first, second, "--common-seeds"]) == 0
    out = capsys.readouterr().out
    assert "1 seeds in common" in out
    assert f"Left out: only {first} has 2 seeds 7-8" in out


def test_files_that_cannot_be_compared(files, capsys, tmp_path):
    for shares, message in (({3: 0.5}, "no seed in common"), ({}, "has no results")):
        assert main(["compare", files("mine", shares), files("theirs", {1: 0.8})]) == 2
        assert message in capsys.readouterr().err
    double = tmp_path / "double.json"
    double.write_text(json.dumps(json.loads(Path(files("mine", {1: 0.5})).read_text()) * 2))
    assert main(["compare", str(double), files("theirs", {1: 0.8})]) == 2
    assert "several results for a seed" in capsys.readouterr().err
    assert main(["compare", "nowhere.json", files("theirs", {1: 0.8})]) == 2
    err = capsys.readouterr().err
    assert "nowhere.json" in err
    assert "Errno" not in err


SETTINGS = {
    "agent": "ppo",
    "agent_options": {"epochs": 3},
    "checkpoint_idx": 4,
    "untrained": False,
    "wind_field": "simple",
    "wind_field_options": {},
    "reward": "station_keeping",
    "reward_options": {"radius_km": 50.0},
    "precision": "float32",
    "max_episode_length": 960,
    "suite": "small_eval",
    "suite_options": {},
    "num_shards": 1,
    "flight_paths": True,
}


def described(path, *, software="0.1.0", wind="a", **changes):
    content = {"the wind field's content": wind, "the checkpoint 4 in runs": str(path)}
    record = {"settings": {**SETTINGS, **changes}, "software": {"ble-sim": software, "agent": path}, "content": content}
    Path(path).with_suffix(".provenance").write_text(json.dumps(record))
    return path


def compared(files, capsys, **changes):
    first, second = described(files("mine", {1: 0.5})), described(files("theirs", {1: 0.8}), **changes)
    assert main(["compare", first, second]) == 0
    return capsys.readouterr().out


def test_nothing_is_said_of_what_belongs_to_the_agents_and_the_files(files, capsys):
    of_the_agent = {"agent": "dqn", "agent_options": {}, "checkpoint_idx": None, "untrained": True}
    out = compared(files, capsys, **of_the_agent, num_shards=2, flight_paths=False, suite="tiny_eval")
    assert out.startswith("1 seeds in common")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wind_field": "generative"}, 'wind_field is "simple" there and "generative" here'),
        ({"reward_options": {"radius_km": 20.0}}, "reward option radius_km is 50.0 there and 20.0 here"),
        ({"precision": "float64"}, 'precision is "float32" there and "float64" here'),
        ({"max_episode_length": 10}, "max_episode_length is 960 there and 10 here"),
        ({"software": "0.2.0"}, 'ble-sim is "0.1.0" there and "0.2.0" here'),
        ({"wind": "b"}, "the wind field's content has changed"),
    ],
)
def test_what_differs_besides_the_agents_is_said(files, capsys, changes, message):
    lines = compared(files, capsys, **changes).splitlines()
    assert "differ in more than the agents" in lines[0]
    assert lines[1] == f"  {message}"


def test_files_without_a_record_are_named(files, capsys):
    first, second = described(files("mine", {1: 0.5})), files("theirs", {1: 0.8})
    assert main(["compare", first, second]) == 0
    out = capsys.readouterr().out
    assert f"{second} has no record beside it." in out
    assert f"{first} has no record" not in out


def test_files_of_one_name_have_their_folders_in_the_table(files, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in "ab":
        Path(folder).mkdir()
        described(str(Path(files("same", {1: 0.5})).rename(f"{folder}/same.json")))
    assert main(["compare", "a/same.json", "b/same.json"]) == 0
    out = capsys.readouterr().out
    assert "a/same.json" in out
    assert "b/same.json" in out
