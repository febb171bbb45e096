"""How good forecasts are. The options of wind fields are made of these, so nothing here imports jax."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ForecastOptions:
    """How far the forecast is from the wind: options of every wind field.

    Raises:
        ValueError: an option is negative or not finite.
    """

    error_scale: float = 1.0
    """Factor of the forecast error: 0 makes forecasts exact, 1 is the benchmark's."""
    forecast_age_hours: float = 0.0
    """How old the forecast is that agents see, in hours: what they take for the present is the forecast of so many
    hours ago, in the first hours that of the start."""

    def __post_init__(self) -> None:
        for name in ("error_scale", "forecast_age_hours"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"{name} must be 0 or more, got {value!r}")
