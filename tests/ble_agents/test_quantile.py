"""The quantile network against the same arithmetic in numpy, and the initial parameters."""

from typing import Any

import jax
import numpy as np
import pytest

from ble_agents.networks.mlp import MLP
from ble_agents.networks.quantile import QuantileNetwork, expected_returns

INPUTS = np.random.default_rng(0).normal(size=(4, 1099)).astype(np.float32)


def test_the_default_quantile_network_has_the_published_layers():
    variables: Any = QuantileNetwork(num_actions=3).init(jax.random.PRNGKey(0), INPUTS)
    shapes = [variables["params"]["mlp"][f"Dense_{i}"]["kernel"].shape for i in range(8)]
    assert shapes == [(1099, 600), *[(600, 600)] * 6, (600, 153)]


def test_quantiles_belong_to_actions_in_rows():
    network = QuantileNetwork(num_actions=2, num_quantiles=3, hidden_sizes=())
    kernel, bias = np.zeros((1099, 6), np.float32), np.arange(6, dtype=np.float32)
    variables = {"params": {"mlp": {"Dense_0": {"kernel": kernel, "bias": bias}}}}
    quantiles: Any = network.apply(variables, INPUTS)
    np.testing.assert_array_equal(quantiles, np.tile([[0, 1, 2], [3, 4, 5]], (4, 1, 1)))
    np.testing.assert_array_equal(expected_returns(quantiles), np.tile([1, 4], (4, 1)))
    np.testing.assert_array_equal(network.preferences(quantiles), np.tile([1, 4], (4, 1)))


@pytest.mark.parametrize(
    ("network", "limit"),
    [
        (MLP((400,), 3), np.sqrt(6 / (1099 + 400))),
        (QuantileNetwork(3, hidden_sizes=(400,)), np.sqrt(np.sqrt(3) / 1099)),
    ],
    ids=["glorot", "fan-in"],
)
def test_kernels_start_uniform_and_biases_zero(network, limit):
    params = network.init(jax.random.PRNGKey(0), INPUTS)["params"]
    first = params.get("mlp", params)["Dense_0"]
    assert 0.99 * limit < np.abs(first["kernel"]).max() <= limit
    np.testing.assert_allclose(np.std(first["kernel"]), limit / np.sqrt(3), rtol=0.01)
    assert not np.any(first["bias"])
