"""A line of text for each episode."""

from pathlib import Path
from typing import IO

import numpy as np

from ble_train.collectors.collector import Collector
from ble_train.collectors.episode_totals import EpisodeTotals
from ble_train.collectors.options import ConsoleOptions
from ble_train.collectors.statistics_instance import StatisticsInstance


class ConsoleCollector(Collector):
    """Prints a line for each episode, and keeps it in metrics/console/console.log.

    A resumed run continues the same log, which holds everything that was printed: episodes that are repeated have two
    lines.
    """

    def __init__(
        self,
        base_dir: str | None,
        num_actions: int,
        current_episode: int,
        *,
        options: ConsoleOptions = ConsoleOptions(),
    ) -> None:
        super().__init__(base_dir, num_actions, current_episode)
        self._options = options
        self._log: IO[str] | None = None

    def get_name(self) -> str:
        return "console"

    def pre_training(self) -> None:
        if self._base_dir is not None and self._options.save_to_file:
            mode = "a" if self.current_episode > 0 else "w"
            path = Path(self._base_dir, "console.log")
            self._log = path.open(mode, encoding="utf-8", buffering=1)  # closed by `end_training`

    def begin_episode(self) -> None:
        self._totals = EpisodeTotals(self._num_actions)

    def step(self, statistics: StatisticsInstance) -> None:
        self._totals.add(statistics)
        if self._options.fine_grained_logging and statistics.step % self._options.fine_grained_frequency == 0:
            self._print(
                f"Step: {statistics.step}, action: {statistics.action}, "
                f"reward: {statistics.reward}, terminal: {statistics.terminal}"
            )

    def end_episode(self, statistics: StatisticsInstance) -> None:
        distribution = np.array(self._totals.action_counts) / statistics.step
        self._print(
            f"Episode {self.current_episode}: reward: {self._totals.reward:07.2f}, "
            f"episode length: {statistics.step}, action distribution: {distribution}"
        )
        self.current_episode += 1

    def end_training(self) -> None:
        if self._log is not None:
            self._log.close()

    def _print(self, line: str) -> None:
        print(line, flush=True)
        if self._log is not None:
            self._log.write(line + "\n")
