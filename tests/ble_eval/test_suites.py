import json
from importlib import resources

import pytest

from ble_eval.suites import get_eval_suite, suite_names
from ble_eval.suites.suite import EvaluationSuite, repeated, seed_ranges, seeds_of_ranges
from ble_sim.plugins import SuiteRegistration, UnknownNameError
from ble_sim.plugins.registries import SUITES

STRATA = ["hardest_strata", "hard_strata", "mid_strata", "easy_strata", "easiest_strata"]


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("micro_eval", 1, 0, 0),
        ("tiny_eval", 10, 0, 9),
        ("small_eval", 100, 0, 99),
        ("medium_eval", 1_000, 0, 999),
        ("big_eval", 10_000, 0, 9_999),
        ("hardest_strata", 2_000, 0, 8_883),
        ("hard_strata", 2_000, 1, 14_808),
        ("mid_strata", 2_000, 8, 15_734),
        ("easy_strata", 2_000, 5, 23_485),
        ("easiest_strata", 2_000, 2, 21_138),
        ("all_strata", 10_000, 0, 21_138),
    ],
)
def test_built_in_suites(name, count, first, last):
    suite = get_eval_suite(name)
    assert (len(suite.seeds), suite.seeds[0], suite.seeds[-1]) == (count, first, last)
    assert suite.max_episode_length == 960
    assert not repeated(suite.seeds)
    assert name in suite_names()


def test_all_strata_are_the_strata_hardest_first():
    assert get_eval_suite("all_strata").seeds == [seed for name in STRATA for seed in get_eval_suite(name).seeds]


def test_the_strata_travel_with_the_package():
    seeds = json.loads(resources.files("ble_eval").joinpath("data/strata_seeds.json").read_text())
    assert seeds["mid"] == get_eval_suite("mid_strata").seeds


def test_a_suite_is_the_callers_to_change():
    get_eval_suite("tiny_eval").seeds.clear()
    assert get_eval_suite("tiny_eval").seeds == list(range(10))


def test_a_suite_without_seeds_is_refused(monkeypatch):
    empty = SuiteRegistration("empty", lambda: EvaluationSuite([], 960))
    monkeypatch.setattr(SUITES, "make", lambda name, options=None: empty.construct())
    with pytest.raises(ValueError, match="The suite 'empty' has no seeds"):
        get_eval_suite("empty")


def test_an_unknown_suite_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"'tiny_evil'.*Did you mean 'tiny_eval'\?.*all_strata"):
        get_eval_suite("tiny_evil")
    with pytest.raises(ValueError, match="Unknown suite"):  # as the original raised
        get_eval_suite("nothing like it")


@pytest.mark.parametrize(("seeds", "shards"), [(10, 3), (10, 1), (10, 10), (3, 7), (0, 2), (1_000, 17)])
def test_shards_partition_the_seeds_in_order(seeds, shards):
    suite = EvaluationSuite(list(range(5, 5 + seeds)), 960)
    parts = [suite.shard(index, shards) for index in range(shards)]
    assert [seed for part in parts for seed in part.seeds] == suite.seeds
    assert all(part.max_episode_length == 960 for part in parts)
    lengths = [len(part.seeds) for part in parts]
    assert max(lengths) - min(lengths) <= 1


def test_shards_follow_the_formula():
    assert [EvaluationSuite(list(range(10)), 960).shard(index, 4).seeds for index in range(4)] == [
        [0, 1],
        [2, 3, 4],
        [5, 6],
        [7, 8, 9],
    ]


@pytest.mark.parametrize(("index", "count"), [(3, 3), (-1, 3), (0, 0), (0, -2)])
def test_a_shard_that_does_not_exist(index, count):
    with pytest.raises(ValueError, match=f"no shard {index} of {count}"):
        EvaluationSuite([1, 2, 3], 960).shard(index, count)


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (-1, "not -1"),
        (2**64, f"not {2**64}"),
        (1.5, "not 1.5"),
        ("7", "not '7'"),
    ],
)
def test_bad_seeds(seed, message):
    with pytest.raises(ValueError, match=message):
        EvaluationSuite([0, seed], 960)


def test_the_largest_seed_and_a_flight_too_short():
    assert EvaluationSuite([2**64 - 1], 1).seeds == [18446744073709551615]
    with pytest.raises(ValueError, match="max_episode_length is 0"):
        EvaluationSuite([1], 0)


def test_repeated_seeds():
    assert repeated([3, 1, 3, 2, 1, 3]) == [1, 3]


@pytest.mark.parametrize(
    ("seeds", "ranges"),
    [
        ([], []),
        ([7], ["7"]),
        (list(range(10_000)), ["0-9999"]),
        ([3, 4, 6, 5, 9, 10, 11, 2**64 - 1], ["3-4", "6", "5", "9-11", str(2**64 - 1)]),
    ],
)
def test_seeds_as_ranges_in_their_order(seeds, ranges):
    assert seed_ranges(seeds) == ranges
    assert seeds_of_ranges(ranges) == seeds
