"""Sums over the transitions of an episode."""

from ble_train.collectors.statistics_instance import StatisticsInstance


class EpisodeTotals:
    """The rewards and actions of an episode so far.

    Each transition counts once. (The original also counts the one that `end_episode` repeats.)

    Attributes:
        reward: sum of the rewards.
        action_counts: number of times that each action was taken.
    """

    def __init__(self, num_actions: int) -> None:
        self.reward = 0.0
        self.action_counts = [0] * num_actions

    def add(self, statistics: StatisticsInstance) -> None:
        """Add a transition.

        Raises:
            ValueError: there is no such action.
        """
        if not 0 <= statistics.action < len(self.action_counts):
            raise ValueError(f"Action {statistics.action} is none of the {len(self.action_counts)}, counted from 0.")
        self.reward += statistics.reward
        self.action_counts[statistics.action] += 1
