"""Perciatelli44: the agent that Bellemare et al. (Nature 588, 2020) trained, with its published weights."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from ble_agents.benchmark_spaces import NUM_ACTIONS, require_benchmark_spaces
from ble_agents.exported_policy import Architecture, ExportedPolicy
from ble_agents.options import QuantileNetworkOptions
from ble_agents.policy_agent import PolicyAgent
from ble_env.observation.layout import NUM_FEATURES
from ble_sim.files.models import load_arrays

WEIGHTS_DIGEST = "26e7582e5c6dcb45dbdf8438add3e8953ce9fe485ca9642b94ef58e728257ce5"

# At lower precision accelerators round the factors of products, and Q values lie close together.
ARCHITECTURE = Architecture("quantile", (NUM_FEATURES,), NUM_ACTIONS, QuantileNetworkOptions(precision="highest"))


@cache
def load_params() -> dict[str, Any]:
    """The published weights in the structure of the network of `ARCHITECTURE`.

    Raises:
        ModelFileError: the weights' file is damaged.
    """
    file = resources.files("ble_agents") / "data" / "perciatelli44.npz"
    arrays = load_arrays(file, WEIGHTS_DIGEST, distribution="ble-agents")
    layers = {f"Dense_{i}": {"kernel": arrays[f"w{i}"], "bias": arrays[f"b{i}"]} for i in range(len(arrays) // 2)}
    return {"params": {"mlp": layers}}


class Perciatelli44(PolicyAgent):
    """Takes the action with the largest expected return, the first on ties."""

    def __init__(self, num_actions: int, observation_shape: Sequence[int], *, seed: int | None = None) -> None:
        require_benchmark_spaces("perciatelli44", num_actions, observation_shape)
        super().__init__(num_actions, observation_shape, self.exported_policy().policy(), seed)

    def exported_policy(self) -> ExportedPolicy:
        """The published network."""
        return ExportedPolicy(ARCHITECTURE, load_params())
