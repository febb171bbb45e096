"""Options of the built-in parts. A command line turns the fields into flags, so nothing here imports jax."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StationKeepingOptions:
    """How the reward falls with the distance from the station. The defaults are the benchmark's."""

    radius_km: float = 50.0
    """Distance from the station up to which the reward is 1, km."""
    dropoff: float = 0.4
    """Reward just beyond it."""
    halflife_km: float = 100.0
    """Distance in which the reward beyond it halves, km."""

    def __post_init__(self) -> None:
        for name in ("radius_km", "halflife_km"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)} km.")


@dataclass(frozen=True)
class MatplotlibOptions:
    """How large the picture is."""

    dpi: int = 100
    """Pixels an inch; the picture is 15 by 10 inches."""
