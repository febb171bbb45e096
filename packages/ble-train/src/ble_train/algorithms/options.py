"""Options of the agents that learn. Command lines turn the fields into flags, so this module does not import jax."""

import json
from dataclasses import dataclass
from typing import Literal

from ble_train.checks import (
    require_counts,
    require_layers,
    require_non_negative,
    require_one_of,
    require_positive,
    require_shares,
)

NotFinite = Literal["stop", "skip"]
"""What a learner does about an update whose loss or gradient is not finite."""

MAX_CAPACITY = 2**30
"""Slots that a replay memory can number."""


@dataclass(frozen=True)
class ReplayOptions:
    """Learning from a replay memory. The defaults are those of the published agent's training."""

    gamma: float = 0.993
    """Discount of a step."""
    n_step: int = 5
    """Rewards that are summed before the network's estimate takes over."""
    batch_size: int = 32
    """Samples in an update."""
    learning_rate: float = 2e-6
    """Learning rate of Adam at the start."""
    final_learning_rate: float = 2e-7
    """Learning rate at the end of learning_rate_decay_steps, and from then on."""
    learning_rate_decay_steps: int = 0
    """Training steps over which the learning rate falls linearly; 0: it is constant, as in the original."""
    adam_eps: float = 2e-5
    """Added to the denominator of Adam's steps."""
    update_period: int = 4
    """Training steps for each update; every environment's step is one."""
    target_update_period: int = 100
    """Training steps between two copies of the network to the target network."""
    min_replay_history: int = 500
    """Learning begins when more transitions than this are stored."""
    replay_capacity: int = 2_000_000
    """Transitions that are stored, over all environments. With observations of 1099 numbers a million takes 2.1 GiB
    in float16 and 4.1 GiB in float32."""
    replay_dtype: Literal["float16", "float32"] = "float16"
    """How observations are stored: float16 keeps three digits of numbers up to 65504."""
    prioritized: bool = True
    """Draw samples in proportion to their last loss instead of uniformly."""
    epsilon: float = 0.0
    """Probability of a uniformly random action in training."""
    epsilon_decay_steps: int = 0
    """Training steps over which epsilon falls linearly from 1, after the first min_replay_history; 0: constant."""
    exploration: Literal["none", "marco_polo"] = "marco_polo"
    """marco_polo: in some episodes the agent and a random walk take turns."""
    exploratory_episode_probability: float = 0.8
    """Share of such episodes."""
    agent_phase_hours: float = 4.0
    """Length of the agent's turns, h."""
    walk_phase_hours: float = 2.0
    """Length of the walk's turns, h."""
    save_replay: bool = True
    """Keep the replay memory with the newest checkpoints, so that a resumed run equals one that was never stopped."""
    not_finite: NotFinite = "stop"
    """When a loss or a gradient is NaN or infinite: stop the training, or skip the update and count it."""

    def __post_init__(self) -> None:
        require_counts(self, "n_step", "batch_size", "update_period", "target_update_period")
        require_counts(self, "min_replay_history", "epsilon_decay_steps", "learning_rate_decay_steps", least=0)
        require_shares(self, "gamma", "epsilon", "exploratory_episode_probability")
        require_positive(self, "learning_rate", "final_learning_rate", "adam_eps")
        require_positive(self, "agent_phase_hours", "walk_phase_hours")
        if not self.min_replay_history < self.replay_capacity <= MAX_CAPACITY:
            raise ValueError(
                f"replay_capacity must be above min_replay_history ({self.min_replay_history}) and at most"
                f" {MAX_CAPACITY}, not {self.replay_capacity}."
            )
        require_one_of(self, "replay_dtype", "float16", "float32")
        require_one_of(self, "exploration", "none", "marco_polo")
        require_one_of(self, "not_finite", "stop", "skip")


@dataclass(frozen=True)
class QuantileOptions(ReplayOptions):
    """QR-DQN: learns quantiles of the return."""

    hidden_sizes: tuple[int, ...] = (600,) * 7
    """Units of the hidden layers."""
    num_quantiles: int = 51
    """Quantiles of each action's return."""
    start: str | None = None
    """The agent whose network learning starts from: a name, or the file NAME.npz of an exported agent; None: a random
    network."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_layers(self, "hidden_sizes")
        require_counts(self, "num_quantiles")


@dataclass(frozen=True)
class FinetuneOptions(QuantileOptions):
    """QR-DQN that starts from the published agent."""

    start: str | None = "perciatelli44"
    """The agent whose network learning starts from: perciatelli44, another with such a network, or the file NAME.npz of
    an exported one."""


@dataclass(frozen=True)
class DqnOptions(ReplayOptions):
    """DQN: learns the expected return."""

    prioritized: bool = False
    """Draw samples in proportion to their last loss instead of uniformly."""
    epsilon: float = 0.01
    """Probability of a uniformly random action in training."""
    exploration: Literal["none", "marco_polo"] = "none"
    """marco_polo: in some episodes the agent and a random walk take turns."""
    hidden_sizes: tuple[int, ...] = (600,) * 7
    """Units of the hidden layers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_layers(self, "hidden_sizes")


@dataclass(frozen=True)
class MlpOptions:
    """SARSA: learns from each step as it comes, without a memory."""

    hidden_sizes: tuple[int, ...] = ()
    """Units of the hidden layers; none makes a linear map. Deeper networks had 256 in the original."""
    learning_rate: float = 1e-3
    """Learning rate of stochastic gradient descent."""
    gamma: float = 0.9
    """Discount of a step."""
    not_finite: NotFinite = "stop"
    """When a loss or a gradient is NaN or infinite: stop the training, or skip the update and count it."""

    def __post_init__(self) -> None:
        require_layers(self, "hidden_sizes")
        require_positive(self, "learning_rate")
        require_shares(self, "gamma")
        require_one_of(self, "not_finite", "stop", "skip")


@dataclass(frozen=True)
class PpoOptions:
    """PPO: learns a policy and the expected return from rollouts of many environments."""

    network: str = "levels"
    """The actor-critic network: levels scores the levels of the wind column, actor_critic_mlp takes any vector."""
    network_options: str = "{}"
    """Options of the network as a JSON object, such as {"level_sizes": [64, 64]}; what is missing has its default."""
    gamma: float = 0.995
    """Discount of a step."""
    gae_lambda: float = 0.95
    """Decay of generalised advantage estimation: 0 trusts the estimated return, 1 the observed one."""
    rollout_steps: int = 64
    """Steps of every environment between two rounds of learning."""
    epochs: int = 3
    """Passes over a rollout."""
    minibatch_size: int = 2048
    """Steps in one update."""
    learning_rate: float = 3e-4
    """Learning rate of Adam at the start."""
    final_learning_rate: float = 3e-5
    """Learning rate at the end of decay_steps."""
    decay_steps: int = 0
    """Environment steps over which the learning rate and the entropy bonus fall linearly; 0: the length of the run."""
    clip_range: float = 0.2
    """How far an action's probability may move in one round, as a ratio."""
    entropy_bonus: float = 0.01
    """Weight of the policy's entropy at the start."""
    final_entropy_bonus: float = 0.001
    """Weight of the policy's entropy at the end of decay_steps."""
    value_weight: float = 0.5
    """Weight of the error of the estimated return."""
    max_gradient_norm: float = 0.5
    """Longer gradients are shortened to this norm."""
    not_finite: NotFinite = "stop"
    """When a loss or a gradient is NaN or infinite: stop the training, or skip the update and count it."""

    def __post_init__(self) -> None:
        require_counts(self, "rollout_steps", "epochs", "minibatch_size")
        require_counts(self, "decay_steps", least=0)
        require_shares(self, "gamma", "gae_lambda")
        require_positive(self, "learning_rate", "clip_range", "max_gradient_norm")
        require_non_negative(self, "final_learning_rate", "entropy_bonus", "final_entropy_bonus", "value_weight")
        require_one_of(self, "not_finite", "stop", "skip")
        try:
            is_object = isinstance(json.loads(self.network_options), dict)
        except (TypeError, ValueError):
            is_object = False
        if not is_object:
            raise ValueError(f"network_options must be a JSON object, not {self.network_options!r}.")
