"""The level network against the same arithmetic in numpy, for observations of the original's flights."""

import jax
import numpy as np
import pytest

from ble_agents.networks.levels import LevelNetwork, level_network
from ble_agents.options import LevelNetworkOptions

NETWORK = LevelNetwork(level_sizes=(8, 6), summary_sizes=(5, 4))


def dense(x, layer):
    return x @ layer["kernel"] + layer.get("bias", 0.0)


def relu(x):
    return np.maximum(x, 0.0)


def logsumexp(x):
    return np.log(np.exp(x).sum())


def expected(params, observation):
    """Logits and value of one observation, in float64."""
    layers = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params["params"])
    observation = observation.astype(np.float64)
    column = observation[16:].reshape(361, 3)[180 - 26 * 5 : 180 + 26 * 5 + 1 : 5]
    reachable = [tuple(level) != (0.0, 1.0, 1.0) for level in column]
    levels = []
    for index, ((uncertainty, bearing, magnitude), is_reachable) in enumerate(zip(column, reachable, strict=True)):
        position = (index - 26) / 26
        confidence = (1 - uncertainty) * (1 - magnitude)
        level = [is_reachable, uncertainty, bearing, magnitude, np.cos(np.pi * bearing), confidence]
        levels.append([*level, position, abs(position)])
    distance = 250 * observation[7] / (1 - observation[7])
    near = [np.exp(-distance / 35), np.exp(-distance / 100), min(distance / 50, 4.0), distance < 50]
    balloon = np.array([*observation[:16], *near], np.float64)

    hidden = relu(dense(np.array(levels), layers["Dense_0"]) + dense(balloon, layers["Dense_1"]))
    hidden = relu(dense(hidden, layers["Dense_2"]))
    scores = np.where(reachable, dense(hidden, layers["Dense_3"])[:, 0], -30.0)
    shares = np.exp(scores) / np.exp(scores).sum()
    summary = np.concatenate([balloon, hidden[26], shares @ hidden])
    summary = relu(dense(relu(dense(summary, layers["Dense_4"])), layers["Dense_5"]))
    steering = np.array([logsumexp(scores[27:]), scores[26], logsumexp(scores[:26])])
    return steering + dense(summary, layers["Dense_6"]), dense(summary, layers["Dense_7"])[0]


def test_logits_and_values_are_those_of_numpy(observations):
    params = NETWORK.init(jax.random.key(3), observations[0])
    output = NETWORK.apply(params, observations)
    logits, values = zip(*(expected(params, observation) for observation in observations), strict=True)
    np.testing.assert_allclose(output.logits, logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(output.value, values, rtol=1e-4, atol=1e-4)
    assert np.ptp(logits) > 1.0
    np.testing.assert_array_equal(NETWORK.preferences(output), output.logits)


def test_it_steers_to_the_levels_with_high_scores(observations):
    params = NETWORK.init(jax.random.key(3), observations[0])
    zeros = jax.tree.map(np.zeros_like, params)
    column = np.tile(np.float32([0.0, 1.0, 1.0]), (361, 1))  # unreachable
    column[180 - 10 : 180 + 5 + 1] = (0.2, 0.5, 0.5)  # Two levels above the balloon's own and one below are used.
    observation = np.concatenate([observations[0][:16], column.ravel()]).astype(np.float32)
    down, stay, up = NETWORK.apply(zeros, observation).logits
    assert (down, stay, up) == (pytest.approx(0.0, abs=1e-6), 0.0, pytest.approx(np.log(2.0), rel=1e-6))


def test_it_has_the_options_sizes_and_the_benchmarks_actions(observations):
    network = level_network(3, options=LevelNetworkOptions((7,), (9,)))
    params = network.init(jax.random.key(0), observations[0])["params"]
    shapes = [params[f"Dense_{i}"]["kernel"].shape for i in range(len(params))]
    assert shapes == [(8, 7), (20, 7), (7, 1), (20 + 7 + 7, 9), (9, 3), (9, 1)]
    with pytest.raises(ValueError, match="among 3 actions, not 4"):
        level_network(4)
