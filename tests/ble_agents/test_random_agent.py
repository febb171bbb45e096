"""Uniformly random actions, from any number of them."""

import numpy as np
import pytest

from ble_agents import create_agent


@pytest.mark.parametrize("num_actions", [2, 3, 7])
def test_all_actions_are_equally_likely(num_actions):
    observation = np.zeros(5, np.float32)
    agent = create_agent("random", num_actions, (5,), seed=0)
    actions = [agent.begin_episode(observation)] + [agent.step(0.0, observation) for _ in range(2099)]
    shares = np.bincount(actions, minlength=num_actions) / len(actions)
    assert len(shares) == num_actions
    np.testing.assert_allclose(shares, 1 / num_actions, atol=0.04)


def test_seeds_differ_and_repeat():
    observation = np.zeros(1099, np.float32)

    def flight(seed: int | None) -> list[int]:
        agent = create_agent("random", seed=seed)
        return [agent.begin_episode(observation)] + [agent.step(0.0, observation) for _ in range(50)]

    assert flight(1) == flight(1)
    assert len({tuple(flight(seed)) for seed in (1, 2, None, None)}) == 4
