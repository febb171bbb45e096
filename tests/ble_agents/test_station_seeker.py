"""StationSeeker against the original's on recorded observations, and its rules on made-up winds."""

import jax
import numpy as np
import pytest

from ble_agents import create_agent
from ble_agents.agents.station_seeker import station_seeker_action, station_seeker_level, station_seeker_scores
from ble_agents.options import StationSeekerOptions
from ble_env.observation.layout import FIRST_WIND_FEATURE, NUM_FEATURES, UNREACHABLE, Feature

DOWN, STAY, UP = 0, 1, 2


def observation(distance: float, winds: dict[int, tuple[float, float, float]]) -> np.ndarray:
    """At `distance` km, with (uncertainty, bearing in rad, speed in m/s) at the levels within reach."""
    obs = np.zeros(NUM_FEATURES, np.float32)
    obs[Feature.DISTANCE] = distance / (distance + 250)
    column = obs[FIRST_WIND_FEATURE:].reshape(-1, 3)
    column[:] = UNREACHABLE
    for level, (uncertainty, bearing, speed) in winds.items():
        column[level] = uncertainty, bearing / np.pi, speed / (speed + 30)
    return obs


@pytest.mark.parametrize(("x64", "tolerance"), [(True, 1e-14), (False, 1e-6)], ids=["float64", "float32"])
def test_scores_levels_and_actions_are_the_recorded_ones(observations, recorded, x64, tolerance):
    with jax.enable_x64(x64):
        scores = jax.jit(station_seeker_scores)(observations)
        assert scores.dtype == (np.float64 if x64 else np.float32)
        np.testing.assert_allclose(scores, recorded["station_seeker_scores"], rtol=0, atol=tolerance)
        levels = jax.jit(jax.vmap(station_seeker_level))(observations)
        np.testing.assert_array_equal(levels, recorded["station_seeker_level"])
        actions = jax.jit(jax.vmap(station_seeker_action))(observations)
        np.testing.assert_array_equal(actions, recorded["station_seeker_action"])


def test_the_agent_takes_the_recorded_actions(observations, recorded):
    agent = create_agent("station_seeker")
    actions = [agent.begin_episode(observations[0])] + [agent.step(0.0, obs) for obs in observations[1:]]
    assert actions == recorded["station_seeker_action"].tolist()


@pytest.mark.parametrize(
    ("winds", "action"),
    [
        ({170: (0, 0.1, 5), 180: (0, 2.0, 5), 190: (0, 2.0, 5)}, UP),
        ({170: (0, 2.0, 5), 180: (0, 0.1, 5), 190: (0, 2.0, 5)}, STAY),
        ({170: (0, 2.0, 5), 180: (0, 2.0, 5), 190: (0, 0.1, 5)}, DOWN),
        ({170: (0, 1.0, 5), 180: (0, 1.0, 5), 190: (0, 1.0, 5)}, STAY),  # a tie but for the bonus of staying
        ({170: (0, 1.0, 5), 190: (0, 1.0, 5)}, UP),  # a tie: the first
        ({170: (0, 3.1, 5), 190: (1, 3.1, 5)}, DOWN),  # what is unknown may be better than what is bad
        ({190: (0, 3.1, 90)}, DOWN),  # the only level, however bad
        ({}, STAY),  # nowhere to go
    ],
)
def test_it_steers_to_the_best_wind(winds, action):
    assert station_seeker_action(observation(300.0, winds)) == action


def test_close_to_the_station_slow_winds_win_and_far_away_helpful_ones():
    slow_and_wrong, fast_and_right = (0.0, 2.5, 0.5), (0.0, 0.0, 25.0)
    winds = {170: slow_and_wrong, 190: fast_and_right}
    assert station_seeker_action(observation(1.0, winds)) == UP
    assert station_seeker_action(observation(200.0, winds)) == DOWN


@pytest.mark.parametrize(
    ("distance", "bearing_weight"), [(100.0, 0.6), (250.0, 0.6), (375.0, 0.525), (500.0, 0.45), (900.0, 0.45)]
)
def test_the_weight_of_the_bearing_falls_with_distance(distance, bearing_weight):
    options = StationSeekerOptions(half_radius=1e-3)  # leaves the bearing's part of the score alone
    score = station_seeker_scores(observation(distance, {180: (0, 2.0, 5)}), options)[180]
    np.testing.assert_allclose(score, 1.01 * np.exp(-2.0 * bearing_weight) + 0.05, rtol=1e-5)


def test_options_change_the_flight():
    obs = observation(300.0, {170: (0, 0.0, 5), 180: (0, 1.0, 5)})
    keen = create_agent("station_seeker")
    lazy = create_agent("station_seeker", options=StationSeekerOptions(stay_bonus=5.0, stay_decay=1.0))
    assert (keen.begin_episode(obs), lazy.begin_episode(obs)) == (UP, STAY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"half_radius": 0.0}, "half_radius must be positive, not 0.0 km"),
        ({"far_distance": 250.0}, "far_distance must be beyond close_distance, not 250.0 km and 250.0 km"),
    ],
)
def test_options_that_divide_by_zero_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        StationSeekerOptions(**options)
