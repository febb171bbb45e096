"""DQN: its loss and its targets."""

import numpy as np

from ble_train.algorithms.dqn import dqn_losses, dqn_targets
from ble_train.replay.memory import Batch


def test_targets_and_squared_errors():
    rewards, discounts = np.float32([1.0, 2.0]), np.float32([0.5, 0.0])
    next_values = np.float32([[1.0, 4.0], [9.0, 7.0]])
    np.testing.assert_allclose(dqn_targets(rewards, discounts, next_values), [3.0, 2.0])
    batch = Batch(None, np.array([0, 1]), rewards, None, discounts)
    values = np.float32([[1.0, -7.0], [-7.0, 5.0]])
    np.testing.assert_allclose(dqn_losses(values, next_values, batch), [4.0, 9.0])
