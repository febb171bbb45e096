"""What collectors are told about one step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StatisticsInstance:
    """One transition.

    Attributes:
        step: its number in the episode, from 0 on.
        action: the action that was flown.
        reward: what it brought.
        terminal: whether it led to a terminal state; False at a time limit.
    """

    step: int
    action: int
    reward: float
    terminal: bool
