"""Exploration: who acts when, and whose steps count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_agents.policy import memoryless_policy
from ble_env.observation.layout import NUM_FEATURES, Feature
from ble_train.algorithms.exploration import epsilon_greedy, marco_polo

STAY = memoryless_policy((), lambda params, observation: jnp.int32(1))


def at_pressure(pressure: float) -> np.ndarray:
    observation = np.zeros(NUM_FEATURES, np.float32)
    observation[Feature.PRESSURE] = (pressure - 5000) / 9000
    return observation


def run_steps(policy, seed, steps, observation):
    """(carries, actions) of so many steps after the first."""
    first_key, *keys = jax.random.split(jax.random.PRNGKey(seed), steps + 1)
    carry, action = policy.init(policy.params, first_key, observation)

    def step(carry, key):
        carry, action = policy.step(policy.params, key, carry, observation, jnp.float32(0.0))
        return carry, (carry, action)

    _, (carries, actions) = jax.lax.scan(step, carry, jnp.stack(keys))
    carries = jax.tree.map(lambda one, rest: np.concatenate([one[None], rest]), carry, carries)
    return carries, [int(action), *np.asarray(actions).tolist()]


def test_turns_of_4_h_and_2_h():
    # Where pressure is below its targets, the walk commands down, which the policy never does.
    carries, actions = run_steps(marco_polo(STAY, 1.0, 4.0, 2.0), 0, 439, at_pressure(0.0))
    assert carries.walks.tolist() == [False] * 80 + ([True] * 40 + [False] * 80) * 3
    assert actions[:240] == [1] * 80 + [0] * 40 + [1] * 80 + [0] * 40
    assert carries.clock[:3].tolist() == [0, 180, 360]
    assert carries.clock[80] == 0


def test_only_the_walks_own_steps_count_as_its_own():
    carries, _ = run_steps(marco_polo(STAY, 1.0, 4.0, 2.0), 1, 399, at_pressure(0.0))
    assert (carries.walk.steps == np.cumsum(carries.walks)).all()
    assert (np.diff(carries.walk.target) != 0).tolist() == carries.walks[1:].tolist()


def test_an_episode_that_does_not_explore_is_the_policys():
    carries, actions = run_steps(marco_polo(STAY, 0.0, 4.0, 2.0), 0, 300, at_pressure(0.0))
    assert set(actions) == {1}
    assert not carries.explores.any()
    assert carries.walk.steps[-1] == 0


def test_the_share_of_episodes_that_explore():
    policy = marco_polo(STAY, 0.8, 4.0, 2.0)
    keys = jax.random.split(jax.random.PRNGKey(0), 4000)
    carries, _ = jax.vmap(lambda key: policy.init(policy.params, key, at_pressure(0.0)))(keys)
    assert abs(np.mean(carries.explores) - 0.8) < 0.02
    assert len(np.unique(carries.walk.target)) > 3900


@pytest.mark.parametrize(("epsilon", "shares"), [(0.0, [0, 1, 0]), (0.3, [0.1, 0.8, 0.1]), (1.0, [1 / 3] * 3)])
def test_epsilon_is_the_share_of_uniform_actions(epsilon, shares):
    policy = epsilon_greedy(STAY, 3)
    keys = jax.random.split(jax.random.PRNGKey(0), 6000)
    params = (policy.params[0], jnp.float32(epsilon))
    _, first = jax.vmap(lambda key: policy.init(params, key, at_pressure(0.0)))(keys)
    _, later = jax.vmap(lambda key: policy.step(params, key, (), at_pressure(0.0), 0.0))(keys)
    for actions in (first, later):
        np.testing.assert_allclose(np.bincount(actions, minlength=3) / 6000, shares, atol=0.02)
