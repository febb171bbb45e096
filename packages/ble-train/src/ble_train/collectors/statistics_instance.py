"""The transition that collectors receive."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StatisticsInstance:
    """One transition of an episode.

    Attributes:
        step: its number in the episode, from 0 on.
        action: the action taken.
        reward: its reward.
        terminal: whether it led to a terminal state; False at a time limit.
    """

    step: int
    action: int
    reward: float
    terminal: bool
