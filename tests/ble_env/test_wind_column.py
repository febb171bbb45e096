"""The winds of all levels, and what environments hand to renderers."""

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_env import BalloonEnv, BalloonVectorEnv
from ble_env.rendering import FlightRecorder
from ble_env.wind_column import PICTURE_HEIGHTS, winds_at_levels
from ble_sim.wind.field import forecast_and_error

SIMPLE: dict[str, Any] = {"wind_field": "simple"}


def recorded(env: BalloonEnv) -> FlightRecorder:
    recorder = env._renderer
    assert isinstance(recorder, FlightRecorder)
    return recorder


@pytest.fixture(scope="module")
def env() -> BalloonEnv:
    env = BalloonEnv(render_mode="ansi", renderer=FlightRecorder(50.0), precision="float64", **SIMPLE)
    env.reset(seed=3)
    for _ in range(4):
        env.step(2)
    return env


def test_a_column_has_the_forecast_the_truth_and_the_belief(env):
    snapshot = env.get_snapshot()
    scenario, state = snapshot
    with jax.enable_x64(True):
        pressures = jnp.array([6000.0, 8000.0, float(state.balloon.pressure)])
        column = jax.device_get(winds_at_levels(env.task.wind_field, scenario, state, pressures))
        place = state.balloon.x, state.balloon.y
        for level, pressure in enumerate(pressures):
            at_level = scenario.forecast, scenario.noise, *place, pressure, state.elapsed
            forecast, error = forecast_and_error(env.task.wind_field, *at_level)
            np.testing.assert_allclose(column.forecast[level], forecast, rtol=1e-10)
            np.testing.assert_allclose(column.wind[level], np.add(forecast, error), rtol=1e-10)
    np.testing.assert_allclose(column.wind[2], state.wind, rtol=1e-10)
    # There the wind has just been measured.
    np.testing.assert_allclose(column.predicted[2], state.wind, atol=0.3)
    assert column.uncertainty[2] < 0.05 < column.uncertainty[0]
    assert (np.diff(column.height[:2]) < 0.0).all()


def test_renderers_receive_the_step_and_the_winds(env):
    track = recorded(env).track
    points, winds, heights = track.points(), track.winds(), track.heights
    assert (
        heights is not None
        and winds is not None
        and winds.shape == (5, len(PICTURE_HEIGHTS), 2)
        and np.isfinite(winds).all()
    )
    np.testing.assert_allclose(heights, PICTURE_HEIGHTS / 1000.0, atol=1e-3)
    assert points.action.tolist() == [-1, 2, 2, 2, 2] and np.isfinite(points.reward[1:]).all()
    for moment in range(5):
        at_balloon = [np.interp(points.altitude[moment], heights, winds[moment, :, i]) for i in range(2)]
        np.testing.assert_allclose(at_balloon, [points.wind_u[moment], points.wind_v[moment]], atol=0.6)
    assert (points.lowest_altitude < points.altitude + 0.01).all()
    assert (points.altitude < points.highest_altitude + 0.01).all()


def test_winds_are_computed_only_for_renderers_that_show_them():
    recorder = FlightRecorder(50.0, shows_winds=False)
    env = BalloonEnv(render_mode="ansi", renderer=recorder, **SIMPLE)
    env._programs = env._programs._replace(winds=lambda *_: pytest.fail("nobody asked for winds"))
    env.reset(seed=0)
    env.step(1)
    assert recorder.track.num_steps == 1 and recorder.track.winds() is None


def test_a_renderer_changes_no_flight():
    plain = BalloonEnv(**SIMPLE)
    shown = BalloonEnv(render_mode="ansi", renderer=FlightRecorder(50.0), **SIMPLE)
    for one, other in zip(plain.reset(seed=5)[0], shown.reset(seed=5)[0], strict=True):
        assert one == other
    for action in (0, 2, 1):
        (observation, *rest), (other, *others) = plain.step(action), shown.step(action)
        np.testing.assert_array_equal(observation, other)
        assert rest == others
    assert {"action", "reward", "winds"}.isdisjoint(shown.step(1)[-1])


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_vector_hands_over_the_same(mode):
    shown: dict[str, Any] = {"render_mode": "ansi", "renderer": FlightRecorder(50.0), **SIMPLE}
    envs = BalloonVectorEnv(2, tile_size=2, autoreset_mode=mode, max_episode_steps=3, **shown)
    single = BalloonEnv(**shown)
    envs.reset(seed=[7, 8])
    single.reset(seed=8)
    for action in (0, 2):
        envs.step([1, action])
        single.step(action)
    track, expected = envs._renderers[1].track, recorded(single).track  # type: ignore[attr-defined]
    for column, wanted in zip(track.points(), expected.points(), strict=True):
        np.testing.assert_allclose(column, wanted, rtol=1e-3, atol=1e-3)
    winds, wanted = track.winds(), expected.winds()
    assert winds is not None and wanted is not None
    np.testing.assert_allclose(winds, wanted, rtol=1e-3, atol=1e-3)
    envs.step([1, 1])
    if mode == "NextStep":
        assert track.num_steps == 3
        envs.step([1, 1])
    assert track.num_steps == 0 and track.points().action.tolist() == [-1]
    envs.close()


def test_the_mode_ansi_gives_text():
    env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", render_mode="ansi", **SIMPLE)
    assert env.metadata["render_modes"] == ["human", "rgb_array", "ansi"]
    env.reset(seed=0)
    env.step(0)
    text = env.render()
    assert isinstance(text, str) and "TWR50" in text and len(text.splitlines()) == 22
