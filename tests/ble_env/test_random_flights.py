"""Nothing but numbers within the observation space, whatever a pilot does and wherever the balloon is."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from vectorized import NUM_LANES, begin_batch, outside_of_space, step_batch

from ble_env import named_features
from ble_sim.state import BalloonStatus

RANDOM_STEPS = 10_000


def test_ten_thousand_random_steps():
    random = np.random.RandomState(0)
    scenario, state, _ = begin_batch(range(100, 100 + NUM_LANES), "float32")
    num_steps = 0
    while num_steps < RANDOM_STEPS:
        state, transition = step_batch(scenario, state, random.randint(0, 3, NUM_LANES).astype(np.int32))
        transition = jax.device_get(transition)
        observation, reward, terminated = transition.observation, transition.reward, transition.terminated
        assert not outside_of_space(observation).any()
        assert ((reward >= 0.0) & (reward <= 1.0)).all()
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(transition.diagnostics))
        num_steps += int((~terminated).sum())
        assert not terminated.all()


def corners():
    """Extreme balloons, as columns: every combination of the values below."""
    values = {
        "battery_charge": (0.0, 3058.56),
        "place": ((0.0, 0.0), (0.0, 1e6), (-1e6, -1e6)),
        "pressure": (4000.0, 9000.0, 15_000.0),
        "superpressure": (0.0, 1000.0, 100_000.0),
        "elapsed": (0, 12 * 3600),
        "status": tuple(BalloonStatus),
    }
    combinations = zip(*itertools.product(*values.values()), strict=True)
    columns = {name: np.array(column) for name, column in zip(values, combinations, strict=True)}
    columns["x"], columns["y"] = columns.pop("place").T
    return columns


def test_extreme_states(precision):
    columns = corners()
    num_states = len(columns["x"])
    assert num_states % NUM_LANES == 0
    scenario, state, _ = begin_batch(range(NUM_LANES), precision)
    is_day = []
    for first in range(0, num_states, NUM_LANES):
        lanes = {name: jnp.asarray(column[first : first + NUM_LANES]) for name, column in columns.items()}
        balloon = dataclasses.replace(
            state.balloon,
            status=lanes.pop("status").astype(jnp.int32),
            **{name: lanes[name].astype(precision) for name in lanes if name != "elapsed"},
        )
        extreme = dataclasses.replace(state, balloon=balloon, elapsed=lanes["elapsed"].astype(jnp.int32))
        for action in range(3):
            after, transition = step_batch(scenario, extreme, jnp.full(NUM_LANES, action, jnp.int32))
            transition = jax.device_get(transition)
            observation, reward, terminated = transition.observation, transition.reward, transition.terminated
            assert not outside_of_space(observation).any()
            assert ((reward >= 0.0) & (reward <= 1.0)).all()
            np.testing.assert_array_equal(terminated, np.asarray(after.balloon.status) != BalloonStatus.OK)
        is_day.append(named_features(observation).solar_elevation > 0.0)
    assert np.any(is_day) and not np.all(is_day)
