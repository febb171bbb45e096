import dataclasses
import gzip
import json
import os
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ble_eval.errors import UserError
from ble_eval.results.files import (
    ResultPaths,
    prepare_results,
    read_results,
    result_file_name,
    write_results,
    write_run,
)
from ble_eval.results.flight_path import FlightPath, ResultFormatError
from ble_eval.results.records import EvaluationResult, from_json, to_json
from ble_eval.settings import read_provenance

POINT = {"x": 1.0, "y": 2.0, "pressure": 8e3, "superpressure": 300, "elapsed_seconds": 180, "power": 0.5}
RECORDINGS = Path(__file__).parents[1] / "data" / "eval"


def test_a_record_has_the_originals_keys(make_result):
    record = to_json(make_result(7))
    assert list(record) == [
        "seed",
        "cumulative_reward",
        "time_within_radius",
        "out_of_power",
        "envelope_burst",
        "zeropressure",
        "final_timestep",
        "flight_path",
    ]
    assert record["flight_path"] == [
        {
            "x": 1.5,
            "y": -2.5,
            "pressure": 8000.0,
            "superpressure": 300.0,
            "elapsed_seconds": 180.0,
            "power": 0.9,
        }
    ]


@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_results_come_back_as_they_were_written(tmp_path, make_result, pretty, name):
    results = [make_result(3, cumulative_reward=1 / 3, out_of_power=True), make_result(1, flight_path=FlightPath())]
    write_results(tmp_path / name, results, pretty=pretty)
    assert read_results(tmp_path / name) == results
    open_file = gzip.open if name.endswith(".gz") else open
    assert isinstance(json.loads(open_file(tmp_path / name).read()), list)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("number", [0, 1, 3])
@pytest.mark.parametrize("pretty", [False, True])
def test_a_file_is_what_json_makes_of_all_records(tmp_path, make_result, pretty, number):
    results = [make_result(seed) for seed in range(number)]
    write_results(tmp_path / "a.json", results, pretty=pretty)
    write_results(tmp_path / "a.json.gz", results, pretty=pretty)
    expected = json.dumps([to_json(result) for result in results], indent=2 if pretty else None) + "\n"
    assert (tmp_path / "a.json").read_text() == expected
    assert (tmp_path / "a.json.gz").read_bytes() == gzip.compress(expected.encode(), mtime=0)


def test_records_do_not_fill_the_memory(tmp_path, make_result):
    path = FlightPath(*[np.random.default_rng(0).random(960) for _ in range(10)])
    result = dataclasses.replace(make_result(1), flight_path=path)
    tracemalloc.start()
    try:
        write_results(tmp_path / "a.json", (result for _ in range(8)))
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


def test_a_path_has_further_columns_beside_the_originals(tmp_path, make_result):
    steps = np.arange(5.0)
    columns = {field.name: 7.0 + number + steps for number, field in enumerate(dataclasses.fields(FlightPath))}
    path = FlightPath(**columns | {"effective_action": steps % 3})
    result = make_result(4, flight_path=path)
    write_results(tmp_path / "a.json", [result])
    assert read_results(tmp_path / "a.json") == [result]
    record = json.loads((tmp_path / "a.json").read_text())[0]["flight_path"][4]
    assert record == {**{name: column[4] for name, column in columns.items()}, "effective_action": 1}
    assert type(record["effective_action"]) is int
    assert result != make_result(4, flight_path=dataclasses.replace(path, reward=None))
    assert result != make_result(4, flight_path=dataclasses.replace(path, reward=steps))
    with pytest.raises(ValueError, match=r"not of one length: .*'y': \(4,\)"):
        dataclasses.replace(path, y=steps[1:])
    with pytest.raises(ResultFormatError, match=r"seed 4 .*'power' of the flight path is not finite"):
        to_json(make_result(4, flight_path=dataclasses.replace(path, power=np.full(5, np.inf))))


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: content[:40] + b"x" + content[41:]])
def test_a_damaged_compressed_file(tmp_path, make_result, damage):
    path = tmp_path / "a.json.gz"
    write_results(path, [make_result(seed) for seed in range(40)])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResultFormatError, match=r"a\.json\.gz is damaged, or not all of it is there"):
        read_results(path)


def test_equal_results_are_equal_compressed_files(tmp_path, make_result, monkeypatch):
    contents = []
    for now in (1e9, 2e9):
        monkeypatch.setattr("time.time", lambda now=now: now)
        write_results(tmp_path / "a.json.gz", [make_result(1)])
        contents.append((tmp_path / "a.json.gz").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("agent", ["station_seeker", "perciatelli44"])
def test_records_of_the_original_are_read(tmp_path, agent):
    records = [json.loads(line) for line in (RECORDINGS / f"{agent}.jsonl").read_text().splitlines()]
    (tmp_path / "original.json").write_text(json.dumps(records))
    results = read_results(tmp_path / "original.json")
    assert [result.seed for result in results] == list(range(30))
    for record, result in zip(records, results, strict=True):
        assert {**record, "flight_path": []} == to_json(result)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": None}, "'seed' is missing"),
        ({"seed": 1.0}, "'seed' is 1.0, not an integer"),
        ({"seed": True}, "'seed' is True, not an integer"),
        ({"seed": -4}, "not -4"),
        ({"cumulative_reward": "a"}, "'cumulative_reward' is 'a', not a finite number"),
        ({"cumulative_reward": float("nan")}, "'cumulative_reward' is nan, not a finite number"),
        ({"time_within_radius": 1.5}, "'time_within_radius' is 1.5, outside"),
        ({"zeropressure": 0}, "'zeropressure' is 0, neither true nor false"),
        ({"final_timestep": 0}, "'final_timestep' is 0, less than 1"),
        ({"flight_path": {}}, "'flight_path' is {}, not a list"),
        ({"flight_path": [3]}, "a point of 'flight_path' is an object with keys, not 3"),
        ({"flight_path": [{"x": 1.0}]}, "'y' is missing"),
        ({"flight_path": [POINT, POINT | {"x": True}]}, "'x' is True, not a finite number"),
        ({"flight_path": [POINT, POINT | {"x": "a"}]}, "'x' is 'a', not a finite number"),
        ({"flight_path": [POINT, POINT | {"power": float("nan")}]}, "'power' is nan, not a finite number"),
        ({"flight_path": [POINT | {"reward": 1.0}, POINT]}, "'reward' is missing in a point"),
    ],
)
def test_impossible_records(tmp_path, make_result, change, message):
    record = {key: value for key, value in (to_json(make_result()) | change).items() if value is not None}
    path = tmp_path / "bad.json"
    path.write_text(json.dumps([to_json(make_result()), record]))
    with pytest.raises(ResultFormatError) as caught:
        read_results(path)
    assert f"{path}, record 1: " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[{]", "is not a JSON file"),
        (b"\xff\xfe", "is not a JSON file"),
        (b'{"a": 1}', "not hold an array"),
        (b"[5]", "not 5"),
    ],
)
def test_files_that_hold_no_results(tmp_path, content, message):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(ResultFormatError, match=message) as caught:
        read_results(path)
    assert str(path) in str(caught.value)


def test_a_write_that_fails_leaves_what_was_there(tmp_path, make_result, monkeypatch):
    path = tmp_path / "a.json"
    write_results(path, [make_result(1)])
    with pytest.raises(ValueError, match="JSON"):
        write_results(path, [make_result(2, cumulative_reward=float("inf"))])

    def no_room(self, mode="r", **keywords):
        if mode != "wb":
            return plain(self, mode, **keywords)
        self.touch()
        raise OSError(28, "No space left on device")

    plain = Path.open
    monkeypatch.setattr(Path, "open", no_room)
    with pytest.raises(OSError, match="No space"):
        write_results(path, [])
    assert [result.seed for result in read_results(path)] == [1]
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("fake", 1, 0), "fake.json"),
        (("fake_0", 4, 3), "fake_0_3.json"),
    ],
)
def test_file_names(arguments, name):
    assert result_file_name(*arguments) == name
    assert result_file_name(*arguments, compress=True) == f"{name}.gz"


def test_a_pattern_for_shards_finds_results_alone(tmp_path):
    paths = ResultPaths.of(tmp_path / "v1.2_0.json")
    for path in (paths.results, paths.provenance, paths.partial):
        path.touch()
    assert list(tmp_path.glob("v1.2_*.json")) == [paths.results]
    assert paths.provenance.name == "v1.2_0.provenance"
    assert paths.partial.name == "v1.2_0.partial.jsonl"
    compressed = ResultPaths.of(tmp_path / "v1.2_0.json.gz")
    assert (compressed.provenance, compressed.partial) == (paths.provenance, paths.partial)
    assert (paths.other_form, compressed.other_form) == (compressed.results, paths.results)


def test_a_result_does_not_lose_its_record_to_the_other_form_of_the_name(tmp_path, make_result):
    write_run(ResultPaths.of(tmp_path / "a.json"), [make_result(1)], {"settings": {}})
    with pytest.raises(UserError, match=r"a\.json is there, and a\.provenance is its record.*another name"):
        prepare_results(ResultPaths.of(tmp_path / "a.json.gz"))


def test_failed_is_any_failure(make_result):
    assert not make_result().failed
    assert all(make_result(**{name: True}).failed for name in ("out_of_power", "envelope_burst", "zeropressure"))


def test_an_unknown_key_is_ignored_and_integers_are_numbers(make_result):
    record = to_json(make_result(cumulative_reward=5.0)) | {"cumulative_reward": 5, "note": "x"}
    assert from_json(record) == make_result(cumulative_reward=5.0)
    assert [field.name for field in dataclasses.fields(EvaluationResult)][-1] == "flight_path"


def test_numbers_of_numpy_are_written_as_pythons(make_result):
    result = make_result(np.int64(3), cumulative_reward=np.float32(1.5), out_of_power=np.bool_(True))
    record = json.loads(json.dumps(to_json(result)))
    assert (record["seed"], record["cumulative_reward"], record["out_of_power"]) == (3, 1.5, True)


@pytest.fixture
def paths(tmp_path):
    return ResultPaths.of(tmp_path / "results" / "a.json")


def test_a_run_and_its_record_are_written_together(paths, make_result):
    for number in range(2):
        write_run(paths, [make_result(number)], {"settings": {"number": number}})
        assert [result.seed for result in read_results(paths.results)] == [number]
        assert read_provenance(paths.provenance) == {"settings": {"number": number}}
    assert sorted(path.name for path in paths.results.parent.iterdir()) == ["a.json", "a.provenance"]


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.open"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_run_that_cannot_be_written_leaves_the_earlier_one(paths, make_result, monkeypatch, call, number):
    write_run(paths, [make_result(0)], {"settings": {"number": 0}})
    calls = 0

    def full(*arguments, **keywords):
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(28, "No space left on device")
        return plain(*arguments, **keywords)

    plain = os.fsync if call == "os.fsync" else Path.open
    with monkeypatch.context() as patch:
        patch.setattr(call, full)
        with pytest.raises(OSError, match="No space"):
            write_run(paths, [make_result(1)], {"settings": {"number": 1}})
    assert [result.seed for result in read_results(paths.results)] == [0]
    assert read_provenance(paths.provenance) == {"settings": {"number": 0}}
    assert len(list(paths.results.parent.iterdir())) == 2


def test_a_result_file_that_is_a_link_stays_one(paths, make_result, tmp_path):
    prepare_results(paths)
    paths.results.symlink_to(tmp_path / "elsewhere.json")
    for number in range(2):
        write_run(paths, [make_result(number)], {"settings": {}})
        assert paths.results.is_symlink()
        assert [result.seed for result in read_results(tmp_path / "elsewhere.json")] == [number]


@pytest.mark.parametrize("name", ["a.json", "a.provenance", "a.partial.jsonl"])
def test_a_folder_in_the_way_is_named_before_anything_is_flown(paths, name):
    (paths.results.parent / name).mkdir(parents=True)
    with pytest.raises(UserError, match=rf"{re.escape(name)}: it is a folder.*another name"):
        prepare_results(paths)


def test_a_name_that_is_too_long_and_a_folder_that_is_a_file(tmp_path):
    with pytest.raises(UserError, match=r"too long.*another name"):
        prepare_results(ResultPaths.of(tmp_path / ("a" * 245 + ".json")))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot write to .*file.*another folder"):
        prepare_results(ResultPaths.of(tmp_path / "file" / "a.json"))


def test_a_write_protected_file_is_named_before_anything_is_flown(paths, make_result, monkeypatch):
    write_run(paths, [make_result(0)], {"settings": {}})
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != paths.results)
    with pytest.raises(UserError, match=r"a\.json: it is write-protected"):
        prepare_results(paths)
