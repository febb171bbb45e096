"""Options of the agents that learn. A command line turns the fields into flags, so nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal

MAX_CAPACITY = 2**30
"""Slots that a replay memory can number."""


def require_layers(**sizes: tuple[int, ...]) -> None:
    """Refuse layers without units.

    Raises:
        ValueError: there is one; the message has the option's name.
    """
    for name, layers in sizes.items():
        if any(size < 1 for size in layers):
            raise ValueError(f"{name} are numbers of units of at least 1, not {layers}.")


@dataclass(frozen=True)
class ReplayOptions:
    """How an agent learns from a replay memory. The defaults are those of the published agent's training."""

    gamma: float = 0.993
    """Discount of a step."""
    n_step: int = 5
    """Rewards that are summed before the network's estimate takes over."""
    batch_size: int = 32
    """Samples in an update."""
    learning_rate: float = 2e-6
    """Of Adam, at the start."""
    final_learning_rate: float = 2e-7
    """At the end of `learning_rate_decay_steps`, and from then on."""
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
    """Transitions that are remembered, over all environments. With observations of 1099 numbers a million takes 2.1 GiB
    in float16 and 4.1 GiB in float32."""
    replay_dtype: Literal["float16", "float32"] = "float16"
    """How observations are remembered: float16 keeps three digits of numbers up to 65504."""
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
    """How long the agent flies before the walk takes over, h."""
    walk_phase_hours: float = 2.0
    """How long the walk flies before the agent takes over, h."""
    save_replay: bool = True
    """Keep the replay memory with the newest checkpoints, so that a resumed run equals one that was never stopped."""

    def __post_init__(self) -> None:
        counts = ("n_step", "batch_size", "update_period", "target_update_period")
        non_negative = ("min_replay_history", "epsilon_decay_steps", "learning_rate_decay_steps")
        for name, least in [*((name, 1) for name in counts), *((name, 0) for name in non_negative)]:
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        for name in ("gamma", "epsilon", "exploratory_episode_probability"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], not {getattr(self, name)}.")
        for name in ("learning_rate", "final_learning_rate", "adam_eps", "agent_phase_hours", "walk_phase_hours"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}.")
        if not self.min_replay_history < self.replay_capacity <= MAX_CAPACITY:
            raise ValueError(
                f"replay_capacity must be above min_replay_history ({self.min_replay_history}) and at most"
                f" {MAX_CAPACITY}, not {self.replay_capacity}."
            )
        if self.replay_dtype not in ("float16", "float32"):
            raise ValueError(f"replay_dtype is 'float16' or 'float32', not {self.replay_dtype!r}.")
        if self.exploration not in ("none", "marco_polo"):
            raise ValueError(f"exploration is 'none' or 'marco_polo', not {self.exploration!r}.")


@dataclass(frozen=True)
class QuantileOptions(ReplayOptions):
    """QR-DQN: learns quantiles of the return."""

    hidden_sizes: tuple[int, ...] = (600,) * 7
    """Units of the hidden layers."""
    num_quantiles: int = 51
    """Quantiles of each action's return."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_layers(hidden_sizes=self.hidden_sizes)
        if self.num_quantiles < 1:
            raise ValueError(f"num_quantiles must be at least 1, not {self.num_quantiles}.")


@dataclass(frozen=True)
class FinetuneOptions(ReplayOptions):
    """QR-DQN started from the published agent, whose network it therefore has."""

    start: str = "perciatelli44"
    """The agent whose network learning starts from: perciatelli44, another with such a network, or the file NAME.npz of
    one that was exported."""


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
        require_layers(hidden_sizes=self.hidden_sizes)


@dataclass(frozen=True)
class MlpOptions:
    """One-step SARSA without a memory."""

    hidden_sizes: tuple[int, ...] = ()
    """Units of the hidden layers; none makes a linear map. Deeper networks had 256 in the original."""
    learning_rate: float = 1e-3
    """Of stochastic gradient descent."""
    gamma: float = 0.9
    """Discount of a step."""

    def __post_init__(self) -> None:
        require_layers(hidden_sizes=self.hidden_sizes)
        if not self.learning_rate > 0.0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate}.")
        if not 0.0 <= self.gamma <= 1.0:
            raise ValueError(f"gamma must be in [0, 1], not {self.gamma}.")


@dataclass(frozen=True)
class PpoOptions:
    """Proximal policy optimisation with a network that scores the levels of the wind column."""

    level_sizes: tuple[int, ...] = (32, 32)
    """Hidden layers of the network that scores a level, the same for all levels."""
    summary_sizes: tuple[int, ...] = (128, 64)
    """Hidden layers of the network that sees the levels together, corrects the actions and estimates the return."""
    gamma: float = 0.995
    """Discount of a step."""
    gae_lambda: float = 0.95
    """Decay of generalised advantage estimation: 0 trusts the estimated return, 1 the observed one."""
    rollout_steps: int = 64
    """Steps that every environment flies between two rounds of learning."""
    epochs: int = 3
    """Passes over a rollout."""
    minibatch_size: int = 2048
    """Steps in one update."""
    learning_rate: float = 3e-4
    """Of Adam, at the start."""
    final_learning_rate: float = 3e-5
    """At the end of `decay_steps`."""
    decay_steps: int = 60_000_000
    """Environment steps over which the learning rate and the entropy bonus fall linearly."""
    clip_range: float = 0.2
    """How far an action's probability may move in one round, as a ratio."""
    entropy_bonus: float = 0.01
    """Weight of the policy's entropy, at the start."""
    final_entropy_bonus: float = 0.001
    """At the end of `decay_steps`."""
    value_weight: float = 0.5
    """Weight of the error of the estimated return."""
    max_gradient_norm: float = 0.5
    """Gradients longer than this are shortened."""

    def __post_init__(self) -> None:
        for name in ("rollout_steps", "epochs", "minibatch_size", "decay_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], not {getattr(self, name)}.")
        if self.learning_rate <= 0.0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate}.")
        if not self.level_sizes:
            raise ValueError("level_sizes must name one hidden layer at least.")
        require_layers(level_sizes=self.level_sizes, summary_sizes=self.summary_sizes)
