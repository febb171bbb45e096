"""Observations, rewards and renderers by name, with options, and environments that are made of them."""

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import RecordEpisodeStatistics, RecordVideo

from ble_env import BalloonEnv, Renderer, StationKeepingReward
from ble_env.options import MatplotlibOptions, StationKeepingOptions
from ble_env.task_parts import TASK_PARTS, Choice, make_task_parts
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.plugins import NoOptions, UnknownNameError
from ble_sim.plugins.registries import OBSERVATIONS, RENDERERS, REWARDS
from ble_sim.wind.fields.options import GenerativeOptions, UniformShearOptions

ID = "ble_env:BalloonLearningEnvironment-v0"


BENCHMARK = {
    "wind_field": Choice("generative", GenerativeOptions()),
    "observation": Choice("perciatelli", NoOptions()),
    "reward": Choice("station_keeping", StationKeepingOptions()),
}


class Sketch(Renderer):
    """Notes what it is asked for."""

    render_modes = ("ansi", "human")

    def __init__(self):
        self.calls = []

    def reset(self):
        self.calls.append("reset")

    def step(self, info):
        self.calls.append(f"step {info['time_elapsed']:.0f}")

    def render(self, mode):
        self.calls.append(mode)
        return f"drawn {len(self.calls)}"

    def close(self):
        self.calls.append("close")


@pytest.mark.parametrize("registry", [OBSERVATIONS, REWARDS, RENDERERS], ids=lambda registry: registry.kind)
def test_our_own_parts_come_by_the_same_door_as_those_of_others(registry):
    for extension in registry.extensions():
        assert extension.origin.distribution == "ble-env"
        assert extension.record.summary
    assert registry.names()


def test_the_benchmark_is_what_an_environment_is_by_default():
    names = {part.argument: part.default for part in TASK_PARTS}
    assert BalloonEnv().task == BalloonEnv(**names).task == BalloonEnv(**make_task_parts(BENCHMARK)).task
    assert names == {argument: choice.name for argument, choice in BENCHMARK.items()}


def test_options_reach_what_they_are_of():
    reward = REWARDS.make("station_keeping", options=StationKeepingOptions(radius_km=10.0))
    assert reward == StationKeepingReward(StationKeepingOptions(radius_km=10.0))
    made = make_task_parts({**BENCHMARK, "wind_field": Choice("uniform_shear", UniformShearOptions(speed=1.0))})
    assert made["wind_field"].options.speed == 1.0
    picture = RENDERERS.make("matplotlib", 50.0, options=MatplotlibOptions(dpi=20))
    env = BalloonEnv(wind_field="simple", render_mode="rgb_array", renderer=picture)
    env.reset(seed=0)
    frame = env.render()
    assert (frame.shape, frame.dtype) == ((100, 160, 3), np.uint8)


def test_names_that_nothing_has_are_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"observation 'percy'.*Known: perciatelli"):
        BalloonEnv(observation="percy")
    with pytest.raises(UnknownNameError, match=r"reward 'station'. Did you mean 'station_keeping'"):
        BalloonEnv(reward="station")
    with pytest.raises(UnknownNameError, match=r"renderer 'mathplotlib'. Did you mean 'matplotlib'"):
        BalloonEnv(render_mode="human", renderer="mathplotlib")
    with pytest.raises(UnknownNameError, match=r"render mode 'rgb'.*Known: ansi, human, rgb_array"):
        BalloonEnv(render_mode="rgb")


def test_improper_options_are_refused():
    with pytest.raises(TypeError, match=r"options of reward 'station_keeping' are a ble_env.options.Station"):
        REWARDS.make("station_keeping", options=NoOptions())
    with pytest.raises(TypeError, match="options of observation 'perciatelli' are a"):
        OBSERVATIONS.make("perciatelli", Vehicle(), options=StationKeepingOptions())
    with pytest.raises(ValueError, match=r"halflife_km must be positive, not 0.0 km"):
        StationKeepingOptions(halflife_km=0.0)
    no_file = Choice("generative", GenerativeOptions(weights="no_such_file.npz"))
    with pytest.raises(ValueError, match=r"Cannot make the wind field 'generative': .*no_such_file"):
        make_task_parts({**BENCHMARK, "wind_field": no_file})
    with pytest.raises(UnknownNameError, match="wind field 'none'"):
        make_task_parts({**BENCHMARK, "wind_field": Choice("none", NoOptions())})


def test_a_renderer_receives_every_step_and_draws_when_asked():
    sketch = Sketch()
    env = BalloonEnv(wind_field="simple", render_mode="ansi", renderer=sketch)
    assert env.metadata["render_modes"] == ["ansi", "human"]
    assert BalloonEnv.metadata["render_modes"] == ["human", "rgb_array", "ansi"]
    with pytest.raises(RuntimeError, match="call reset first"):
        env.render()
    env.reset(seed=0)
    env.step(1)
    assert env.render() == "drawn 4"
    saved = env.get_snapshot()
    env.step(1)
    env.set_snapshot(saved)
    env.close()
    drawn = ["reset", "step 0", "step 180", "ansi", "step 360", "reset", "step 180", "close"]
    assert sketch.calls == drawn


def test_for_humans_the_flight_is_drawn_as_it_goes():
    sketch = Sketch()
    env = BalloonEnv(wind_field="simple", render_mode="human", renderer=sketch)
    env.reset(seed=0)
    env.step(1)
    assert sketch.calls == ["reset", "step 0", "human", "step 180", "human"]
    sketch.calls.clear()
    env = BalloonEnv(wind_field="simple", render_mode="human", renderer=sketch, render_period=3, max_episode_steps=4)
    env.reset(seed=0)
    for _ in range(4):
        env.step(1)
    assert [number for number, call in enumerate(sketch.calls) if call == "human"] == [2, 6, 8]  # start, 3rd, last
    with pytest.raises(ValueError, match="render_period must be at least 1, got 0"):
        BalloonEnv(render_period=0)


def test_without_a_render_mode_nothing_is_drawn():
    env = BalloonEnv(wind_field="simple", renderer="matplotlib")
    env.reset(seed=0)
    assert env.render() is None
    env.close()


def test_recording_wrappers_of_gymnasium(tmp_path):
    pytest.importorskip("moviepy")
    picture = RENDERERS.make("matplotlib", 50.0, options=MatplotlibOptions(dpi=20))
    env = gymnasium.make(ID, wind_field="simple", render_mode="rgb_array", renderer=picture, max_episode_steps=4)
    env = RecordEpisodeStatistics(
        RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda _: True, disable_logger=True)
    )
    env.reset(seed=0)
    rewards, truncated = [], False
    while not truncated:
        _, reward, _, truncated, info = env.step(2)
        rewards.append(reward)
    env.close()
    assert info["episode"]["l"] == len(rewards) == 4
    assert info["episode"]["r"] == pytest.approx(sum(rewards))
    (video,) = (tmp_path / "videos").glob("*.mp4")
    assert b"ftyp" in video.read_bytes()[:12]
