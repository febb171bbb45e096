"""The published agent, learning on."""

from collections.abc import Sequence

import jax

from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_agents.perciatelli44 import load_params
from ble_train.agent_configs import FinetuneConfig
from ble_train.quantile import quantile_learning
from ble_train.replay_agent import ReplayAgent


class FinetunePerciatelliAgent(ReplayAgent):
    """QR-DQN whose network and target network start as Perciatelli44.

    Args:
        seed: of the draws; None draws one.
        config: options.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        config: FinetuneConfig = FinetuneConfig(),
    ) -> None:
        require_benchmark_spaces("finetune_perciatelli", num_actions, observation_shape)
        super().__init__(quantile_learning(num_actions, tuple(observation_shape)), seed, config)
        state = self.learned_state()
        params = jax.tree.map(lambda like, published: published.astype(like.dtype), state["params"], load_params())
        self.set_learned_state({**state, "params": params, "target_params": params})
