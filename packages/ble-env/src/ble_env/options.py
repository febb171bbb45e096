"""Options of the built-in parts. A command line turns the fields into flags, so nothing here imports jax."""

import math
import numbers
from dataclasses import dataclass
from typing import Literal


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
MIN_COLUMNS, MIN_ROWS = 40, 5


@dataclass(frozen=True)
class MatplotlibOptions:
    """The picture of a flight, 8 x 5 inches."""

    dpi: int = 64
    """Pixels an inch, from 10 to 600: 512 x 320 pixels by default."""
    view: Literal["map", "3d"] = "map"
    """What the large part shows: a map, or the path in three dimensions."""
    theme: Literal["light", "dark"] = "light"
    """Dark on white, or light on black."""
    hours: float = 48.0
    """Length of the time axes, h; a longer flight doubles it."""
    winds: bool = True
    """Whether the altitude is drawn over the winds of all levels, which are computed for it at each step."""

    def __post_init__(self) -> None:
        is_whole = isinstance(self.dpi, numbers.Integral)
        if not (is_whole and MIN_DPI <= self.dpi <= MAX_DPI):
            raise ValueError(f"dpi must be a whole number from {MIN_DPI} to {MAX_DPI}, got {self.dpi!r}")
        for name, known in (("view", ("map", "3d")), ("theme", ("light", "dark"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be {' or '.join(known)}, got {getattr(self, name)!r}")
        if not 0.0 < self.hours < math.inf:
            raise ValueError(f"hours must be positive, got {self.hours!r}")


@dataclass(frozen=True)
class TextOptions:
    """The text panel of a flight."""

    width: int = 78
    """Characters of a line, at least 40."""
    height: int = 22
    """Lines, at least 5. The map has what the numbers leave."""
    ascii_only: bool = False
    """Whether to draw with the characters of ASCII alone."""

    def __post_init__(self) -> None:
        for name, least in (("width", MIN_COLUMNS), ("height", MIN_ROWS)):
            value = getattr(self, name)
            if isinstance(value, bool) or not (isinstance(value, numbers.Integral) and int(value) >= least):
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
