"""Perciatelli44 against the original's on recorded observations, and its weights' file."""

import jax
import numpy as np
import pytest

from ble_agents import create_agent
from ble_agents.agents import perciatelli44
from ble_sim.files.models import ModelFileError


def test_q_values_and_actions_are_the_recorded_ones(observations, recorded):
    params = perciatelli44.load_params()
    q_values = jax.jit(perciatelli44.ARCHITECTURE.preferences)(params, observations)
    np.testing.assert_allclose(q_values, recorded["perciatelli_q"], rtol=0, atol=1e-3)
    actions = jax.jit(jax.vmap(perciatelli44.ARCHITECTURE.greedy_action, in_axes=(None, 0)))(params, observations)
    np.testing.assert_array_equal(actions, recorded["perciatelli_action"])


def test_the_agent_takes_the_recorded_actions(observations, recorded):
    agent = create_agent("perciatelli44")
    actions = [agent.begin_episode(observations[0])] + [agent.step(0.0, obs) for obs in observations[1:]]
    assert actions == recorded["perciatelli_action"].tolist()


def test_other_weights_are_refused_when_the_agent_is_made(monkeypatch):
    monkeypatch.setattr(perciatelli44, "WEIGHTS_DIGEST", "0" * 64)
    perciatelli44.load_params.cache_clear()
    with pytest.raises(ModelFileError, match=f"perciatelli44.npz .*Expected SHA-256 {'0' * 64}, found 26e7.*") as error:
        create_agent("perciatelli44")
    assert "Reinstall ble-agents:" in str(error.value)
