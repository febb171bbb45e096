import math

import numpy as np
import pytest
from scipy import stats

from ble_eval.results.sets import ResultSet
from ble_eval.statistics import CONFIDENCE_LEVEL, Bootstrap, Estimate, compare_sets, seeds_needed, summarize
from ble_eval.statistics.bootstrap import mean_estimates
from ble_eval.statistics.differences import corrected, sign_change_test
from ble_eval.statistics.trimmed import resampled_averages
from ble_eval.suites.strata import STRATA, strata_of, strata_seeds

UNKNOWN = 10**9
"""Seeds from here on are in no stratum."""


def mean_of(values, seeds=None) -> Estimate:
    values = np.asarray(values, float)
    seeds = range(UNKNOWN, UNKNOWN + len(values)) if seeds is None else seeds
    return mean_estimates([values], np.ones(len(values), bool), Bootstrap(list(seeds), stratified=True))[0]


def mean_and_interval(values) -> tuple[float, float, float]:
    found = mean_of(values)
    assert found.interval is not None
    return found.value, *found.interval


def test_the_interval_covers_the_mean_as_often_as_it_says():
    random = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        _, low, high = mean_and_interval(random.normal(2.0, 1.0, 40))
        covered += low <= 2.0 <= high
    assert covered / 200 == pytest.approx(CONFIDENCE_LEVEL, abs=0.05)


def test_the_interval_has_the_width_of_the_normal_approximation():
    sample = np.random.default_rng(4).uniform(size=1_000)
    mean, low, high = mean_and_interval(sample)
    assert mean == pytest.approx(sample.mean())
    assert high - low == pytest.approx(2 * 1.96 * sample.std() / np.sqrt(1_000), rel=0.1)


@pytest.mark.filterwarnings("error")
def test_samples_that_say_nothing_about_the_spread():
    assert mean_of([0.3]) == Estimate(0.3, None)
    assert mean_of([0.5] * 8) == Estimate(0.5, (0.5, 0.5))
    mean, low, high = mean_and_interval([0.0, 1.0])
    assert 0.0 <= low <= mean <= high <= 1.0


def test_the_spread_between_large_strata_is_not_part_of_the_interval():
    hard, easy = (strata_seeds()[name][:50] for name in ("hard", "easy"))
    values = np.random.default_rng(5).normal(0.0, 0.1, 100) + np.repeat([0.0, 1.0], 50)
    low, high = mean_of(values, [*hard, *easy]).interval
    assert high - low == pytest.approx(2 * 1.96 * 0.1 / 10, rel=0.25)
    plain = Bootstrap([*hard, *easy])
    low, high = mean_estimates([values], np.ones(100, bool), plain)[0].interval
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 10, rel=0.25)


def test_small_strata_are_drawn_from_together():
    seeds = [seed for name in STRATA for seed in strata_seeds()[name][:2]]
    low, high = mean_of(np.arange(10.0), seeds).interval
    assert high - low > 2.5


def test_equal_samples_have_equal_intervals():
    assert mean_of([0.1, 0.9, 0.4]) == mean_of([0.1, 0.9, 0.4])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 40, 1_000])
def test_averages_of_resamples_are_those_of_scipy(size):
    random = np.random.default_rng(size)
    columns = np.column_stack([random.normal(300.0, 100.0, size), np.round(random.random(size), 1)])
    weights = np.zeros((size, 30), np.uint8)
    for resample in range(1, 30):
        np.add.at(weights[:, resample], random.integers(size, size=random.integers(1, size + 1)), 1)
    found = resampled_averages(weights, columns)
    for column, averages in zip(columns.T, found, strict=True):
        assert all(np.isnan(average[0]) for average in averages.values())  # Nothing was drawn.
        for resample in range(1, 30):
            drawn = np.repeat(column, weights[:, resample])
            expected = {"mean": drawn.mean(), "iqm": stats.trim_mean(drawn, 0.25), "median": np.median(drawn)}
            assert {name: average[resample] for name, average in averages.items()} == pytest.approx(expected, rel=1e-5)


def test_an_average_of_resamples_far_from_the_sample_is_found_as_well():
    values = np.arange(1_000.0)[:, None]
    weights = np.zeros((1_000, 2), np.uint8)
    weights[:10, 0] = weights[-10:, 1] = 100
    iqm = resampled_averages(weights, values)[0]["iqm"]
    assert iqm == pytest.approx([4.5, 994.5], abs=0.01)


# Values of rliable 1.2.0 with 50 000 resamples (20 000 for the profile) of `reference_scores`, tasks in columns.
RLIABLE = {
    "mean": (0.33080446, 0.2927928, 0.36959602),
    "iqm": (0.29898515, 0.25311035, 0.34547875),
    "median": (0.28737624, 0.23564356, 0.34306931),
}
RLIABLE_PROFILE = {
    0.0: (0.98333333, 0.95833333, 1.0),
    0.25: (0.54166667, 0.45833333, 0.625),
    0.5: (0.24166667, 0.175, 0.31666667),
    0.75: (0.075, 0.03333333, 0.11666667),
}
RLIABLE_DIFFERENCE = (-0.03106436, -0.08432354, 0.02235613)
RLIABLE_IMPROVEMENT = 0.45416667


def reference_scores(shift: int) -> np.ndarray:
    i, j = np.ogrid[:24, :5]
    return ((37 * i * i + 17 * i * j + shift * (i + 3 * j) + 11 * j) % 101) / 101.0 * (0.4 + 0.15 * j)


def set_of(make_result, label, values: dict[int, float], **changes) -> ResultSet:
    results = [
        make_result(seed, time_within_radius=share, cumulative_reward=1_000.0 * share, **changes)
        for seed, share in sorted(values.items())
    ]
    return ResultSet(label, None, results, None)


@pytest.fixture
def reference_sets(make_result) -> list[ResultSet]:
    """24 seeds of each stratum as the tasks of rliable."""
    by_label = {}
    for label, shift in (("a", 5), ("b", 23)):
        columns = zip(STRATA, reference_scores(shift).T, strict=True)
        by_label[label] = {
            seed: share
            for name, column in columns
            for seed, share in zip(strata_seeds()[name][:24], column.tolist(), strict=True)
        }
    return [set_of(make_result, label, values) for label, values in by_label.items()]


def test_the_figures_are_those_of_rliable(reference_sets):
    comparison = compare_sets(reference_sets, "b", stratified=True, resamples=8_000)

    def close(expected, estimate: Estimate) -> None:
        value, low, high = expected
        assert estimate.value == pytest.approx(value, rel=1e-6)
        assert estimate.interval == pytest.approx((low, high), abs=0.03 * (high - low))

    for name, expected in RLIABLE.items():
        close(expected, getattr(comparison.agents[0].overall.twr50, name))
        close(1_000.0 * np.array(expected), getattr(comparison.agents[0].overall.reward, name))
    profile = comparison.agents[0].profile
    for threshold, expected in RLIABLE_PROFILE.items():
        place = round(100 * threshold)
        assert profile.thresholds[place] == pytest.approx(threshold)
        found = profile.shares[place], profile.low[place], profile.high[place]
        assert found == pytest.approx(expected, abs=0.0085)  # A flight is 1/120.
    close(RLIABLE_DIFFERENCE, comparison.differences[0].twr50.mean)
    assert comparison.differences[0].twr50.improvement.value == pytest.approx(RLIABLE_IMPROVEMENT)
    assert comparison.strata == dict.fromkeys(STRATA, 24)


def test_a_stratum_has_the_figures_of_its_flights(reference_sets):
    comparison = compare_sets(reference_sets)
    for column, name in zip(reference_scores(5).T, STRATA, strict=True):
        scores = comparison.agents[0].strata[name]
        assert scores.episodes == 24
        assert scores.twr50.iqm.value == pytest.approx(stats.trim_mean(column, 0.25))
        expected = stats.bootstrap((column,), np.mean, method="percentile", rng=1).confidence_interval
        assert scores.twr50.mean.interval == pytest.approx(expected, abs=0.012)
        less = comparison.differences[0].strata[name].twr50.value
        assert less == pytest.approx((reference_scores(23) - reference_scores(5))[:, STRATA.index(name)].mean())


def test_failures_are_counted_and_their_flights_averaged(make_result):
    results = [make_result(seed, time_within_radius=0.5) for seed in range(18)]
    results += [make_result(18, time_within_radius=0.8, final_timestep=240, out_of_power=True)]
    results += [make_result(19, time_within_radius=0.2, final_timestep=480, zeropressure=True)]
    agent = compare_sets([ResultSet("one", None, results, None)]).agents[0]
    assert {name: flights.episodes for name, flights in agent.failures.items()} == {
        "out_of_power": 1,
        "envelope_burst": 0,
        "zeropressure": 1,
        "any": 2,
    }
    assert agent.failures["any"].scores.twr50.mean.value == pytest.approx(0.5)
    assert agent.failures["any"].scores.twr50_episode.median.value == pytest.approx((0.8 / 4 + 0.2 / 2) / 2)
    assert agent.failures["envelope_burst"].scores.twr50 is None
    # Wilson's interval of 2 in 20, from his formula.
    z = 1.959964
    middle, half = (0.1 + z**2 / 40) / (1 + z**2 / 20), z / (1 + z**2 / 20) * math.sqrt(0.1 * 0.9 / 20 + z**2 / 1600)
    assert agent.failures["any"].share.interval == pytest.approx((middle - half, middle + half), abs=1e-5)
    assert agent.unfailed.episodes == 18
    assert agent.overall.twr50.mean.value == pytest.approx((18 * 0.5 + 0.8 + 0.2) / 20)
    assert agent.overall.twr50_episode.mean.value == pytest.approx((18 * 0.5 + 0.8 / 4 + 0.2 / 2) / 20)


def test_the_length_of_an_episode_is_recorded_or_that_of_a_flight(make_result):
    failed = make_result(0, final_timestep=30, out_of_power=True)
    for results, record, steps in (
        ([failed], None, 960),
        ([failed, make_result(1, final_timestep=60)], None, 60),
        ([failed], {"settings": {"max_episode_length": 90}}, 90),
    ):
        assert compare_sets([ResultSet("one", None, results, record)]).episode_steps == steps


@pytest.mark.parametrize("size", [1, 4, 10])
def test_few_changes_of_signs_are_all_tried_as_scipy_does(size):
    columns = np.random.default_rng(size).integers(-3, 5, (size, 3)) / 10.0  # With ties and zeros.
    for column, p in zip(columns.T, sign_change_test(columns), strict=True):
        if size > 1:  # scipy wants two.
            exact = stats.permutation_test((column,), np.mean, permutation_type="samples", n_resamples=np.inf)
            assert p == pytest.approx(exact.pvalue)
        else:
            assert p == 1.0


def test_many_changes_of_signs_give_the_p_value_of_a_t_test():
    columns = np.random.default_rng(2).normal([0.0, 0.01, 0.02, 0.1], 0.2, (1_500, 4))
    expected = stats.ttest_1samp(columns, 0.0).pvalue
    assert sign_change_test(columns)[:3] == pytest.approx(expected[:3], abs=0.02)
    assert sign_change_test(columns)[3] == 1 / 10_001


def test_p_values_are_corrected_as_benjamini_and_hochberg_have_it():
    # The 15 p values of their article, of which it rejects the first four at 0.05.
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    assert (corrected(np.array(p)) < 0.05).tolist() == [True] * 4 + [False] * 11


def test_a_difference_that_is_not_there_is_seldom_seen(make_result):
    random = np.random.default_rng(6)
    p = sign_change_test(random.normal(0.0, 1.0, (30, 400)), changes=500)
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.03)


def test_the_seeds_that_a_difference_takes():
    # Deviations of 1 and a difference of 0.5: 31.4 pairs, or 62.8 flights of each agent (Lehr, 1992: 16 / 0.5^2).
    values = np.array([-1.0, 1.0]) / math.sqrt(2.0)
    assert seeds_needed(values, 0.5) == 32
    assert seeds_needed(values, 0.5, values) == 63
    assert seeds_needed(np.zeros(5), 0.5) == 2
    assert seeds_needed(np.array([0.3]), 0.5) is None


def test_so_many_seeds_see_the_difference_as_often_as_promised():
    random = np.random.default_rng(7)
    count = seeds_needed(random.normal(0.0, 0.2, 20_000), 0.05)
    found = sign_change_test(random.normal(0.05, 0.2, (count, 500)), changes=500) <= 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.06)


def test_a_baseline_that_is_not_there(reference_sets):
    with pytest.raises(Exception, match=r"There is no 'c' to compare with. There are a, b"):
        compare_sets(reference_sets, "c")


def test_a_summary_counts_failures_and_averages_with_and_without_them(make_result):
    summary = summarize(
        [
            make_result(0, time_within_radius=0.5, cumulative_reward=10.0),
            make_result(1, time_within_radius=0.7, cumulative_reward=20.0),
            make_result(2, time_within_radius=0.0, cumulative_reward=0.0, out_of_power=True),
            make_result(3, time_within_radius=0.0, cumulative_reward=2.0, zeropressure=True),
        ]
    )
    assert summary.failures == {"out_of_power": 1, "envelope_burst": 0, "zeropressure": 1}
    assert (summary.overall.episodes, summary.unfailed.episodes) == (4, 2)
    means = [
        estimate.value
        for group in (summary.overall, summary.unfailed)
        for estimate in (group.twr50, group.reward)
        if estimate is not None
    ]
    assert means == pytest.approx([0.3, 8.0, 0.6, 15.0])


def test_a_summary_of_failures_only(make_result):
    summary = summarize([make_result(0, envelope_burst=True)])
    assert summary.unfailed.episodes == 0
    assert summary.unfailed.twr50 is None
    assert summarize([]).overall.reward is None


def test_every_seed_has_a_stratum():
    assert strata_of([0, 1, 8, 5, 2, UNKNOWN]) == [*STRATA, "other"]
    assert strata_of(strata_seeds()["mid"]) == ["mid"] * 2_000
