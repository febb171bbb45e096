"""Perciatelli44: the agent that Bellemare et al. (Nature 588, 2020) trained, with its weights frozen."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import jax
import jax.numpy as jnp

from ble_agents.benchmark_spaces import NUM_ACTIONS, require_benchmark_spaces
from ble_agents.configs import NoConfig
from ble_agents.networks import QuantileNetwork, expected_returns
from ble_agents.policy import Policy, PolicyAgent, memoryless_policy
from ble_sim.model_files import load_arrays

WEIGHTS_DIGEST = "26e7582e5c6dcb45dbdf8438add3e8953ce9fe485ca9642b94ef58e728257ce5"

# Accelerators round the factors of float32 products unless told not to, and Q values lie close together.
NETWORK = QuantileNetwork(NUM_ACTIONS, precision=jax.lax.Precision.HIGHEST)


@cache
def load_params() -> dict[str, Any]:
    """The published weights, as `NETWORK` takes them.

    Raises:
        ModelFileError: the weights' file is damaged.
    """
    file = resources.files("ble_agents") / "data" / "perciatelli44.npz"
    arrays = load_arrays(file, WEIGHTS_DIGEST, distribution="ble-agents")
    layers = {f"Dense_{i}": {"kernel": arrays[f"w{i}"], "bias": arrays[f"b{i}"]} for i in range(len(arrays) // 2)}
    return {"params": {"mlp": layers}}


def q_values(params: dict[str, Any], observation: jax.Array) -> jax.Array:
    """Expected discounted return of each action, float32[..., 3] for an observation [..., 1099]."""
    quantiles: Any = NETWORK.apply(params, observation)
    return expected_returns(quantiles)


def greedy_action(params: dict[str, Any], observation: jax.Array) -> jax.Array:
    """The action with the largest Q value, the first on ties. int32[...]."""
    return jnp.argmax(q_values(params, observation), axis=-1).astype(jnp.int32)


@cache
def perciatelli44_policy() -> Policy:
    """Perciatelli44 as pure functions, with its weights."""
    return memoryless_policy(load_params(), greedy_action)


class Perciatelli44(PolicyAgent):
    """Takes the action that its frozen network values most."""

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        config: NoConfig | None = None,
    ) -> None:
        require_benchmark_spaces("perciatelli44", num_actions, observation_shape)
        super().__init__(num_actions, observation_shape, perciatelli44_policy(), seed)
