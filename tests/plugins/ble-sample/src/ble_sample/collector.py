"""A collector with options. Needs ble-train, and is imported by nothing else."""

import json
from pathlib import Path

import numpy as np

from ble_sample.options import RewardHistogramOptions
from ble_train.collectors.collector import Collector
from ble_train.collectors.statistics_instance import StatisticsInstance


class RewardHistogramCollector(Collector):
    """Counts the rewards of an episode's steps, and writes the counts to metrics/reward_histogram/EPISODE.json.

    A file for each episode: a resumed run replaces those of the episodes that it flies again.
    """

    def __init__(
        self,
        base_dir: str | None,
        num_actions: int,
        current_episode: int,
        *,
        options: RewardHistogramOptions = RewardHistogramOptions(),
    ) -> None:
        super().__init__(base_dir, num_actions, current_episode)
        self._options = options

    def get_name(self) -> str:
        return "reward_histogram"

    def begin_episode(self) -> None:
        self._rewards: list[float] = []

    def step(self, statistics: StatisticsInstance) -> None:
        self._rewards.append(statistics.reward)

    def end_episode(self, statistics: StatisticsInstance) -> None:
        if self._base_dir is not None:
            counts, _ = np.histogram(self._rewards, bins=self._options.bins, range=(0.0, 1.0))
            file = Path(self._base_dir, f"{self.current_episode:06}.json")
            file.write_text(json.dumps(counts.tolist()), encoding="utf-8")
        self.current_episode += 1
