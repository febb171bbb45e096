"""Options of the built-in collectors. Command lines turn the fields into flags, so nothing here imports jax."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FineGrainedOptions:
    """Options of reports about single steps."""

    fine_grained_logging: bool = False
    """Report single steps as well as episodes."""
    fine_grained_frequency: int = 1
    """With `fine_grained_logging`: steps from one report to the next."""

    def __post_init__(self) -> None:
        if self.fine_grained_frequency < 1:
            raise ValueError(f"fine_grained_frequency must be at least 1 step, not {self.fine_grained_frequency}.")


@dataclass(frozen=True)
class ConsoleOptions(FineGrainedOptions):
    """Options of the console collector."""

    save_to_file: bool = True
    """Keep the printed lines in metrics/console/console.log as well."""


@dataclass(frozen=True)
class TensorboardOptions(FineGrainedOptions):
    """Options of the TensorBoard collector."""
