"""What users of Gymnasium expect of any environment: copies, time limits, specs as JSON, wrappers, pictures."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import cloudpickle
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import TimeLimit
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics
from spawned_flights import flight

import ble_env
from ble_env import BalloonEnv, BalloonGymnaxEnv, BalloonVectorEnv
from ble_env.host import devices
from ble_env.options import MatplotlibOptions
from ble_sim.wind.fields.reanalysis import GriddedWindField

ID = "ble_env:BalloonLearningEnvironment-v0"
PICTURE = {"name": "matplotlib", "options": {"dpi": 20}}
SIMPLE: dict[str, Any] = {"wind_field": "simple"}

COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda original: pickle.loads(pickle.dumps(original)),
    "cloudpickle": lambda original: pickle.loads(cloudpickle.dumps(original)),
}


def small_grid() -> GriddedWindField:
    time = np.datetime64("2020-01-01T00") + np.arange(49) * np.timedelta64(1, "h")
    shape = 49, 3, 3, 3
    return GriddedWindField.from_arrays(
        np.full(shape, 5.0),
        np.full(shape, -2.0),
        time=time,
        pressure=[4000.0, 10000.0, 15000.0],
        latitude=[-10.0, 0.0, 10.0],
        longitude=[-10.0, 0.0, 10.0],
    )


def assert_equal(found: list[Any], expected: list[Any]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


# --- Copies


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize(
    "arguments",
    [
        SIMPLE,
        {**SIMPLE, "device": "cpu", "precision": "float64"},
        {**SIMPLE, "device": jax.devices("cpu")[0], "render_mode": "rgb_array", "renderer": PICTURE},
        {"wind_field": small_grid()},
    ],
    ids=["plain", "float64 on a platform", "drawn on a device", "gridded wind"],
)
def test_copies_fly_alike_before_and_after_a_reset(way, arguments):
    env = gymnasium.make(ID, seed=4, **arguments)
    fresh = COPIES[way](env.unwrapped)
    np.testing.assert_array_equal(fresh.reset()[0], env.reset()[0])
    env.step(2)
    other = COPIES[way](env.unwrapped)
    expected = copy.deepcopy(env)
    assert_equal(flight(other, [0, 2]), flight(expected, [0, 2]))
    if "render_mode" in arguments:
        assert other.render().shape == (100, 160, 3)
    assert env.spec is not None and env.spec.max_episode_steps == 960  # Gymnasium copies the arguments for it.


def test_a_copy_and_the_original_go_separate_ways():
    env = gymnasium.make(ID, seed=4, **SIMPLE)
    env.reset()
    other = copy.deepcopy(env)
    expected = flight(copy.deepcopy(env), [1, 1])
    flight(other, [0, 0])
    other.action_space.seed(0)
    assert_equal(flight(env, [1, 1]), expected)
    assert other.unwrapped.task is env.unwrapped.task


@pytest.mark.parametrize("way", ["deepcopy", "cloudpickle"])
def test_vectors_can_be_copied(way):
    envs = BalloonVectorEnv(6, tile_size=4, seed=3, max_episode_steps=2, precision="float64", **SIMPLE)
    rows = [np.arange(6) % 3, np.ones(6, int), np.zeros(6, int)]
    fresh = COPIES[way](envs)
    np.testing.assert_array_equal(fresh.reset()[0], envs.reset()[0])
    envs.step(rows[0])
    other, expected = COPIES[way](envs), copy.deepcopy(envs)
    envs.step(rows[2])
    assert_equal(flight(other, rows), flight(expected, rows))
    envs.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError):
        COPIES[way](envs).reset()


def test_functional_environments_and_snapshots_can_be_pickled():
    env = BalloonGymnaxEnv(**SIMPLE)
    again = COPIES["pickle"](env)
    assert again.task == env.task
    for precision in ("float32", "float64"):
        single = BalloonEnv(precision=precision, **SIMPLE)
        single.reset(seed=1)
        snapshot = single.get_snapshot()
        single.set_snapshot(COPIES["pickle"](snapshot))
        expected = single.step(0)[0]
        single.set_snapshot(copy.deepcopy(snapshot))
        np.testing.assert_array_equal(single.step(0)[0], expected)


@pytest.mark.long
def test_a_spawned_process_takes_an_environment():
    env = BalloonEnv(seed=2, **SIMPLE)
    env.reset()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(flight, env, [0, 1]).result()
    assert_equal(found, flight(env, [0, 1]))


def test_a_forked_process_is_refused_instead_of_waiting_forever(monkeypatch):
    monkeypatch.setattr(devices._Process, "is_forked", True)
    with pytest.raises(RuntimeError, match=r'forked .* vector_kwargs=\{"context": "spawn"\}'):
        BalloonEnv(**SIMPLE)


# --- Time limits


@pytest.mark.parametrize("limited", ["make", "TimeLimit", "own"])
def test_a_restored_flight_has_its_time_limit(limited):
    env: Any = {
        "make": lambda: gymnasium.make(ID, max_episode_steps=4, **SIMPLE),
        "TimeLimit": lambda: TimeLimit(TimeLimit(BalloonEnv(**SIMPLE), 9), 4),
        "own": lambda: BalloonEnv(max_episode_steps=4, **SIMPLE),
    }[limited]()
    env.reset(seed=0)
    env.step(1)
    early = env.unwrapped.get_snapshot()
    env.step(1)
    env.step(1)
    late = env.unwrapped.get_snapshot()
    assert env.step(1)[3]
    env.unwrapped.set_snapshot(early)  # Without a reset: back in time.
    assert [env.step(1)[3] for _ in range(3)] == [False, False, True]
    env.reset(seed=1)
    env.unwrapped.set_snapshot(late)
    other = copy.deepcopy(env)
    assert env.step(1)[3]
    assert other.step(1)[3]
    env.reset(seed=1)
    assert [env.step(1)[3] for _ in range(4)] == [False, False, False, True]


# --- Making them

PLAIN: dict[str, Any] = {
    "wind_field": {"name": "uniform_shear", "options": {"speed": 3.0}},
    "observation": "perciatelli",
    "reward": {"name": "station_keeping", "options": {"radius_km": 30.0}},
    "renderer": PICTURE,
    "render_mode": "rgb_array",
    "device": "cpu",
}


def test_a_spec_of_plain_values_goes_through_json():
    env = gymnasium.make(
        ID, max_episode_steps=5, vehicle={"mols_lift_gas": 6800, "film": {"reflectivity": 0.03}}, **PLAIN
    )
    assert env.spec is not None
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    first, second = env.unwrapped, again.unwrapped
    assert (first.task, first.vehicle) == (second.task, second.vehicle)
    assert first.vehicle.film.reflectivity == 0.03 and first.task.reward.options.radius_km == 30.0
    assert first.task.wind_field.options.speed == 3.0
    assert again.spec is not None and again.spec.max_episode_steps == 5


def test_a_vectors_spec_goes_through_json():
    envs = gymnasium.make_vec(ID, num_envs=3, autoreset_mode="SameStep", max_episode_steps=7, **PLAIN)
    assert envs.spec is not None
    again = gymnasium.make_vec(EnvSpec.from_json(envs.spec.to_json()))
    assert (again.num_envs, again.max_episode_steps, again.task) == (3, 7, envs.task)  # type: ignore[attr-defined]
    assert again.metadata == envs.metadata
    assert BalloonGymnaxEnv(wind_field=PLAIN["wind_field"]).task.wind_field == envs.task.wind_field  # type: ignore[attr-defined]


def test_make_and_make_vec_take_the_same_arguments():
    arguments = {**PLAIN, "render_period": 2, "seed": 1, "precision": "float32", "disable_env_checker": True}
    assert gymnasium.make(ID, **arguments).unwrapped.task == gymnasium.make_vec(ID, num_envs=2, **arguments).task  # type: ignore[attr-defined]
    for limit, expected in ((None, ble_env.EPISODE_STEPS), (-1, None), (5, 5)):
        assert gymnasium.make_vec(ID, num_envs=2, max_episode_steps=limit, **SIMPLE).max_episode_steps == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"wind_feild": "simple"}, TypeError, "Unknown argument.*'wind_feild'. Did you mean 'wind_field'"),
        ({"wind_field": {"name": "simpel"}}, ValueError, "Unknown wind field 'simpel'. Did you mean 'simple'"),
        ({"wind_field": {"nam": "simple"}}, ValueError, "Unknown key of a wind field 'nam'. Did you mean 'name'"),
        ({"wind_field": {"options": {}}}, ValueError, 'a wind field as a dictionary has the keys "name" and "options"'),
        (
            {"reward": {"name": "station_keeping", "options": {"radius": 1.0}}},
            ValueError,
            "options of the reward 'station_keeping' are not valid: .*'radius'. Did you mean 'radius_km'",
        ),
        ({"vehicle": {"battery": 1.0}}, ValueError, "vehicle's fields are not valid: .*'battery'"),
        ({"reward": dict}, TypeError, r"reward is the class dict: give an instance, dict\(...\)"),
        ({"wind_field": 5}, TypeError, "wind_field is a int: give a ble_sim.WindField, a name"),
        ({"render_mode": "rgb_array", "renderer": 5}, TypeError, "renderer is a int: give a ble_env.Renderer"),
        ({"render_mode": "rgb"}, ValueError, "Unknown render mode 'rgb'.*Known: ansi, human, rgb_array"),
    ],
)
@pytest.mark.parametrize("constructor", [BalloonEnv, BalloonVectorEnv])
def test_arguments_that_are_not_understood(constructor, arguments, error, message):
    with pytest.raises(error, match=message):
        constructor(**arguments)


@pytest.mark.parametrize("option", [{"x": jnp.float32(3.0)}, {"x": np.array(3)}, {"x": np.float64(3)}, {"x": 3}])
def test_reset_options_are_scalars_of_any_library(option):
    env = BalloonEnv(**SIMPLE)
    assert env.reset(seed=0, options=option)[1]["x"] == 3.0


@pytest.mark.parametrize(
    "option", [{"x": True}, {"x": "3"}, {"x": jnp.array([1.0])}, {"x": float("nan")}, {"start_time": 1.3e9 + 0.5}]
)
def test_other_reset_options_are_refused(option):
    with pytest.raises(ValueError, match=r"reset option '.*' must be a"):
        BalloonEnv(**SIMPLE).reset(options=option)


# --- Infos and wrappers


def test_infos_are_numbers_with_one_set_of_keys():
    single = BalloonEnv(**SIMPLE)
    _, info = single.reset(seed=0)
    assert all(type(value) in (bool, int, float) for value in info.values())
    envs = BalloonVectorEnv(3, tile_size=4, **SIMPLE)
    _, infos = envs.reset(seed=0)
    assert {key for key in infos if not key.startswith("_")} == info.keys()
    assert all(value.dtype.kind in "bif" for value in infos.values())
    np.testing.assert_array_equal(infos["date_time"][:1], info["date_time"])
    listed = DictInfoToList(RecordEpisodeStatistics(BalloonVectorEnv(3, tile_size=4, max_episode_steps=1, **SIMPLE)))
    listed.reset(seed=0)
    *_, rows = listed.step(np.ones(3, int))
    assert [row["episode"]["l"] for row in rows] == [1, 1, 1]


def test_torch_receives_every_info():
    torch = pytest.importorskip("torch")
    from gymnasium.wrappers import NumpyToTorch

    env = NumpyToTorch(gymnasium.make(ID, **SIMPLE))
    observation, _ = env.reset(seed=0)
    assert isinstance(observation, torch.Tensor)
    env.step(torch.tensor(2))


# --- Pictures


def test_an_episode_of_pictures_fits_into_half_a_gigabyte():
    env = gymnasium.make(ID, render_mode="rgb_array", **SIMPLE)
    env.reset(seed=0)
    frame = env.render()
    assert isinstance(frame, np.ndarray) and frame.shape == (320, 512, 3)
    assert frame.nbytes * (ble_env.EPISODE_STEPS + 1) < 500e6
    assert MatplotlibOptions().dpi == 64


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_vector_draws_each_of_its_environments(mode):
    arguments: dict[str, Any] = {"render_mode": "rgb_array", "renderer": PICTURE, "max_episode_steps": 2, **SIMPLE}
    envs = gymnasium.make_vec(ID, num_envs=2, autoreset_mode=mode, tile_size=4, **arguments)
    single = BalloonEnv(**arguments)
    with pytest.raises(RuntimeError, match="render was called before the first reset"):
        envs.render()
    envs.reset(seed=[7, 8])
    single.reset(seed=8)
    for _ in range(2):
        frames = envs.render()
        assert isinstance(frames, tuple) and [frame.shape for frame in frames] == [(100, 160, 3)] * 2
        np.testing.assert_array_equal(frames[1], single.render())
        envs.step([0, 2])
        single.step(2)
    if mode == "NextStep":
        np.testing.assert_array_equal(envs.render()[1], single.render())
        envs.step([0, 2])
    single.reset()
    np.testing.assert_array_equal(envs.render()[1], single.render())
    envs.close()


def test_rendering_without_a_mode_warns():
    env = BalloonEnv(**SIMPLE)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="without a render mode"):
        assert env.render() is None
    with pytest.warns(UserWarning, match="without a render mode"):
        assert BalloonVectorEnv(2, tile_size=4, **SIMPLE).render() is None


# --- Values that are not numbers


@dataclass(frozen=True)
class Reward:
    """Not a number, of another shape, or a constant."""

    kind: str

    def __call__(self, scenario, state, conditions):
        x = state.balloon.x
        late = jnp.where(state.elapsed > 180, jnp.inf, 1.0)
        return {"late": late, "pair": jnp.stack([x, x]), "text": "much", "constant": 1}[self.kind]


@dataclass(frozen=True)
class Observation(ble_env.ObservationFunction):
    """The place of the balloon, or something else."""

    kind: str

    @property
    def observation_space(self):
        return gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def __call__(self, wind_field, scenario, state, conditions):
        x, y = state.balloon.x, state.balloon.y
        odd = {"nan": jnp.stack([x, jnp.nan * y]), "shape": jnp.stack([x, y, y]), "place": jnp.stack([x, y])}
        return odd[self.kind]


def test_a_reward_that_is_not_finite_is_named_with_episode_and_step():
    task: dict[str, Any] = {**SIMPLE, "observation": Observation("place"), "reward": Reward("late")}
    single = BalloonEnv(**task)
    single.reset(seed=5)
    single.step(1)
    with pytest.raises(
        ble_env.NotFiniteError, match=r"^the reward Reward is inf at step 2 of the episode of seed 5\.$"
    ):
        single.step(1)
    single.reset()
    single.step(1)
    with pytest.raises(ble_env.NotFiniteError, match="at step 2 of episode 2 of the stream of seed 5"):
        single.step(1)
    envs = BalloonVectorEnv(3, tile_size=2, **task)
    envs.reset(seed=5)
    envs.reset(options={"reset_mask": [False, True, True]})
    envs.step([1, 1, 1])
    with pytest.raises(ble_env.NotFiniteError, match="at step 2 of the episode of seed 5, in environment 0"):
        envs.step([1, 1, 1])


def test_an_observation_that_is_not_finite_is_named():
    with pytest.raises(
        ble_env.NotFiniteError, match="the observation Observation is nan at step 0 of the episode of seed 3"
    ):
        BalloonEnv(observation=Observation("nan"), **SIMPLE).reset(seed=3)


def test_a_wind_that_is_not_finite_is_named_before_what_follows_from_it():
    from ble_sim.wind.fields.layers import SimpleStaticWindField

    class Gap(SimpleStaticWindField):
        def wind(self, forecast, x, y, pressure, elapsed):
            u, v = super().wind(forecast, x, y, pressure, elapsed)
            return u * jnp.nan, v

    with pytest.raises(ble_env.NotFiniteError, match=r"the wind of .*Gap is nan at step 0 of the episode of seed 3"):
        BalloonEnv(wind_field=Gap()).reset(seed=3)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"reward": Reward("pair")}, r"The reward Reward returned float32\[2\]: it has to be one number"),
        ({"reward": Reward("text")}, "The reward Reward returned a str: it has to be one number"),
        ({"observation": Observation("shape")}, r"Observation returned float32\[3\], but its .* has float32\[2\]"),
    ],
)
def test_parts_that_return_something_else_are_named(task, message):
    arguments: dict[str, Any] = {**SIMPLE, "observation": Observation("place"), **task}
    for make in (BalloonEnv, BalloonVectorEnv):
        with pytest.raises(TypeError, match=message):
            make(**arguments).reset(seed=0)


def test_a_whole_number_is_a_reward():
    env = BalloonEnv(observation=Observation("place"), reward=Reward("constant"), **SIMPLE)
    env.reset(seed=0)
    assert type(env.step(1)[1]) is float
