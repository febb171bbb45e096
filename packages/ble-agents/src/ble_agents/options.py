"""Options of the built-in agents and networks. Command lines turn the fields into flags; nothing here imports jax."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HIDDEN_SIZES = (600,) * 7
"""Hidden layers of the published agent."""
NUM_QUANTILES = 51
"""Of the published agent."""

MatrixPrecision = Literal["highest"] | None
"""Of matrix products: "highest" for float32, None for the accelerator's default, which may round the factors."""


@dataclass(frozen=True)
class RandomWalkOptions:
    """Options of the random walk of a target pressure."""

    hysteresis: float = 100.0
    """Distance from the target up to which the action is to stay, Pa."""
    deviation_rate: float = 0.1666
    """Standard deviation of the target's next move, in Pa for each second since the start of the episode."""


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Options of plans."""

    num_distances: int = 48
    """Points of the plan from west to east, and from south to north."""
    num_pressures: int = 34
    """Points of the plan over the pressures."""
    min_pressure: float = 5_600.0
    """Pressure at the top of the plan, Pa. With an empty ballonet the benchmark's balloon floats at 5580 to 6230 Pa, by
    its atmosphere."""
    max_pressure: float = 12_400.0
    """Pressure at the bottom of the plan, Pa. A day of descent ends between 10 950 and 12 500 Pa."""
    num_shifts: int = 1
    """Parts in which the wind carries a balloon through six minutes of the plan. In each it moves by one point of the
    grid at most, so that a finer grid needs more of them."""
    ramp: float = 12.0
    """Width over which the plan's reward falls at the edge of the radius, km."""
    night_descent_cost: float = 0.1
    """Reward that six minutes of descent cost in a plan at night, when the compressor drains the battery."""
    discount: float = 0.997
    """What a reward six minutes later is worth."""

    def __post_init__(self) -> None:
        if min(self.num_distances, self.num_pressures) < 4:
            raise ValueError(
                f"num_distances and num_pressures must be 4 at least, not {self.num_distances} and"
                f" {self.num_pressures}."
            )
        if not 0 < self.min_pressure < self.max_pressure < math.inf:
            raise ValueError(
                "min_pressure must be positive and below max_pressure, which must be finite, not"
                f" {self.min_pressure} and {self.max_pressure} Pa."
            )
        if self.num_shifts < 1:
            raise ValueError(f"num_shifts must be 1 at least, not {self.num_shifts}.")
        if not self.ramp > 0:
            raise ValueError(f"ramp must be positive, not {self.ramp} km.")
        if not self.night_descent_cost >= 0:
            raise ValueError(f"night_descent_cost must not be negative, as {self.night_descent_cost} is.")
        if not 0 < self.discount <= 1:
            raise ValueError(f"discount must be above 0 and at most 1, not {self.discount}.")


@dataclass(frozen=True, kw_only=True)
class PlannerOptions(PlanOptions):
    """Options of the planner. The grid and the number of plans decide about its score and its time."""

    replan_steps: int = 120
    """Agent steps from one plan of the whole flight to the next."""
    refresh_steps: int = 4
    """Agent steps from one look at the measurements to the next: between the plans of the whole flight the next
    `refresh_hours` are planned anew. Fewer steps follow the measurements closer and take more time."""
    refresh_hours: float = 3.0
    """Hours that a refreshed plan covers. Beyond them it relies on the last plan of the whole flight."""
    refresh_distances: int = 24
    """Points of a refreshed plan from west to east, and from south to north, about the balloon. Beyond them the last
    plan of the whole flight holds, too. A multiple of 8 is fastest."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.replan_steps, self.refresh_steps) < 1:
            raise ValueError(
                f"replan_steps and refresh_steps must be 1 at least, not {self.replan_steps} and {self.refresh_steps}."
            )
        if not 0 < self.refresh_hours < math.inf:
            raise ValueError(f"refresh_hours must be positive and finite, not {self.refresh_hours}.")
        if self.refresh_distances < 4:
            raise ValueError(f"refresh_distances must be 4 at least, not {self.refresh_distances}.")


@dataclass(frozen=True, kw_only=True)
class ColumnPlannerOptions(PlanOptions):
    """Options of the column planner."""

    stages_per_step: int = 4
    """Times that the values are carried back by six minutes after each agent step. More follow a change of the winds
    sooner and take more time."""
    first_stages: int = 120
    """The same before the first step: how far the first plan looks ahead."""
    tradewind_weight: float = 0.3
    """What Tradewind's expected returns are multiplied with before they are added to the values of the actions; 0 for
    the plan alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.stages_per_step, self.first_stages) < 1:
            raise ValueError(
                f"stages_per_step and first_stages must be 1 at least, not {self.stages_per_step} and"
                f" {self.first_stages}."
            )
        if not 0 <= self.tradewind_weight < math.inf:
            raise ValueError(f"tradewind_weight must be 0 or positive and finite, not {self.tradewind_weight}.")


@dataclass(frozen=True, kw_only=True)
class OracleOptions(PlanOptions):
    """Options of the oracle. It has finer grids than plans with a forecast: what it knows is exact."""

    num_distances: int = 64
    num_pressures: int = 52
    num_shifts: int = 2
    num_error_distances: int = 28
    """Points from west to east, and from south to north, at which the forecast's error is computed."""
    num_error_pressures: int = 52
    """The same over the pressures."""
    width: int = 48
    """Flights that are flown side by side in search of the best."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.num_error_distances, self.num_error_pressures) < 2:
            raise ValueError(
                "num_error_distances and num_error_pressures must be 2 at least, not"
                f" {self.num_error_distances} and {self.num_error_pressures}."
            )
        if self.width < 1:
            raise ValueError(f"width must be 1 at least, not {self.width}.")


@dataclass(frozen=True)
class StationSeekerOptions:
    """StationSeeker's parameters. The defaults are those published, [their names there] in brackets."""

    half_radius: float = 35.0
    """Scale of the distance beyond which the wind's direction matters more than its speed, km [alpha_Delta]."""
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
    """Score of an unknown wind [g_unknown]."""
    stay_bonus: float = 0.05
    """Bonus of the present level [k_2]."""
    stay_decay: float = 0.001
    """Decay of that bonus for each level of 50 Pa away from it [k_3]."""
    confidence_bonus: float = 0.01
    """Added to the weight 1 - uncertainty of a wind's score."""

    def __post_init__(self) -> None:
        if not self.half_radius > 0:
            raise ValueError(f"half_radius must be positive, not {self.half_radius} km.")
        if not self.far_distance > self.close_distance:
            raise ValueError(
                f"far_distance must be beyond close_distance, not {self.far_distance} km and {self.close_distance} km."
            )


@dataclass(frozen=True)
class Sb3Options:
    """Options of a model of Stable-Baselines3."""

    file: Path = Path("model.zip")
    """The file that `model.save` wrote."""
    algorithm: str = "PPO"
    """Class of the model: a name of Stable-Baselines3, or package:Class, such as sb3_contrib:RecurrentPPO."""
    deterministic: bool = True
    """Take the most probable action instead of drawing one."""


@dataclass(frozen=True)
class QuantileNetworkOptions:
    """Options of the network "quantile"."""

    hidden_sizes: tuple[int, ...] = HIDDEN_SIZES
    """Sizes of the hidden layers."""
    num_quantiles: int = NUM_QUANTILES
    """Quantiles of each action's return."""
    precision: MatrixPrecision = None
    """Precision of matrix products."""


@dataclass(frozen=True)
class QValueNetworkOptions:
    """Options of the network "q_values"."""

    hidden_sizes: tuple[int, ...] = HIDDEN_SIZES
    """Sizes of the hidden layers."""
    precision: MatrixPrecision = None
    """Precision of matrix products."""


@dataclass(frozen=True)
class LevelNetworkOptions:
    """Options of the network "levels"."""

    level_sizes: tuple[int, ...] = (32, 32)
    """Hidden layers of the network that scores a level."""
    summary_sizes: tuple[int, ...] = (128, 64)
    """Hidden layers of the network that corrects the logits and estimates the return."""

    def __post_init__(self) -> None:
        if not self.level_sizes:
            raise ValueError("level_sizes must name one hidden layer at least.")
        if any(size < 1 for size in (*self.level_sizes, *self.summary_sizes)):
            raise ValueError(
                "level_sizes and summary_sizes must be numbers of units of at least 1,"
                f" not {self.level_sizes} and {self.summary_sizes}."
            )


@dataclass(frozen=True)
class ActorCriticMLPOptions:
    """Options of the network "actor_critic_mlp"."""

    hidden_sizes: tuple[int, ...] = (64, 64)
    """Sizes of the hidden layers, for the actor and for the critic."""

    def __post_init__(self) -> None:
        if any(size < 1 for size in self.hidden_sizes):
            raise ValueError(f"hidden_sizes must be numbers of units of at least 1, not {self.hidden_sizes}.")
