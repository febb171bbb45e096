"""How far a training is: a bar on a terminal, a line now and then anywhere else."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ble_train.learning_curve import CurvePoint
from ble_train.loops.records import EpisodeRecord, IterationRecord

SECONDS_BETWEEN_LINES = 10.0
NUM_RECENT = 100
"""Episodes that the recent TWR50 is the mean of."""


class TrainingProgress:
    """Shows steps a second, episodes, recent TWR50, losses and evaluations while the context lasts.

    Args:
        console: where to show it, standard error as a rule.
        total_steps: environment steps of the whole run, at most.
        clock: seconds from any origin.
    """

    def __init__(self, console: Console, total_steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._last_line = clock()
        self._speed_from: tuple[float, int] | None = None
        self._recent: deque[float] = deque(maxlen=NUM_RECENT)
        self._metrics = ""
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=total_steps, figures="compiling")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def episode_done(self, episode: EpisodeRecord) -> None:
        """Count a finished episode."""
        if self._speed_from is None:  # What compiled before says nothing about the speed.
            self._speed_from = self._clock(), episode.env_steps
        if episode.twr50 is not None:
            self._recent.append(episode.twr50)
        figures = self._figures(episode)
        if self._console.is_terminal:
            self._bar.update(self._task, completed=episode.env_steps, figures=figures)
        elif self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = self._clock()
            self._console.print(figures, highlight=False)

    def iteration_done(self, iteration: IterationRecord, metrics: Mapping[str, float]) -> None:
        """Show what was learned in an iteration."""
        self._metrics = "".join(f", {name} {value:.3g}" for name, value in metrics.items())

    def evaluated(self, point: CurvePoint) -> None:
        """Show an evaluation."""
        score = f"TWR50 {point.twr50:.3f} ± {point.twr50_error:.3f} over {point.num_episodes} validation episodes"
        self._console.print(f"iteration {point.iteration}, {point.env_steps} steps: {score}", highlight=False)

    def _figures(self, episode: EpisodeRecord) -> str:
        assert self._speed_from is not None
        start, steps = self._speed_from
        speed = (episode.env_steps - steps) / max(self._clock() - start, 1e-9)
        recent = f", TWR50 {sum(self._recent) / len(self._recent):.3f}" if self._recent else ""
        counts = f"{episode.episode + 1} episodes, {episode.env_steps} steps, {speed:.0f} steps/s"
        return counts + recent + self._metrics
