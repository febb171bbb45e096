"""Scalars for TensorBoard."""

import os
from pathlib import Path
from typing import Any

from ble_sim.files.json_lines import append_json_line, cut_json_lines
from ble_train.collectors.file_collector import FileCollector
from ble_train.collectors.options import TensorboardOptions
from ble_train.collectors.statistics_instance import StatisticsInstance


class TensorboardCollector(FileCollector):
    """Writes Train/EpisodeReward and Train/EpisodeLength by episode, to metrics/tensorboard.

    With fine_grained_logging also Train/FineGrainedReward by step, counted over all episodes. The agent logs with the
    same writer, by its own count of steps.

    A resumed run adds an event file, and cuts the scalars of episodes that it repeats off the earlier files, those of
    the agent included. progress.jsonl holds the sizes to cut to, and the number of steps until then.

    Raises:
        ValueError: there is no base_dir, or progress.jsonl is damaged.
        OSError: a file cannot be read or written.
    """

    def __init__(
        self,
        base_dir: str | None,
        num_actions: int,
        current_episode: int,
        *,
        options: TensorboardOptions = TensorboardOptions(),
    ) -> None:
        super().__init__(base_dir, num_actions, current_episode)
        from ble_train.collectors.scalar_writer import ScalarWriter  # Here: it imports tensorboardX.

        self._options = options
        self._progress = self._folder / "progress.jsonl"
        self._global_step = _cut_back(self._progress, current_episode)
        self.summary_writer = ScalarWriter(self._folder)
        self._note_progress()

    def get_name(self) -> str:
        return "tensorboard"

    def begin_episode(self) -> None:
        self._episode_reward = 0.0

    def step(self, statistics: StatisticsInstance) -> None:
        if self._options.fine_grained_logging and self._global_step % self._options.fine_grained_frequency == 0:
            self.summary_writer.add_scalar("Train/FineGrainedReward", statistics.reward, self._global_step)
        self._global_step += 1
        self._episode_reward += statistics.reward

    def end_episode(self, statistics: StatisticsInstance) -> None:
        self.summary_writer.add_scalar("Train/EpisodeReward", self._episode_reward, self.current_episode)
        self.summary_writer.add_scalar("Train/EpisodeLength", statistics.step, self.current_episode)
        self.current_episode += 1
        self._note_progress()

    def end_training(self) -> None:
        self.summary_writer.close()

    def _note_progress(self) -> None:
        self.summary_writer.flush()
        path = self.summary_writer.path
        line = {
            "episodes": self.current_episode,
            "steps": self._global_step,
            "file": path.name,
            "bytes": path.stat().st_size,
        }
        append_json_line(self._progress, line)


def _cut_back(progress: Path, current_episode: int) -> int:
    """Cut event files back to the end of `current_episode` episodes; returns the number of steps until then."""
    sizes: dict[str, int] = {}  # 0 for a file without a line that is kept
    steps = 0

    def keep(line: dict[str, Any]) -> bool:
        nonlocal steps
        sizes.setdefault(line["file"], 0)
        if line["episodes"] > current_episode:
            return False
        sizes[line["file"]], steps = line["bytes"], line["steps"]
        return True

    cut_json_lines(progress, keep)
    for name, size in sizes.items():
        if (path := progress.parent / name).exists():  # the user may have removed the file
            os.truncate(path, size)
    return steps
