"""Options of the built-in collectors. A command line turns the fields into flags, so nothing here imports jax."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FineGrainedOptions:
    """What may be told about single steps."""

    fine_grained_logging: bool = False
    """Tell about single steps too, not only about episodes."""
    fine_grained_frequency: int = 1
    """With `fine_grained_logging`, every how many steps."""

    def __post_init__(self) -> None:
        if self.fine_grained_frequency < 1:
            raise ValueError(f"fine_grained_frequency must be at least 1 step, not {self.fine_grained_frequency}.")


@dataclass(frozen=True)
class ConsoleOptions(FineGrainedOptions):
    """What the console collector tells, and where."""

    save_to_file: bool = True
    """Keep what is printed in metrics/console/console.log as well."""


@dataclass(frozen=True)
class TensorboardOptions(FineGrainedOptions):
    """What the TensorBoard collector writes."""
