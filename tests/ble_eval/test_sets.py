import gzip
import json
from pathlib import Path

import pytest

from ble_eval.errors import UserError
from ble_eval.results import shipped
from ble_eval.results.files import write_results
from ble_eval.results.sets import ResultSet, on_common_seeds, read_result_sets, unlike

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


@pytest.fixture
def write(tmp_path, make_result, monkeypatch):
    """Writes results of seeds below the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, seeds=(1, 2), record: dict | None = None) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_results(path, [make_result(seed) for seed in seeds])
        if record is not None:
            path.with_suffix(".provenance").write_text(json.dumps(record))
        return name

    return write


@pytest.fixture
def shipped_here(write, tmp_path, monkeypatch):
    """Results that stand for those that are part of ble-eval."""
    for suite, agents in {"big_eval": ("walker",), "medium_eval": ("walker", "sleeper")}.items():
        for agent in agents:
            write(f"shipped/{suite}/{agent}.json", range(5 if suite == "big_eval" else 3))
            path = tmp_path / "shipped" / suite / f"{agent}.json"
            path.with_suffix(".json.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "shipped")


def labels(sets: list[ResultSet]) -> list[str]:
    return [one.label for one in sets]


def test_files_and_folders_are_read_once_and_in_order(write):
    write("results/tiny_eval/b.json", (2, 1))
    write("results/tiny_eval/a.json")
    write("results/c.json", (4,))
    Path("results/settings.json").write_text("{}")
    Path("results/tiny_eval/a.partial.jsonl").write_text("[]")
    found = read_result_sets(["results/tiny_eval/b.json", "results"])
    assert labels(found) == ["b", "c", "a"]
    assert [one.seeds for one in found] == [[1, 2], [4], [1, 2]]
    assert [one.suite for one in found] == ["tiny_eval", "results", "tiny_eval"]


def test_compressed_files_are_read_with_their_records(write):
    write("a.json", record={"settings": SETTINGS})
    Path("a.json.gz").write_bytes(gzip.compress(Path("a.json").read_bytes()))
    Path("a.json").unlink()
    (found,) = read_result_sets(["."])
    assert (found.label, found.suite, found.seeds) == ("a", "small_eval", [1, 2])


def test_equal_names_are_told_apart_by_their_folders(write, shipped_here):
    words = [write("x/a/same.json"), write("y/a/same.json"), write("other.json"), write("walker.json"), "walker"]
    assert labels(read_result_sets(words)) == ["x/a/same", "y/a/same", "other", "walker", "walker (ships)"]
    words = [write("x/same.json"), write("y/same.json")]
    assert labels(read_result_sets(words)) == ["x/same", "y/same"]


def test_agents_are_found_in_the_suite_that_was_asked_for_that_of_the_files_or_the_largest(write, shipped_here):
    def count(*words, suite=None):
        return [len(one.results) for one in read_result_sets(words, suite) if one.ships]

    assert count("walker") == [5]
    assert count("sleeper") == [3]
    assert count("walker", suite="medium_eval") == [3]
    assert count("walker", write("medium_eval/mine.json")) == [3]
    assert count("walker", write("small_eval/mine.json")) == [5]


@pytest.mark.parametrize(
    ("words", "suite", "message"),
    [
        (["nowhere.json"], None, "nowhere.json"),
        (["a/walker"], None, "a/walker"),
        (
            ["wakler"],
            None,
            "'wakler' is neither.*Did you mean 'walker'.*big_eval: walker; medium_eval: sleeper, walker",
        ),
        (["sleeper"], "big_eval", "'sleeper' is neither.* results of big_eval .*results of big_eval: walker"),
        (["walker"], "small_eval", "other suites: big_eval, medium_eval"),
        (["empty.json"], None, "empty.json has no results"),
        (["double.json"], None, "double.json has several results for a seed: 1 seed 3. Join"),
        (["cut.json"], None, "cut.json"),
        (["damaged"], None, "cut.json"),
        (["zipped.json.gz"], None, "zipped.json.gz"),
        (["bare"], None, "The folder bare has no result files"),
        (["mine"], "tiny_eval", "The folder mine has no results of the suite 'tiny_eval'"),
        (["record.json"], None, "record.provenance"),
        ([""], None, "'' is neither"),
    ],
)
def test_words_that_name_no_results(write, shipped_here, words, suite, message):
    write("empty.json", ())
    write("double.json", (3, 3, 4))
    write("mine/a.json")
    write("record.json", record={})
    text = Path(write("cut.json")).read_text()
    Path("cut.json").write_text(text[: len(text) // 2])
    Path("damaged").mkdir()
    Path("damaged/cut.json").write_text(text[: len(text) // 2])
    Path("zipped.json.gz").write_bytes(gzip.compress(text.encode())[:-9])
    Path("bare").mkdir()
    with pytest.raises((UserError, FileNotFoundError), match=message):
        read_result_sets(words, suite)


def test_a_suite_chooses_among_the_files_of_a_folder(write):
    write("all/one.json", record={"settings": SETTINGS})
    write("all/tiny_eval/two.json")
    assert labels(read_result_sets(["all"], "tiny_eval")) == ["two"]
    assert labels(read_result_sets(["all"], "small_eval")) == ["one"]


def test_seeds_are_left_out_only_if_that_is_allowed(write):
    sets = read_result_sets([write("a/one.json", (1, 2, 3)), write("b/two.json", (2, 3, 9))])
    with pytest.raises(UserError, match=r"\(a, b\): 2 are in common; one has also 1 seed 1; two has also 1 seed 9\."):
        on_common_seeds(sets, allowed=False)
    common = on_common_seeds(sets, allowed=True)
    assert [one.seeds for one in common.sets] == [[2, 3], [2, 3]]
    assert common.left_out == ["one has also 1 seed 1", "two has also 1 seed 9"]


def test_results_of_the_package_are_cut_to_the_seeds_of_the_others(write, shipped_here):
    common = on_common_seeds(read_result_sets([write("mine.json", (1, 2)), "walker"]), allowed=False)
    assert [one.seeds for one in common.sets] == [[1, 2], [1, 2]]
    assert common.left_out == ["walker has also 3 seeds 0, 3-4"]


def test_no_seed_in_common_and_shards_are_said(write):
    shard = {"settings": {**SETTINGS, "num_shards": 2, "shard_idx": 0}}
    sets = read_result_sets([write("one.json", (1,), shard), write("two.json", (2,), {"settings": SETTINGS})])
    with pytest.raises(UserError, match=r"no seed in common among one, two\. one.json is a shard: .*ble-eval merge"):
        on_common_seeds(sets, allowed=True)


def described(label, *, software="0.1.0", wind="a", **changes) -> ResultSet:
    record = {
        "settings": {**SETTINGS, **changes},
        "software": {"ble-sim": software, "agent": label},
        "content": {"the wind field's content": wind, "the checkpoint 4 in runs": label},
    }
    return ResultSet(label, Path(f"{label}.json"), [], record)


def test_nothing_is_said_of_what_belongs_to_the_agents_and_the_files():
    of_the_agent = {"agent": "dqn", "agent_options": {}, "checkpoint_idx": None, "untrained": True}
    other = described("b", **of_the_agent, num_shards=2, flight_paths=False, suite="tiny_eval")
    assert unlike([described("a"), other]) == []


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
def test_what_differs_from_the_baseline_besides_the_agents_is_said(changes, message):
    sets = [described("other", **changes), described("alike"), described("base")]
    assert unlike(sets, "base") == [
        "base (there) and other (here) differ in more than the agents:",
        f"  {message}",
    ]


def test_files_without_a_record_are_named():
    lines = unlike([described("a"), ResultSet("b", Path("there/b.json"), [], None)])
    assert lines[0] == "there/b.json has no record beside it."
    assert len(lines) == 2
