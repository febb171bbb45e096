"""QR-DQN: its loss and its targets against loops over their definitions, and where learning may start."""

import dataclasses

import jax
import numpy as np
import pytest

from ble_agents import create_agent
from ble_agents.agents.perciatelli44 import ARCHITECTURE, load_params
from ble_agents.exported_policy import ExportedPolicy, save_policy
from ble_train.algorithms.options import FinetuneOptions, QuantileOptions
from ble_train.algorithms.qr_dqn import (
    FinetunePerciatelliAgent,
    QuantileAgent,
    quantile_huber_losses,
    quantile_targets,
)


@pytest.mark.parametrize("kappa", [1.0, 0.5])
def test_the_quantile_huber_loss_is_its_definition(kappa):
    rng = np.random.default_rng(0)
    quantiles, targets = rng.normal(size=(4, 7)), rng.normal(scale=3.0, size=(4, 5))
    expected = np.zeros(4)
    for b in range(4):
        for i in range(7):
            for j in range(5):
                u = targets[b, j] - quantiles[b, i]
                huber = 0.5 * u**2 if abs(u) <= kappa else kappa * (abs(u) - 0.5 * kappa)
                expected[b] += abs((i + 0.5) / 7 - (u < 0)) * huber / kappa / 5
    found = quantile_huber_losses(quantiles.astype(np.float32), targets.astype(np.float32), kappa)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_quantile_targets_follow_the_target_networks_own_best_action():
    next_quantiles = np.array([[[0.0, 4.0], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]], [[0, 0], [5, 5]]], np.float32)
    rewards, discounts = np.float32([1.0, 2.0, 3.0]), np.float32([0.5, 0.5, 0.0])
    np.testing.assert_allclose(
        quantile_targets(rewards, discounts, next_quantiles), [[1.0, 3.0], [2.5, 2.5], [3.0, 3.0]]
    )


def test_finetuning_starts_as_the_published_agent():
    options = FinetuneOptions(replay_capacity=1000)
    agent = FinetunePerciatelliAgent(3, (1099,), seed=0, options=options)
    state = agent.learned_state()
    for name in ("params", "target_params"):
        jax.tree.map(np.testing.assert_array_equal, state[name], load_params())
    observations = np.random.default_rng(0).random((5, 1099), np.float32)
    published = create_agent("perciatelli44")
    agent.set_mode("eval")
    for observation in observations:
        assert agent.begin_episode(observation) == published.begin_episode(observation)


def test_finetuning_may_start_from_an_exported_agent(tmp_path):
    params = jax.tree.map(lambda leaf: 2.0 * leaf, load_params())
    save_policy(tmp_path / "doubled.npz", ExportedPolicy(ARCHITECTURE, params))
    options = FinetuneOptions(replay_capacity=1000, start=str(tmp_path / "doubled.npz"))
    agent = FinetunePerciatelliAgent(3, (1099,), seed=0, options=options)
    assert not agent.needs_checkpoint()
    jax.tree.map(np.testing.assert_array_equal, agent.learned_state()["params"], params)
    for start in ("windward", "random"):
        with pytest.raises(
            ValueError,
            match=f"start must be an agent with the learner's network, .*Perciatelli44.* and '{start}' is none",
        ):
            FinetunePerciatelliAgent(3, (1099,), options=dataclasses.replace(options, start=start))


def test_any_quantile_network_may_start_from_one_of_its_own(tmp_path):
    options = QuantileOptions(hidden_sizes=(4,), num_quantiles=3, exploration="none", replay_capacity=1000)
    trained = QuantileAgent(2, (3,), seed=1, options=options)
    save_policy(tmp_path / "trained.npz", trained.exported_policy())
    options = dataclasses.replace(options, start=str(tmp_path / "trained.npz"))
    agent = QuantileAgent(2, (3,), seed=2, options=options)
    for name in ("params", "target_params"):
        jax.tree.map(np.testing.assert_array_equal, agent.learned_state()[name], trained.learned_state()["params"])
