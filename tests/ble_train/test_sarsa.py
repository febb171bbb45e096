"""The SARSA agent against its update written out in numpy."""

import numpy as np
import pytest

from ble_train.algorithms.options import MlpOptions
from ble_train.algorithms.sarsa import MlpAgent

SHAPE = (4,)
RNG = np.random.default_rng(0)
OBSERVATIONS = RNG.normal(size=(6, 4)).astype(np.float32)
REWARDS = [0.5, -1.0, 2.0, 0.0, 1.0]


def linear(agent: MlpAgent) -> tuple[np.ndarray, np.ndarray]:
    layer = agent.exported_policy().params["params"]["Dense_0"]
    return np.array(layer["kernel"], np.float64), np.array(layer["bias"], np.float64)


def run_episode(agent: MlpAgent) -> list[int]:
    actions = [agent.begin_episode(OBSERVATIONS[0])]
    actions += [agent.step(reward, obs) for reward, obs in zip(REWARDS, OBSERVATIONS[1:], strict=True)]
    return actions


def test_updates_are_full_gradient_sarsa():
    options = MlpOptions(learning_rate=0.05, gamma=0.9)
    agent = MlpAgent(3, SHAPE, seed=1, options=options)
    kernel, bias = linear(agent)
    actions = run_episode(agent)
    action = int(np.argmax(OBSERVATIONS[0] @ kernel + bias))
    assert actions[0] == action
    for step, reward in enumerate(REWARDS):
        now, then = OBSERVATIONS[step], OBSERVATIONS[step + 1]
        next_action = int(np.argmax(then @ kernel + bias))  # Chosen before the update.
        assert actions[step + 1] == next_action
        error = (now @ kernel + bias)[action] - reward - 0.9 * (then @ kernel + bias)[next_action]
        slope_kernel, slope_bias = np.zeros_like(kernel), np.zeros_like(bias)
        slope_kernel[:, action] += 2 * error * now
        slope_bias[action] += 2 * error
        slope_kernel[:, next_action] -= 2 * error * 0.9 * then
        slope_bias[next_action] -= 2 * error * 0.9
        kernel, bias, action = kernel - 0.05 * slope_kernel, bias - 0.05 * slope_bias, next_action
    np.testing.assert_allclose(linear(agent)[0], kernel, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(linear(agent)[1], bias, rtol=1e-4, atol=1e-5)


def test_the_end_of_an_episode_teaches_nothing():
    agent = MlpAgent(3, SHAPE, seed=1)
    run_episode(agent)
    before = linear(agent)[0]
    agent.end_episode(100.0, True)
    np.testing.assert_array_equal(linear(agent)[0], before)
    with pytest.raises(RuntimeError, match="begin_episode"):
        agent.step(0.0, OBSERVATIONS[0])


def test_evaluation_teaches_nothing():
    agent = MlpAgent(3, SHAPE, seed=1)
    before = linear(agent)[0]
    agent.set_mode("eval")
    run_episode(agent)
    np.testing.assert_array_equal(linear(agent)[0], before)


def test_checkpoints(tmp_path):
    agent, other = (MlpAgent(3, SHAPE, seed=seed, options=MlpOptions((8,))) for seed in (1, 2))
    assert other.reload_latest_checkpoint(str(tmp_path)) == -1
    run_episode(agent)
    agent.save_checkpoint(str(tmp_path), 3)
    agent.save_checkpoint(str(tmp_path), 4)
    other.load_checkpoint(str(tmp_path), 3)
    assert run_episode(other) == run_episode(agent)
    assert MlpAgent(3, SHAPE, options=MlpOptions((8,))).reload_latest_checkpoint(str(tmp_path)) == 4


def test_it_starts_as_a_linear_map_of_uniform_weights():
    kernel, bias = linear(MlpAgent(3, (1000,), seed=0))
    limit = np.sqrt(6 / 1003)
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    assert (bias == 0).all()
