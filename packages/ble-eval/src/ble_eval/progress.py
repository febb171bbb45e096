"""How far an evaluation is: a bar on a terminal, a line now and then anywhere else."""

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ble_eval.results import EvaluationResult

SECONDS_BETWEEN_LINES = 10.0


class EvaluationProgress:
    """Shows episodes done, steps a second and the running TWR50 while the context lasts.

    Args:
        console: where to show it, standard error as a rule.
        total: number of episodes of the run.
        finished: episodes that a run stopped earlier has flown; they count, but not for the speed.
        clock: seconds from any origin.

    Attributes:
        steps: number of steps flown so far, without those of earlier runs.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        finished: Iterable[EvaluationResult] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._clock = clock
        self._total = total
        earlier = list(finished)
        self._episodes = len(earlier)
        self._twr50_sum = sum(result.time_within_radius for result in earlier)
        self.steps = 0
        self._start = self._last_line = clock()
        self._bar = Progress(
            TextColumn("flying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("flying", total=total, completed=self._episodes, figures="compiling")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    @property
    def steps_per_second(self) -> float:
        """Speed of the episodes flown so far, the compilation before the first one included."""
        return self.steps / max(self._clock() - self._start, 1e-9)

    def episode_done(self, result: EvaluationResult) -> None:
        """Counts one more finished episode."""
        self._episodes += 1
        self.steps += result.final_timestep
        self._twr50_sum += result.time_within_radius
        figures = f"{self.steps_per_second:.0f} steps/s, TWR50 {self._twr50_sum / self._episodes:.3f}"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=self._episodes, figures=figures)
        elif self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = self._clock()
            self._console.print(f"{self._episodes}/{self._total} episodes, {figures}", highlight=False)
