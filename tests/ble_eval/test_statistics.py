import numpy as np
import pytest

from ble_eval.statistics import CONFIDENCE_LEVEL, Estimate, estimate, summarize


def mean_and_interval(values) -> tuple[float, float, float]:
    found = estimate(list(values))
    assert found is not None
    assert found.interval is not None
    return found.mean, *found.interval


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
    assert estimate([]) is None
    assert estimate([0.3]) == Estimate(0.3, None)
    assert estimate([0.5] * 8) == Estimate(0.5, (0.5, 0.5))
    mean, low, high = mean_and_interval([0.0, 1.0])
    assert 0.0 <= low <= mean <= high <= 1.0


def test_equal_samples_have_equal_intervals():
    assert estimate([0.1, 0.9, 0.4]) == estimate([0.1, 0.9, 0.4])


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
        estimate.mean
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
