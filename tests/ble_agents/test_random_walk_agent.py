"""The random walk: the original's flights seed by seed, and the distribution of its targets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_agents import create_agent
from ble_agents.agents.random_walk import RandomWalkCarry, draw_target, move_target, steer
from ble_agents.options import RandomWalkOptions
from ble_env.observation.layout import NUM_FEATURES, Feature

# Of the original's agent (BLE 1.0.1, jax's legacy layout) on the first 12 recorded observations, two episodes
# a seed.
ORIGINAL_ACTIONS = {
    0: [[2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0], [2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0]],
    7: [[2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0], [2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0]],
}


def at_pressure(pressure: float) -> np.ndarray:
    obs = np.zeros(NUM_FEATURES, np.float32)
    obs[Feature.PRESSURE] = (pressure - 5000) / 9000
    return obs


@pytest.mark.parametrize("seed", ORIGINAL_ACTIONS)
def test_the_flights_of_a_seed_are_the_original_ones(seed, observations):
    agent = create_agent("random_walk", seed=seed)
    for expected in ORIGINAL_ACTIONS[seed]:
        actions = [agent.begin_episode(observations[0])]
        actions += [agent.step(0.0, obs) for obs in observations[1:12]]
        agent.end_episode(0.0)
        assert actions == expected


def test_targets_start_uniform_between_6500_and_11400_pa():
    keys = jax.random.split(jax.random.PRNGKey(0), 4000)
    targets = np.asarray(jax.vmap(draw_target)(keys))
    assert targets.dtype == np.float32
    assert 6500 <= targets.min() < 6510
    assert 11390 < targets.max() <= 11400
    np.testing.assert_allclose(np.quantile(targets, [0.25, 0.5, 0.75]), [7725, 8950, 10175], atol=120)


@pytest.mark.parametrize("steps", [0, 99])
def test_targets_move_further_the_longer_the_episode_lasts(steps):
    keys = jax.random.split(jax.random.PRNGKey(1), 4000)
    carry = RandomWalkCarry(jnp.float32(9000.0), jnp.int32(steps))
    moved = jax.vmap(lambda key: move_target(key, carry, RandomWalkOptions()))(keys)
    assert moved.steps.tolist() == [steps + 1] * len(keys)
    moves = (np.asarray(moved.target) - 9000.0) / (180 * (steps + 1) * 0.1666)
    assert abs(moves.mean()) < 0.06
    assert abs(moves.std() - 1) < 0.04
    assert abs(np.mean(np.abs(moves) < 1) - 0.683) < 0.03  # as of a normal distribution


@pytest.mark.parametrize(("pressure", "action"), [(9150, 2), (9090, 1), (8910, 1), (8850, 0)])
def test_it_steers_to_the_target_beyond_the_hysteresis(pressure, action):
    assert steer(jnp.float32(9000.0), at_pressure(pressure), RandomWalkOptions()) == action


def test_a_walk_that_does_not_walk_holds_its_first_target():
    agent = create_agent("random_walk", seed=0, options=RandomWalkOptions(hysteresis=0.0, deviation_rate=0.0))
    target = 7865.724  # of seed 0, as drawn by the original
    assert agent.begin_episode(at_pressure(target + 1)) == 2
    assert [agent.step(0.0, at_pressure(target + offset)) for offset in (1, -1) * 20] == [2, 0] * 20


def test_unseeded_walks_differ(observations):
    flights = set()
    for _ in range(8):
        agent = create_agent("random_walk")
        flights.add((agent.begin_episode(observations[0]), *[agent.step(0.0, obs) for obs in observations[1:40]]))
    assert len(flights) > 1
