"""The published agent, learning on."""

from collections.abc import Sequence

import jax

from ble_agents import create_agent
from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_train.algorithms.options import FinetuneOptions
from ble_train.algorithms.qr_dqn import quantile_learning
from ble_train.algorithms.replay_learner import ReplayAgent


class FinetunePerciatelliAgent(ReplayAgent):
    """QR-DQN whose network and target network start as Perciatelli44, or as one that was made of it.

    Args:
        seed: of the draws; None draws one.
        options: options.

    Raises:
        ValueError: `options.start` names no agent, or one with another network.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: FinetuneOptions = FinetuneOptions(),
    ) -> None:
        require_benchmark_spaces("finetune_perciatelli", num_actions, observation_shape)
        learning = quantile_learning(num_actions, tuple(observation_shape))
        start = create_agent(options.start, num_actions, observation_shape).exported_policy()
        if start is None or start.architecture != learning.architecture:
            raise ValueError(
                f"start is an agent with Perciatelli44's network, such as perciatelli44, and {options.start!r} is none."
            )
        super().__init__(learning, seed, options)
        state = self.learned_state()
        params = jax.tree.map(lambda like, started: started.astype(like.dtype), state["params"], start.params)
        self.set_learned_state({**state, "params": params, "target_params": params})
