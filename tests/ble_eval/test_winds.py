"""The winds that `ble-eval winds` shows are those of the core, and its files are written."""

import io
import math

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from ble_agents import create_agent
from ble_env import BalloonEnv, named_features
from ble_env.observation.layout import CENTER_LEVEL, MIN_PRESSURE
from ble_eval.engines import local
from ble_eval.winds.drift import hull, least_drift
from ble_eval.winds.series import KINDS, FlightWinds, flight_series, station_series
from ble_eval.winds.table import direction_name, wind_table
from ble_sim.wind.forecast_error import PRIOR_VARIANCE

SEED = 3
STEPS, EVERY = 12, 4
PASCALS_PER_LEVEL = 50.0


@pytest.fixture(scope="module")
def env() -> BalloonEnv:
    return BalloonEnv()


@pytest.fixture(scope="module")
def at_station(env):
    return station_series(env, SEED, STEPS, EVERY, "Winds at the station")


@pytest.fixture(scope="module")
def along_flight(env):
    """The series of a flight, with the observations and infos of an environment that flies the same actions."""
    winds = FlightWinds(env, EVERY, at_station=False)
    series = flight_series(create_agent("random_walk", seed=0), env, SEED, STEPS, 0, winds, "Winds of a flight")
    kept = []
    winds = FlightWinds(env, 1, at_station=False)
    winds.step = lambda seed, step, snapshot: kept.append(step)  # type: ignore[method-assign]
    flight_series(create_agent("random_walk", seed=0), env, SEED, STEPS, 0, winds, "")
    observation, info = env.reset(seed=SEED)
    moments = [(observation, info)]
    for step in kept:
        observation, *_, info = env.step(step.action)
        moments.append((observation, info))
    return series, moments[::EVERY]


class TestAtStation:
    def test_truth_is_what_a_balloon_there_measures(self, env, at_station):
        level = 60
        options = {"x": 0.0, "y": 0.0, "pressure": float(at_station.pressure[level])}
        _, info = env.reset(seed=SEED, options=options)
        measured = [info["wind_u"], info["wind_v"]]
        np.testing.assert_allclose(at_station.winds["truth"][0, level], measured, atol=1e-4)

    def test_truth_differs_from_the_forecast_by_the_error(self, at_station):
        errors = at_station.winds["truth"] - at_station.winds["forecast"]
        assert 0.05 < errors.std() < 3.0

    def test_moments_and_levels(self, at_station):
        np.testing.assert_allclose(at_station.hours, np.arange(0, STEPS + 1, EVERY) / 20)
        assert np.all(np.diff(at_station.height) < 0.0)
        assert all(at_station.winds[kind].shape == (4, 181, 2) for kind in KINDS)
        assert not at_station.follows

    def test_belief_is_that_of_one_measurement(self, env, at_station):
        """It is close to the forecast wherever the first measurement is far, and never wholly certain."""
        assert np.all(at_station.deviation > 0.1)
        far = np.argmin(at_station.pressure)
        np.testing.assert_allclose(
            at_station.winds["belief"][:, far], at_station.winds["forecast"][:, far], rtol=0.0, atol=1e-2
        )


class TestAlongAFlight:
    def test_belief_is_that_of_the_observation(self, along_flight):
        series, moments = along_flight
        assert len(moments) == len(series.hours)
        for number, (observation, info) in enumerate(moments):
            features = named_features(observation)
            reach = np.flatnonzero(series.is_reachable[number])
            here = round((info["pressure"] - MIN_PRESSURE) / PASCALS_PER_LEVEL)
            column = CENTER_LEVEL - here + reach
            assert np.all(features.reachable[column])
            speeds = np.hypot(*series.winds["belief"][number, reach].T)
            np.testing.assert_allclose(speeds, features.wind_speed[column], rtol=2e-3, atol=2e-3)
            uncertainty = series.deviation[number, reach] ** 2 / PRIOR_VARIANCE
            np.testing.assert_allclose(uncertainty, features.uncertainty[column], atol=2e-3)

    def test_reach_is_that_of_the_info(self, along_flight):
        series, moments = along_flight
        for reach, (_, info) in zip(series.is_reachable, moments, strict=True):
            inside = series.pressure[reach]
            assert info["lowest_pressure"] - 1.0 <= inside.min() < info["lowest_pressure"] + PASCALS_PER_LEVEL + 1.0
            assert info["highest_pressure"] - PASCALS_PER_LEVEL - 1.0 < inside.max() <= info["highest_pressure"] + 1.0

    def test_it_follows_the_balloon(self, along_flight):
        series, moments = along_flight
        assert series.follows
        np.testing.assert_allclose(series.x, [info["x"] / 1000 for _, info in moments], rtol=1e-4)
        np.testing.assert_allclose(series.balloon_pressure, [info["pressure"] for _, info in moments], rtol=1e-4)


class TestLeastDrift:
    def test_opposite_winds_allow_to_stay(self):
        assert least_drift(np.array([[3.0, 0.0], [-1.0, 0.0]]), np.ones(2, bool)) == pytest.approx(0.0)

    def test_winds_of_one_side_do_not(self):
        """The nearest mean wind to calm is the middle of the two."""
        winds = np.array([[2.0, 3.0], [2.0, -3.0], [9.0, 0.0]])
        assert least_drift(winds, np.ones(3, bool)) == pytest.approx(2.0, rel=1e-4)

    def test_only_levels_within_reach_count(self):
        winds = np.array([[[3.0, 4.0], [-3.0, -4.0]]])
        assert least_drift(winds, np.array([[True, False]])) == pytest.approx([5.0], rel=1e-4)
        assert np.isnan(least_drift(winds, np.zeros((1, 2), bool)))

    def test_hull_has_the_outer_winds(self):
        winds = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [0.2, 0.1]])
        corners = {tuple(corner) for corner in hull(winds)}
        assert corners == {tuple(wind) for wind in winds[:4]}


class TestTable:
    @pytest.mark.parametrize(
        ("u", "v", "name"), [(1, 0, "E"), (0, 1, "N"), (-1, 0, "W"), (0, -1, "S"), (1, 1, "NE"), (1, -0.1, "E")]
    )
    def test_directions(self, u, v, name):
        assert direction_name(u, v) == name

    def test_fits_in_80_columns(self, at_station):
        console = Console(width=80, file=io.StringIO())
        console.print(wind_table(at_station))
        lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
        assert max(map(len, lines)) <= 80
        assert all(any(kind in line for line in lines) for kind in (*KINDS, "least drift"))


@pytest.fixture
def winds(ble_eval_here, env, monkeypatch):
    """`ble-eval winds` with the real environment."""
    monkeypatch.setattr(local, "make_environment", lambda parts, precision: BalloonEnv(**parts, precision=precision))
    return lambda *words: ble_eval_here("winds", *words)


SHORT = ("--seed", SEED, "--steps", STEPS, "--every", EVERY)


class TestFiles:
    def test_picture_and_table_by_default(self, winds, tmp_path):
        status, out, err = winds(*SHORT)
        assert status == 0, err
        assert f"picture: winds-{SEED}.png" in out
        assert "least drift" in out
        assert Image.open(tmp_path / f"winds-{SEED}.png").size == (1000, 880)

    @pytest.mark.parametrize("name", ["winds.gif", "winds.mp4"])
    def test_film_of_a_flight(self, winds, tmp_path, name):
        status, out, err = winds(*SHORT, "--agent", "random_walk", "--output", name, "--theme", "dark")
        assert status == 0, err
        assert f"film: {name} (4 frames" in out
        assert "least drift" not in out
        assert (tmp_path / name).stat().st_size > 1000
        if name.endswith("gif"):
            film = Image.open(tmp_path / name)
            assert getattr(film, "n_frames", 1) == 4

    def test_flight_seen_from_the_station_in_simple_winds(self, winds, tmp_path):
        words = ("--agent", "random_walk", "--place", "station", "--wind-field", "uniform_shear,speed=3")
        status, out, err = winds(*SHORT, *words)
        assert status == 0, err
        assert "random_walk, seed 3, uniform_shear" in out
        assert (tmp_path / f"winds-{SEED}-random_walk.png").is_file()


class TestMistakes:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("--agent", "nobody"), "nobody"),
            (("--output", "winds.jpg"), ".png"),
            (("--output", "nowhere/winds.png"), "There is no folder nowhere"),
            (("--place", "flight"), "Give --agent NAME"),
            (("--untrained",), "go with an agent"),
            (("--every", "0"), "--every must be at least 1"),
            (("--steps", "3", "--every", "5"), "more than the 3 agent steps"),
            (("--seed", "-1"), "A seed is a whole number"),
            (("--agent", "random", "random_walk"), "one word each"),
            (("--wind-field", "grid_file", "--wind-field.file", "absent.nc"), "absent.nc"),
        ],
    )
    def test_one_line_names_it(self, winds, words, message):
        status, _, err = winds(*words)
        assert status == 2
        assert message in err

    def test_without_matplotlib(self, winds, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None)
        status, _, err = winds()
        assert status == 2
        assert 'pip install "ble-eval[video]"' in err


def test_uncertainty_is_that_of_the_prior_far_away(at_station):
    assert at_station.deviation.max() == pytest.approx(math.sqrt(PRIOR_VARIANCE), rel=0.02)
