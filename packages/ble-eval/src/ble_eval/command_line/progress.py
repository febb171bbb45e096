"""How far a long computation is: a bar on a terminal, a line now and then anywhere else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

SECONDS_BETWEEN_LINES = 30.0
"""From one line to the next without a terminal [s]; in the course of a long run the time grows to `SHARE_OF_TIME`."""
SHARE_OF_TIME = 0.1
"""The longest time between two lines, as a share of the time that has passed."""
LEAST_SECONDS_BETWEEN_LINES = 1.0
"""There is also a line for each tenth of the work, but not sooner than this [s]."""

COMPILING = "compiling"
COLUMNS_OF_ONE_LINE = 72
"""A narrower terminal has the times on a line of their own."""


class ProgressDisplay:
    """Shows a bar or lines while the context lasts.

    A bar has the share that is done, a count, the time that has passed and the time that is left, both moving, and the
    figures on a second line. Until the first call of `show` it says that JAX compiles, or what `beginning` is.

    Args:
        console: where to show them.
        label: name of the work, one word.
        total: when the work is done, in any unit; None if that is unknown.
        completed: how much of it is done at the start.
        beginning: what happens before the first call of `show`.
        clock: seconds from any origin.
    """

    def __init__(
        self,
        console: Console,
        label: str,
        total: float | None,
        *,
        completed: float = 0.0,
        beginning: str = COMPILING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._label = label
        self._total = total
        self._completed = completed
        self._clock = clock
        self._start = self._last_line = clock()
        self._speed_from: tuple[float, float] | None = None  # Time and work done when the compilation was over.
        self._shown_at = self._start
        self._count = ""
        self._figures = self._beginning = beginning
        self._doing = ""
        self._tenths = self._tenths_done()
        self._live = Live(get_renderable=self._picture, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            self._live.start(refresh=True)
        else:
            long = " first, which can take minutes" if self._beginning == COMPILING else ""
            self.print(f"{self._label}: {self._beginning}{long}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, completed: float, figures: str, count: str = "") -> None:
        """Show how much is done.

        Args:
            completed: in the unit of `total`.
            figures: what there is to know, the most important first; a narrow terminal cuts the rest off.
            count: of the things that are done, such as "3/200 iterations".
        """
        self._shown_at = self._clock()
        if self._speed_from is None:
            self._speed_from = self._shown_at, completed
        self._completed, self._figures, self._count = completed, figures, count
        if not self._console.is_interactive and self._is_line_due():
            self._last_line, self._tenths = self._shown_at, self._tenths_done()
            share = [self._share()] if self._total else []
            self.print(f"{self._label}: {', '.join([*share, *self._details(), figures])}")

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Show what is done in place of the figures while the context lasts."""
        self._doing = what
        try:
            yield
        finally:
            self._doing = ""

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _is_line_due(self) -> bool:
        passed = self._shown_at - self._last_line
        if passed >= max(SECONDS_BETWEEN_LINES, SHARE_OF_TIME * (self._shown_at - self._start)):
            return True
        return self._tenths_done() > self._tenths and passed >= LEAST_SECONDS_BETWEEN_LINES

    def _tenths_done(self) -> int:
        return int(10 * self._completed / self._total) if self._total else 0

    def _share(self) -> str:
        return f"{min(self._completed / self._total, 1.0):.0%}" if self._total else ""

    def _details(self) -> list[str]:
        """The count and the labelled times."""
        left = self._seconds_left()
        times = [f"elapsed {_time(self._clock() - self._start)}", f"remaining {'-' if left is None else _time(left)}"]
        return [self._count, *times] if self._count else times

    def _seconds_left(self) -> float | None:
        """The time that is left at the mean speed of this process, without its compilation; None if it is unknown."""
        if self._speed_from is None or not self._total:
            return None
        since, earlier = self._speed_from
        done, seconds = self._completed - earlier, self._shown_at - since
        if done <= 0.0 or seconds <= 0.0:
            return None
        left = (self._total - self._completed) * seconds / done
        return max(left - (self._clock() - self._shown_at), 0.0)

    def _picture(self) -> RenderableType:
        is_compiling = self._speed_from is None
        bar = ProgressBar(self._total, self._completed, pulse=is_compiling or not self._total)
        details = "  ".join(self._details())
        figures = Text(f"  {self._doing or self._figures}", no_wrap=True, overflow="crop")
        if self._console.width >= COLUMNS_OF_ONE_LINE:
            return Group(_row(self._label, bar, f"{self._share():>4}  {details}"), figures)
        times = Text(f"  {details}", no_wrap=True, overflow="crop")
        return Group(_row(self._label, bar, self._share()), times, figures)


def _row(label: str, bar: RenderableType, text: str) -> Table:
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(no_wrap=True)
    row.add_column(ratio=1)
    row.add_column(no_wrap=True, overflow="crop")
    row.add_row(label, bar, text)
    return row


def _time(seconds: float) -> str:
    """Hours, minutes and seconds, such as 0:02:30."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
