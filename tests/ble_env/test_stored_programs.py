"""Programs that are read from disk in place of being traced."""

import logging
import pickle
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import episode_keys

from ble_env import BalloonEnv, StationKeepingReward, Task, core
from ble_env.gymnasium_envs import single
from ble_env.host import stored_programs, tile
from ble_env.host.stored_programs import NotStorableError, described, stored_program
from ble_env.host.tile import Tile
from ble_env.observation.perciatelli import PerciatelliObservation, perciatelli_observation
from ble_env.options import StationKeepingOptions
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.files import compilation_cache
from ble_sim.sky.sun import Sun
from ble_sim.wind.fields.layers import SimpleStaticWindField

TASK = Task(wind_field=SimpleStaticWindField(), observation=perciatelli_observation(Vehicle()))
SIZE = 4  # That of test_tile.py, which compiles the same.


@dataclass(frozen=True)
class OwnReward:
    def __call__(self, scenario, state, conditions):
        return state.balloon.x * 0.0


@pytest.fixture
def folder(monkeypatch, tmp_path) -> Path:
    """That of the programs, in a process that has read and traced none."""
    monkeypatch.setattr(compilation_cache, "_programs_folder", tmp_path / "programs")
    begin_process(monkeypatch)
    return tmp_path / "programs"


def begin_process(monkeypatch) -> None:
    monkeypatch.setattr(tile, "_stored", {})
    tile._programs.cache_clear()
    single._programs.cache_clear()


def flown_in_tile(task: Task = TASK) -> list[np.ndarray]:
    """All that a tile holds after a reset, and after steps."""
    flying = Tile(task, Vehicle(), "float64", SIZE)
    flying.reset(range(SIZE), np.asarray(episode_keys(SIZE)))
    leaves = [np.array(leaf) for leaf in jax.tree.leaves(flying.lanes)]
    for actions in ([0, 2, 1, 0], [1, 2, 2, 0], [0, 0, 1, 1]):
        flying.step(np.array(actions, np.int32))
    return leaves + [np.array(leaf) for leaf in jax.tree.leaves(flying.lanes)]


def flown_alone() -> list[np.ndarray]:
    """All that a single environment holds after a reset, and after steps, with what it returned."""
    env = BalloonEnv(wind_field=TASK.wind_field, precision="float64")
    observation, _ = env.reset(seed=0)
    leaves = [observation, *map(np.array, jax.tree.leaves(env.get_snapshot()))]
    for action in (0, 2, 1):
        observation, reward, *_ = env.step(action)
        leaves += [observation, np.array(reward)]
    return [*leaves, *map(np.array, jax.tree.leaves(env.get_snapshot()))]


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*")}


@pytest.mark.parametrize(
    ("flown", "programs"), [(flown_in_tile, 2), pytest.param(flown_alone, 3, marks=pytest.mark.long)]
)
def test_a_stored_program_is_not_traced_and_flies_to_the_bit_like_a_traced_one(folder, monkeypatch, flown, programs):
    with monkeypatch.context() as patch:
        patch.setattr(compilation_cache, "_programs_folder", None)
        expected = flown()
        assert not folder.exists()
    begin_process(monkeypatch)
    first = flown()
    stored = files(folder)
    assert len(stored) == programs
    begin_process(monkeypatch)
    with monkeypatch.context() as patch:
        for name in ("start", "step"):
            patch.setattr(core, name, lambda *_: pytest.fail("this is traced"))
        patch.setattr(single, "sample_scenario", lambda *_: pytest.fail("this is traced"))
        second = flown()
    assert files(folder) == stored
    for values in (first, second):
        for found, wanted in zip(values, expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_parts_of_others_are_traced_in_every_process(folder):
    Tile(Task(TASK.wind_field, TASK.observation, OwnReward()), Vehicle(), "float64", SIZE)
    assert files(folder) == {}
    BalloonEnv(wind_field=TASK.wind_field, reward=OwnReward(), precision="float64").reset(seed=0)
    assert files(folder) == {}


def test_nothing_is_stored_while_jax_debugs_or_keeps_no_cache(folder):
    cpu = jax.devices("cpu")[0]
    assert stored_programs.is_storing(cpu)
    assert not stored_programs.is_storing(SimpleNamespace(platform="gpu"))
    config = {"jax_debug_nans": True, "jax_debug_infs": True, "jax_disable_jit": True}
    for name, value in {**config, "jax_enable_compilation_cache": False}.items():
        before = getattr(jax.config, name)
        jax.config.update(name, value)
        try:
            assert not stored_programs.is_storing(cpu), name
        finally:
            jax.config.update(name, before)


class Doubling:
    """A program of structs, which counts its traces."""

    def __init__(self) -> None:
        self.traces = 0
        self.program = jax.jit(self._double)

    def _double(self, sun: Sun) -> Sun:
        self.traces += 1
        return jax.tree.map(lambda leaf: leaf * 2.0, sun)

    def run(self, what: str = "doubling") -> None:
        sun = Sun(*(jnp.float32(number) for number in range(1, 1 + len(Sun.__annotations__))))
        doubled = stored_program(self.program, what, lambda: (sun,)).call(sun)
        assert isinstance(doubled, Sun)
        np.testing.assert_array_equal(jax.tree.leaves(doubled), [2.0 * leaf for leaf in jax.tree.leaves(sun)])


def test_a_program_is_found_by_all_that_it_follows_from(folder, monkeypatch):
    doubling = Doubling()
    for traces in (1, 1):
        doubling.run()
        assert doubling.traces == traces
    doubling = Doubling()
    doubling.run("other shapes")
    assert doubling.traces == 1
    surroundings = stored_programs._surroundings()
    assert jax.__version__ in surroundings and "jax_default_matmul_precision" in surroundings
    monkeypatch.setattr(stored_programs, "_surroundings", lambda: f"{surroundings}, and another source")
    doubling = Doubling()
    doubling.run()
    assert doubling.traces == 1
    assert len(files(folder)) == 3


@pytest.mark.parametrize(
    "damage", [lambda code: code[:-1], lambda code: code[:40], lambda code: b"", lambda code: code[:-1] + b"!"]
)
def test_a_damaged_file_is_written_anew(folder, damage):
    Doubling().run()
    ((name, code),) = files(folder).items()
    (folder / name).write_bytes(damage(code))
    doubling = Doubling()
    doubling.run()
    assert doubling.traces == 1
    Doubling().run()
    assert files(folder).keys() == {name}


def test_a_folder_that_cannot_be_made_is_no_obstacle(folder):
    folder.touch()
    Doubling().run()
    assert folder.read_bytes() == b""


def test_a_program_that_jax_cannot_write_is_refused(folder):
    calling = jax.jit(lambda x: jax.pure_callback(lambda y: y, x, x))
    with pytest.raises(NotStorableError):
        stored_program(calling, "a call of Python", lambda: (jnp.float32(1.0),))
    solving = jax.jit(jnp.linalg.inv)
    with pytest.raises(NotStorableError, match="LAPACK"):
        stored_program(solving, "an inverse", lambda: (jnp.eye(3),))
    assert files(folder) == {}


def test_a_description_tells_values_apart_and_is_exact():
    tasks = [
        Task(),
        TASK,
        Task(observation=PerciatelliObservation(100)),
        Task(reward=StationKeepingReward(StationKeepingOptions(dropoff=0.1 + 0.2))),
        Task(reward=StationKeepingReward(StationKeepingOptions(dropoff=0.3))),
        Task(station_keeping_radius_km=49.0),
    ]
    assert len({described(task) for task in tasks}) == len(tasks)
    assert described(Task()) == described(Task())
    assert "0x" not in described(TASK)


@pytest.mark.parametrize("value", [OwnReward(), np.zeros(2), {"a": 1}, abs, object(), (1, OwnReward())])
def test_what_its_fields_do_not_describe_is_refused(value):
    with pytest.raises(NotStorableError):
        described(value)


@pytest.mark.long
def test_nothing_is_compiled_after_the_first_step(folder, caplog):
    """Stored programs return arrays that are bound to a device, as those of a snapshot on the host are not."""
    env = BalloonEnv(wind_field=TASK.wind_field)
    env.reset(seed=0)
    env.step(1)
    env.set_snapshot(env.get_snapshot())
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        env.reset(options={"x": 20_000.0})
        env.step(0)
        for snapshot in (env.get_snapshot(), jax.device_get(env.get_snapshot())):
            env.set_snapshot(snapshot)
            env.step(2)
        pickle.loads(pickle.dumps(env)).step(1)
    assert [record.getMessage() for record in caplog.records if "ompil" in record.getMessage()] == []
