"""The published agent, learning on."""

from collections.abc import Sequence

import jax

from ble_agents import create_agent
from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_train.agent_configs import FinetuneConfig
from ble_train.quantile import quantile_learning
from ble_train.replay_agent import ReplayAgent


class FinetunePerciatelliAgent(ReplayAgent):
    """QR-DQN whose network and target network start as Perciatelli44, or as one that was made of it.

    Args:
        seed: of the draws; None draws one.
        config: options.

    Raises:
        ValueError: `config.start` names no agent, or one with another network.
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
        learning = quantile_learning(num_actions, tuple(observation_shape))
        start = create_agent(config.start, num_actions, observation_shape).frozen_policy()
        if start is None or start.architecture != learning.architecture:
            raise ValueError(
                f"start is an agent with Perciatelli44's network, such as perciatelli44, and {config.start!r} is none."
            )
        super().__init__(learning, seed, config)
        state = self.learned_state()
        params = jax.tree.map(lambda like, started: started.astype(like.dtype), state["params"], start.params)
        self.set_learned_state({**state, "params": params, "target_params": params})
