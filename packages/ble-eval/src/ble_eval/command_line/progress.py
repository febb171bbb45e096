"""How far a long computation is: a bar on a terminal, a line now and then anywhere else."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0


class ProgressDisplay:
    """Shows a bar or lines while the context lasts.

    Args:
        console: where to show them.
        label: name of the work, one word.
        total: when the work is done, in any unit.
        completed: how much of it is done at the start.
        clock: seconds from any origin.
    """

    def __init__(
        self,
        console: Console,
        label: str,
        total: int,
        *,
        completed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._clock = clock
        self._last_line = clock()
        self._bar = Progress(
            TextColumn(label),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(label, total=total, completed=completed, figures="compiling")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, completed: float, figures: str) -> None:
        """Show how much is done, in the unit of `total`, and some figures."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=completed, figures=figures)
        elif self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = self._clock()
            self.print(figures)

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, highlight=False, soft_wrap=True)
