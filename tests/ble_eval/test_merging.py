import pytest

from ble_eval.errors import UserError
from ble_eval.results.merging import listed, merge_results


def test_parts_are_joined_by_seed_and_lose_their_paths(make_result):
    merged = merge_results([[make_result(5), make_result(2)], [make_result(9)]], expected_seeds=[2, 5, 9])
    assert [result.seed for result in merged.results] == [2, 5, 9]
    assert all(result.flight_path == () for result in merged.results)
    assert merged.missing == merged.double == []


def test_paths_are_kept_on_demand(make_result):
    assert merge_results([[make_result(5)]], flight_paths=True).results == [make_result(5)]


def test_missing_and_double_seeds_are_named(make_result):
    merged = merge_results(
        [[make_result(5), make_result(2)], [make_result(2, flight_path=())]], expected_seeds=[7, 2, 5, 1]
    )
    assert merged.missing == [1, 7]
    assert merged.double == [2]
    assert [result.seed for result in merged.results] == [2, 5]


def test_different_results_for_a_seed_are_refused(make_result):
    parts = [[make_result(5), make_result(2)], [make_result(2, cumulative_reward=1.0), make_result(5)]]
    with pytest.raises(UserError, match="different results for 1 seed 2:"):
        merge_results(parts)


def test_seeds_in_words():
    assert listed([4, 1, 5, 9, 6]) == "5 seeds 1, 4-6, 9"
    assert listed([3]) == "1 seed 3"
    assert listed(range(0, 100, 2)).startswith("50 seeds 0, 2, 4,")
    assert listed(range(0, 100, 2)).endswith("38, ...")
