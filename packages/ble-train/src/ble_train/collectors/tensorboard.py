"""Scalars for TensorBoard."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ble_eval.settings import SETTINGS_FILE
from ble_sim.files.json_lines import append_json_line, cut_json_lines
from ble_train.collectors.file_collector import FileCollector
from ble_train.collectors.options import TensorboardOptions
from ble_train.collectors.statistics_instance import StatisticsInstance

if TYPE_CHECKING:
    from ble_train.loops.records import IterationRecord


class TensorboardCollector(FileCollector):
    """Writes scalars over the environment steps of the run, to metrics/tensorboard.

    - For each episode: Train/EpisodeReward, Train/EpisodeLength.
    - For each iteration: Train/TWR50, the mean of its episodes, and Train/StepsPerSecond, without validations.
    - With fine_grained_logging: Train/FineGrainedReward, for single steps.
    - Settings, the run's settings.json as a text.

    The agent and the validation log with the same writer.

    A resumed run adds an event file, and cuts the scalars of episodes that it repeats off the earlier files, those of
    the agent included. progress.jsonl holds the sizes to cut to.

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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(base_dir, num_actions, current_episode)
        from ble_train.collectors.scalar_writer import ScalarWriter  # Here: it imports tensorboardX.

        self._options = options
        self._clock = clock
        self._is_within_episode = False
        self._speed_from: tuple[float, int] | None = None  # Time and steps at the first episode's end of the iteration.
        self._progress = self._folder / "progress.jsonl"
        _cut_back(self._progress, current_episode)
        self.summary_writer = ScalarWriter(self._folder)
        self._note_progress()

    def get_name(self) -> str:
        return "tensorboard"

    def pre_training(self) -> None:
        settings = self._folder.parents[1] / SETTINGS_FILE
        if settings.is_file():
            self.summary_writer.add_text("Settings", _as_table(settings), self.env_steps)

    def begin_episode(self) -> None:
        self._episode_reward = 0.0
        self._is_within_episode = True

    def step(self, statistics: StatisticsInstance) -> None:
        if self._options.fine_grained_logging and (self.env_steps - 1) % self._options.fine_grained_frequency == 0:
            self.summary_writer.add_scalar("Train/FineGrainedReward", statistics.reward, self.env_steps)
        self._episode_reward += statistics.reward

    def end_episode(self, statistics: StatisticsInstance) -> None:
        self.summary_writer.add_scalar("Train/EpisodeReward", self._episode_reward, self.env_steps)
        self.summary_writer.add_scalar("Train/EpisodeLength", statistics.step, self.env_steps)
        self.current_episode += 1
        self._is_within_episode = False
        if self._speed_from is None:
            self._speed_from = self._clock(), self.env_steps
        self._note_progress()

    def end_iteration(self, record: "IterationRecord") -> None:
        if record.twr50 is not None:
            self.summary_writer.add_scalar("Train/TWR50", record.twr50, record.env_steps)
        if self._speed_from is not None:
            since, earlier = self._speed_from
            seconds, steps = self._clock() - since, record.env_steps - earlier
            if seconds > 0.0 and steps > 0:
                self.summary_writer.add_scalar("Train/StepsPerSecond", steps / seconds, record.env_steps)
        self._speed_from = None
        self.current_episode = record.episodes  # Also where no episode was received, as in compiled training.
        self._note_progress()

    def end_training(self) -> None:
        if not self._is_within_episode:  # The scores of a last validation stay when the run continues.
            self._note_progress()
        self.summary_writer.close()

    def _note_progress(self) -> None:
        self.summary_writer.flush()
        path = self.summary_writer.path
        append_json_line(
            self._progress, {"episodes": self.current_episode, "file": path.name, "bytes": path.stat().st_size}
        )


def _as_table(settings: Path) -> str:
    """The settings as a table of Markdown, which TensorBoard shows."""
    values = json.loads(settings.read_text(encoding="utf-8"))
    rows = [f"| {name} | {_cell(value)} |" for name, value in values.items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("|", r"\|").replace("\n", " ")


def _cut_back(progress: Path, current_episode: int) -> None:
    """Cut event files back to the end of `current_episode` episodes."""
    sizes: dict[str, int] = {}  # 0 for a file without a line that is kept

    def keep(line: dict[str, Any]) -> bool:
        sizes.setdefault(line["file"], 0)
        if line["episodes"] > current_episode:
            return False
        sizes[line["file"]] = line["bytes"]
        return True

    cut_json_lines(progress, keep)
    for name, size in sizes.items():
        if (path := progress.parent / name).exists():  # the user may have removed the file
            os.truncate(path, size)
