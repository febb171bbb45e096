"""Options of the PPO agent; nothing here imports jax."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PpoConfig:
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
        if not self.level_sizes or min(*self.level_sizes, *self.summary_sizes, 1) < 1:
            raise ValueError(f"Layers need sizes of at least 1, not {self.level_sizes} and {self.summary_sizes}.")
