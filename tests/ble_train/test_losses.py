"""The losses against loops over their definitions."""

import numpy as np
import pytest

from ble_train.algorithms.losses import (
    of_actions,
    quantile_huber_losses,
    quantile_targets,
    squared_errors,
    value_targets,
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


def test_value_targets_and_squared_errors():
    targets = value_targets(np.float32([1.0, 2.0]), np.float32([0.5, 0.0]), np.float32([[1.0, 4.0], [9.0, 7.0]]))
    np.testing.assert_allclose(targets, [3.0, 2.0])
    np.testing.assert_allclose(squared_errors(np.float32([1.0, 5.0]), targets), [4.0, 9.0])


def test_values_of_actions():
    values = np.arange(12).reshape(2, 3, 2)
    assert np.asarray(of_actions(values, np.array([2, 0]))).tolist() == [[4, 5], [6, 7]]
