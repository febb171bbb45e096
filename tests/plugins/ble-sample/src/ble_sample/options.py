"""The options. Command lines turn the fields into flags, so nothing here imports jax."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BanditOptions:
    """How the agent learns."""

    exploration: float = 0.1
    """Share of the actions that are drawn at random while it trains."""
    learning_rate: float = 0.1
    """How far an action's value moves towards the reward that it brought."""

    def __post_init__(self) -> None:
        for name in ("exploration", "learning_rate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}.")


@dataclass(frozen=True)
class SeaBreezeOptions:
    """How strong the breeze is and how often it turns."""

    speed: float = 8.0
    """At its strongest, m/s."""
    period_hours: float = 24.0
    """From one strongest wind ashore to the next, h."""

    def __post_init__(self) -> None:
        if not self.period_hours > 0.0:
            raise ValueError(f"period_hours must be positive, not {self.period_hours} h.")


@dataclass(frozen=True)
class GaugesOptions:
    """How the gauges are scaled."""

    distance_scale: float = 100.0
    """Distance from the station that shows as one half, km."""

    def __post_init__(self) -> None:
        if not self.distance_scale > 0.0:
            raise ValueError(f"distance_scale must be positive, not {self.distance_scale} km.")


@dataclass(frozen=True)
class InsideOptions:
    """What counts as inside."""

    radius_km: float = 50.0
    """Distance from the station up to which a step is rewarded, km."""


@dataclass(frozen=True)
class RewardHistogramOptions:
    """What is counted."""

    bins: int = 10
    """Into how many parts the rewards from 0 to 1 are sorted."""

    def __post_init__(self) -> None:
        if self.bins < 1:
            raise ValueError(f"bins must be at least 1, not {self.bins}.")


@dataclass(frozen=True)
class TanhOptions:
    """How large the network is."""

    hidden_size: int = 16
    """Units of the hidden layer."""


@dataclass(frozen=True)
class TwoHoursOptions:
    """How many flights there are."""

    flights: int = 3
    """At most 3."""
