"""Multilayer perceptrons against the same arithmetic in numpy."""

from typing import Any

import jax
import numpy as np

from ble_agents.networks.mlp import MLP, actor_critic_mlp, q_value_network
from ble_agents.options import ActorCriticMLPOptions, QValueNetworkOptions

INPUTS = np.random.default_rng(0).normal(size=(4, 1099)).astype(np.float32)


def test_an_mlp_is_relu_layers_and_a_linear_output():
    network = MLP(hidden_sizes=(8, 5), output_size=3)
    variables = network.init(jax.random.PRNGKey(0), INPUTS)
    x = INPUTS.astype(np.float64)
    for layer in ("Dense_0", "Dense_1", "Dense_2"):
        x = x @ np.asarray(variables["params"][layer]["kernel"], np.float64)
        x = np.maximum(x, 0.0) if layer != "Dense_2" else x
    assert x.min() < 0
    outputs: Any = network.apply(variables, INPUTS)
    np.testing.assert_allclose(outputs, x, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(network.preferences(outputs), outputs)


def test_q_values_are_an_mlps_outputs():
    network = q_value_network(3, options=QValueNetworkOptions((8, 5), precision="highest"))
    assert network == MLP((8, 5), 3, precision="highest")


def test_an_actor_critic_is_two_mlps_of_tanh_layers():
    network = actor_critic_mlp(3, options=ActorCriticMLPOptions((8, 5)))
    variables = network.init(jax.random.key(0), INPUTS)
    layers = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), variables["params"])
    outputs = []
    for first in (0, 3):
        x = INPUTS.astype(np.float64)
        for index in range(first, first + 3):
            x = x @ layers[f"Dense_{index}"]["kernel"] + layers[f"Dense_{index}"]["bias"]
            x = np.tanh(x) if index < first + 2 else x
        outputs.append(x)
    output: Any = network.apply(variables, INPUTS)
    np.testing.assert_allclose(output.logits, outputs[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(output.value, outputs[1][:, 0], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(network.preferences(output), output.logits)
