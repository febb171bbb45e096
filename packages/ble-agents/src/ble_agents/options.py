"""Options of the built-in agents. A command line turns the fields into flags, so nothing here imports jax."""

from dataclasses import dataclass

from ble_sim.plugins.registry import NoOptions as NoOptions


@dataclass(frozen=True)
class RandomWalkOptions:
    """How the random walk moves its target pressure and follows it."""

    hysteresis: float = 100.0
    """How far the balloon may be from the target before it is steered, Pa."""
    deviation_rate: float = 0.1666
    """Standard deviation of the target's next move, in Pa for each second since the episode began."""


@dataclass(frozen=True)
class StationSeekerOptions:
    """StationSeeker's parameters. The defaults are those published, [their names there] in brackets."""

    half_radius: float = 35.0
    """Distance over which the wind's direction comes to matter more than its speed, km [alpha_Delta]."""
    speed_weight: float = 0.07
    """Decay of a wind's score with its speed, s/m [k_1]."""
    close_bearing_weight: float = 0.6
    """Decay of a wind's score with its angle to the station, 1/rad, up to `close_distance` [w_Delta]."""
    far_bearing_weight: float = 0.45
    """The same from `far_distance` on; linear in between."""
    close_distance: float = 250.0
    """km"""
    far_distance: float = 500.0
    """km"""
    unknown_score: float = 0.5
    """Score of a wind of which nothing is known [g_unknown]."""
    stay_bonus: float = 0.05
    """Bonus of the present level [k_2]."""
    stay_decay: float = 0.001
    """Decay of that bonus for each level of 50 Pa away from it [k_3]."""
    confidence_bonus: float = 0.01
    """Added to the confidence in a wind when its score is weighed."""

    def __post_init__(self) -> None:
        if not self.half_radius > 0:
            raise ValueError(f"half_radius must be positive, not {self.half_radius} km.")
        if not self.far_distance > self.close_distance:
            raise ValueError(
                f"far_distance must be beyond close_distance, not {self.far_distance} km and {self.close_distance} km."
            )
