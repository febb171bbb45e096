"""The settings of a training of the wind's autoencoder. Command lines turn the fields into flags, without jax."""

from dataclasses import dataclass

from ble_train.checks import require_counts, require_positive


@dataclass(frozen=True)
class VaeSettings:
    """Everything that shapes the trained weights, except the data and the number of epochs.

    The weight of the divergence in an epoch is min(beta_start * beta_increment ** (epoch // beta_frequency), beta_max).
    """

    batch_size: int = 64
    """Fields in a batch."""
    batches_per_epoch: int = 200
    """Batches from one evaluation to the next."""
    learning_rate: float = 1e-5
    """Learning rate of Adam."""
    beta_start: float = 1.0
    """Weight of the divergence from normal latents at the start."""
    beta_increment: float = 1.0
    """Factor that multiplies the weight every --beta-frequency epochs."""
    beta_frequency: int = 1
    """Epochs from one increment to the next."""
    beta_max: float = 1.0
    """Largest weight."""
    held_back: float = 0.1
    """Share of the fields that is evaluated on and not trained on; at least one field."""
    num_latents: int = 64
    """Number of latents that a wind is decoded from; the benchmark's decoder has 64."""
    hidden_units: int = 1000
    """Units of each hidden layer."""
    seed: int = 0
    """Seed of the first weights, the batches and the latents."""

    def check(self) -> None:
        """Check the values.

        Raises:
            ValueError: one is out of range.
        """
        require_counts(self, "batch_size", "batches_per_epoch", "beta_frequency", "num_latents", "hidden_units")
        require_positive(self, "learning_rate")
        if not 0.0 < self.held_back < 1.0:
            raise ValueError(f"held_back must be between 0 and 1, not {self.held_back}.")

    def beta(self, epoch: int) -> float:
        """The weight of the divergence in an epoch, from 0 on."""
        return min(self.beta_start * self.beta_increment ** (epoch // self.beta_frequency), self.beta_max)
