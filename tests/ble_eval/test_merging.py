import pytest

from ble_eval.commands.merge import MergeArguments, merge_files
from ble_eval.errors import UserError
from ble_eval.results.files import write_results
from ble_eval.results.flight_path import FlightPath
from ble_eval.results.merging import listed, merge_results
from ble_eval.results.partial import PartialResults
from ble_sim.files.locks import LockedError


def test_parts_are_joined_by_seed_and_lose_their_paths(make_result):
    merged = merge_results([[make_result(5), make_result(2)], [make_result(9)]], expected_seeds=[2, 5, 9])
    assert [result.seed for result in merged.results] == [2, 5, 9]
    assert all(result.flight_path == FlightPath() for result in merged.results)
    assert merged.missing == merged.double == []


def test_paths_are_kept_on_demand(make_result):
    assert merge_results([[make_result(5)]], flight_paths=True).results == [make_result(5)]


def test_missing_and_double_seeds_are_named(make_result):
    merged = merge_results(
        [[make_result(5), make_result(2)], [make_result(2, flight_path=FlightPath())]], expected_seeds=[7, 2, 5, 1]
    )
    assert merged.missing == [1, 7]
    assert merged.double == [2]
    assert [result.seed for result in merged.results] == [2, 5]


def test_different_results_for_a_seed_are_refused(make_result):
    parts = [[make_result(5), make_result(2)], [make_result(2, cumulative_reward=1.0), make_result(5)]]
    with pytest.raises(
        UserError, match=r"different results for 1 seed 2: .*Of the seed 2, cumulative_reward is 102\.0 and 1\.0\."
    ):
        merge_results(parts)


def test_seeds_in_words():
    assert listed([4, 1, 5, 9, 6]) == "5 seeds 1, 4-6, 9"
    assert listed([3]) == "1 seed 3"
    assert listed(range(0, 100, 2)).startswith("50 seeds 0, 2, 4,")
    assert listed(range(0, 100, 2)).endswith("38, ...")


@pytest.fixture
def shard(tmp_path, make_result):
    file = tmp_path / "a_0.json"
    write_results(file, [make_result(1)])
    return file


def test_no_file_is_replaced_by_what_it_is_merged_to(shard, tmp_path):
    (tmp_path / "link.json").symlink_to(shard)
    content = shard.read_bytes()
    for output in (shard, tmp_path / "link.json"):
        with pytest.raises(UserError, match=r"would replace .*a_0\.json"):
            merge_files(MergeArguments((shard,), output), "merge")
    assert shard.read_bytes() == content


def test_a_file_that_a_run_is_to_write_is_not_merged_to(shard, tmp_path):
    arguments = MergeArguments((shard,), tmp_path / "a.json")
    with PartialResults(tmp_path / "a.partial.jsonl", {"settings": {}, "software": {}}):
        with pytest.raises(LockedError, match=r"in use by process"):
            merge_files(arguments, "merge")
        assert not arguments.output.exists()
    assert merge_files(arguments, "merge") == 0
