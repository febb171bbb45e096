"""Options of the built-in parts. A command line turns the fields into flags, so nothing here imports jax."""

import numbers
from dataclasses import dataclass


@dataclass(frozen=True)
class StationKeepingOptions:
    """How the reward falls with the distance from the station. The defaults are the benchmark's."""

    radius_km: float = 50.0
    """Distance from the station up to which the reward is 1, km."""
    dropoff: float = 0.4
    """Reward just beyond the radius."""
    halflife_km: float = 100.0
    """Distance in which the reward beyond the radius halves, km."""

    def __post_init__(self) -> None:
        for name in ("radius_km", "halflife_km"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)} km.")


MIN_DPI, MAX_DPI = 10, 600


@dataclass(frozen=True)
class MatplotlibOptions:
    """The size of the picture."""

    dpi: int = 48
    """Pixels an inch, from 10 to 600; the picture is 15 by 10 inches, so 720 x 480 pixels by default."""

    def __post_init__(self) -> None:
        is_whole = isinstance(self.dpi, numbers.Integral)
        if not (is_whole and MIN_DPI <= self.dpi <= MAX_DPI):
            raise ValueError(f"dpi must be a whole number from {MIN_DPI} to {MAX_DPI}, got {self.dpi!r}")
