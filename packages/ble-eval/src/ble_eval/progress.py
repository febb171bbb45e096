"""How far an evaluation is: a bar on a terminal, a line now and then anywhere else."""

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ble_eval.results.records import EvaluationResult

SECONDS_BETWEEN_LINES = 10.0


class EvaluationProgress:
    """Shows episodes done, steps a second and the running TWR50 while the context lasts.

    Args:
        console: where to show it, standard error as a rule.
        total: number of episodes of the run.
        max_steps: of an episode.
        finished: episodes that a run stopped earlier has flown; they count, but not for the speed.
        clock: seconds from any origin.

    Attributes:
        steps: number of steps flown so far, without those of earlier runs.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        max_steps: int,
        finished: Iterable[EvaluationResult] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._clock = clock
        self._total = total
        self._max_steps = max_steps
        earlier = list(finished)
        self._episodes = self._earlier_episodes = len(earlier)
        self._earlier_steps = sum(result.final_timestep for result in earlier)
        self._inside = sum(result.time_within_radius * result.final_timestep for result in earlier)
        self.steps = 0
        self._start = self._last_line = clock()
        self._bar = Progress(
            TextColumn("flying"),
            BarColumn(),
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
        """Speed so far, the compilation before the first step included."""
        return self.steps / max(self._clock() - self._start, 1e-9)

    def steps_done(self, steps: int, inside: int) -> None:
        """Counts steps flown, and how many of them ended within the radius."""
        self.steps += steps
        self._inside += inside
        self._show()

    def episode_done(self, result: EvaluationResult) -> None:
        """Counts one more finished episode, whose steps have been counted."""
        self._episodes += 1
        self._show()

    def _show(self) -> None:
        twr50 = self._inside / max(self._earlier_steps + self.steps, 1)
        done = f"{self._episodes}/{self._total} episodes"
        figures = f"{done}, {self.steps_per_second:.0f} steps/s, TWR50 {twr50:.3f}"
        if self._console.is_terminal:
            flown = self._earlier_episodes + self.steps / self._max_steps
            self._bar.update(self._task, completed=max(self._episodes, flown), figures=figures)
        elif self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = self._clock()
            self._console.print(figures, highlight=False)
