"""Tiles: lanes that are reset, stepped and restored on their own."""

import logging
from typing import Any

import jax
import numpy as np
import pytest
from recordings import episode_keys

from ble_env import Task
from ble_env.host.reset_options import RESET_OPTIONS, scenario_changes
from ble_env.host.tile import Tile
from ble_env.observation.perciatelli import perciatelli_observation
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.state import BalloonStatus
from ble_sim.wind.fields.layers import SimpleStaticWindField

TASK = Task(wind_field=SimpleStaticWindField(), observation=perciatelli_observation(Vehicle()))
SIZE = 4
ACTIONS = np.array([0, 1, 2, 0], np.int32)


@pytest.fixture(scope="module")
def keys() -> np.ndarray:
    return np.asarray(episode_keys(8))


def new_tile(vehicle: Vehicle = Vehicle()) -> Tile:
    return Tile(TASK, vehicle, "float64", SIZE)


def rows(tree: Any, index: Any) -> list[np.ndarray]:
    """Copies of some lanes of every leaf."""
    return [np.array(leaf)[index] for leaf in jax.tree.leaves(tree)]


def assert_equal(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_reset_leaves_the_other_lanes_alone(keys):
    tile = new_tile()
    tile.reset(range(SIZE), keys[:SIZE])
    tile.step(ACTIONS)
    before = rows(tile.lanes, [0, 3])
    transition = tile.reset([2, 1], keys[4:6])
    assert_equal(rows(tile.lanes, [0, 3]), before)
    other = new_tile()
    other.reset(range(2), keys[4:6])
    assert_equal(rows(tile.lanes, [2, 1]), rows(other.lanes, [0, 1]))
    assert transition is tile.lanes.transition


def test_a_flight_is_the_same_in_every_lane_and_beside_any_other(keys):
    tile, other = new_tile(), new_tile()
    tile.reset(range(SIZE), keys[:SIZE])
    other.reset([3, 1], keys[[0, 2]])  # The other lanes have never been reset.
    for _ in range(3):
        tile.step(ACTIONS)
        other.step(ACTIONS[[1, 2, 3, 0]])
    assert_equal(rows(other.lanes, [3, 1]), rows(tile.lanes, [0, 2]))


def test_a_flight_that_has_ended_stands_still(keys):
    tile = new_tile(Vehicle(battery_initial_charge=1e-3))
    tile.reset(range(SIZE), keys[:SIZE])
    is_over = np.asarray(tile.step(ACTIONS).terminated)
    assert is_over.any()
    np.testing.assert_array_equal(is_over, tile.lanes.state.balloon.status == BalloonStatus.OUT_OF_POWER)
    state = rows(tile.lanes.state.balloon, is_over)
    tile.step(ACTIONS)
    assert_equal(rows(tile.lanes.state.balloon, is_over), state)


def test_changes_replace_what_was_sampled(keys):
    def sampled(tile: Tile, lane: int) -> dict[str, float]:
        fields = [field for field, _, _ in RESET_OPTIONS.values()]
        return {field: np.asarray(getattr(tile.lanes.scenario, field))[lane] for field in fields}

    tile = new_tile()
    tile.reset([1], keys[1:2])
    expected = sampled(tile, 1)
    for name, (field, low, high) in RESET_OPTIONS.items():
        changes = scenario_changes({name: low + (high - low) // 4})
        tile.reset([1], keys[1:2], changes)
        assert sampled(tile, 1) == expected | changes
        assert sampled(tile, 2)[field] == 0  # Never reset.


def test_all_changes_share_one_compilation(keys, caplog):
    tile = new_tile()
    tile.reset([0], keys[:1])
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        jax.jit(lambda x: x + 1)(1.0)
        assert any("ompil" in record.getMessage() for record in caplog.records)
        caplog.clear()
        tile.reset([0], keys[:1], {"start_x": 5})
        tile.reset(range(SIZE), keys[:SIZE], {"start_x": 5.0, "start_time": 1_300_000_000, "latitude": np.float32(1.0)})
        assert not [record for record in caplog.records if "ompil" in record.getMessage()]


def test_a_restored_lane_goes_on_where_it_was(keys):
    tile = new_tile()
    tile.reset(range(SIZE), keys[:SIZE])
    tile.step(ACTIONS)
    scenario, state, _ = jax.tree.map(lambda leaf: np.array(leaf)[[3, 0]], tile.lanes)
    reported = rows(tile.lanes.transition, [3, 0])
    tile.step(ACTIONS)
    expected = rows(tile.lanes, [3, 0])
    other = new_tile()
    other.reset(range(SIZE), keys[4:])
    alone = rows(other.lanes[:2], [0, 3])
    transition = other.restore([1, 2], scenario, state)
    for one, another in zip(rows(transition, [1, 2]), reported, strict=True):
        np.testing.assert_allclose(one, another, rtol=1e-9, atol=1e-7)  # Compiled apart, so equal to rounding.
    assert_equal(rows(other.lanes[:2], [0, 3]), alone)
    other.step(ACTIONS[[1, 3, 0, 1]])
    assert_equal(rows(other.lanes, [1, 2]), expected)
