"""A JSON record of each episode."""

import math
from pathlib import Path

from ble_sim.files.json_lines import append_json_line, cut_json_lines
from ble_train.collectors.episode_totals import EpisodeTotals
from ble_train.collectors.file_collector import FileCollector
from ble_train.collectors.statistics_instance import StatisticsInstance


class JsonLinesCollector(FileCollector):
    """Writes one JSON object a line for each episode, to metrics/json_lines/episodes.jsonl.

    The keys are episode, reward, length, terminal, action_counts. The reward is null if it is not finite, for which
    JSON has no number. A resumed run continues the same file, without the lines of episodes that it repeats.
    """

    def get_name(self) -> str:
        return "json_lines"

    @property
    def _path(self) -> Path:
        return self._folder / "episodes.jsonl"

    def pre_training(self) -> None:
        cut_json_lines(self._path, keep=lambda line: line["episode"] < self.current_episode)

    def begin_episode(self) -> None:
        self._totals = EpisodeTotals(self._num_actions)

    def step(self, statistics: StatisticsInstance) -> None:
        self._totals.add(statistics)

    def end_episode(self, statistics: StatisticsInstance) -> None:
        line = {
            "episode": self.current_episode,
            "reward": self._totals.reward if math.isfinite(self._totals.reward) else None,
            "length": statistics.step,
            "terminal": statistics.terminal,
            "action_counts": self._totals.action_counts,
        }
        append_json_line(self._path, line)
        self.current_episode += 1
