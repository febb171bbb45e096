"""What is seen of flights while they are flown: a panel in the terminal, a window, or a line now and then.

Each display is a context, whose `show` is called now and then in the main thread.
"""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ble_env.options import MIN_COLUMNS, MIN_ROWS
from ble_env.rendering.panel import Span, styled_text_panel
from ble_env.rendering.theme import DARK
from ble_env.rendering.track import Track
from ble_eval.command_line.progress import COMPILING, ProgressDisplay
from ble_eval.errors import UserError

if TYPE_CHECKING:
    from ble_env.options import MatplotlibOptions
    from ble_env.rendering.flight_picture import Window

PANELS_PER_SECOND = 8
MAX_COLUMNS, MAX_LINES = 160, 50
"""Size of the largest panel."""
MIN_COLUMN, MAX_COLUMN = 72, 100
"""Characters of one of several panels side by side."""
MIN_LINES_OF_COLUMNS = 13
"""Lines of panels side by side; lower ones would lack numbers."""
GAP = "   "
"""Between them."""
LINES_OF_TABLE = 8
"""Of the table of the outcomes beside its rows, and of what is said below it."""

_STYLES = {"": "", "dim": "dim", "strong": "bold", "warning": "bold red"} | {
    f"flight{number}": colour for number, colour in enumerate(DARK.flights)
}


class Display(Protocol):
    """Shows flights while the context lasts."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def show(self) -> None:
        """Show the flights as they are now."""
        ...

    def end(self) -> None:
        """After the context: leave what is to stay of the flights, complete or not."""

    def hold(self) -> None:
        """At the end of the command: wait for a window to be closed."""


class PanelDisplay(Display):
    """A panel that fills the terminal. It is gone at the end; `end` prints the last one, which stays.

    Several flights are panels side by side where the terminal is wide enough, and otherwise one panel with a row for
    each.

    Args:
        console: a terminal.
        tracks: of the flights.
        heading: a line above the panel.
        clock: seconds from any origin.
    """

    def __init__(
        self,
        console: Console,
        tracks: Sequence[Track],
        heading: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._start = clock, clock()
        self._console = console
        self._tracks = tracks
        self._heading = heading
        self._live = Live(
            get_renderable=self._filling, console=console, refresh_per_second=PANELS_PER_SECOND, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self) -> None:
        """Does nothing: the panel is drawn in a thread of its own."""

    def end(self) -> None:
        """Print the flights as they are now, and leave room for the table of the outcomes."""
        self._console.print(self._panel(self._console.height - len(self._tracks) - LINES_OF_TABLE))

    def _filling(self) -> RenderableType:
        note = "Ctrl-C stops"
        if all(track.is_empty for track in self._tracks):
            note = f"{COMPILING}, which can take minutes: {self._clock() - self._start:.0f} s"
        heading = f"{self._heading}   {note}"
        # The last line stays free: a panel that is as high as the terminal would scroll it.
        return Group(Text(heading, style="dim", no_wrap=True, overflow="crop"), self._panel(self._console.height - 2))

    def _panel(self, height: int) -> RenderableType:
        height = max(min(height, MAX_LINES), MIN_ROWS)
        number, width = len(self._tracks), max(self._console.width, MIN_COLUMNS)
        ascii_only = not self._console.encoding.startswith("utf")
        column = (width - (number - 1) * len(GAP)) // number
        if number == 1 or column < MIN_COLUMN or height < MIN_LINES_OF_COLUMNS:
            lines = styled_text_panel(self._tracks, min(width, MAX_COLUMNS), height, ascii_only=ascii_only)
            return Group(*(_text(line) for line in lines))
        panels = [
            styled_text_panel([track], min(column, MAX_COLUMN), height, ascii_only=ascii_only) for track in self._tracks
        ]
        return Group(
            *(
                Text(GAP, no_wrap=True, overflow="crop").join(
                    _text(part, f"flight{place}") for place, part in enumerate(parts)
                )
                for parts in zip(*panels, strict=True)
            )
        )


def _text(line: Sequence[Span], flight: str = "flight0") -> Text:
    """A line of a panel. Its first flight is coloured as `flight`."""
    styles = _STYLES | {"flight0": _STYLES[flight]}
    text = Text.assemble(*((span.text, styles.get(span.style, "")) for span in line))
    text.no_wrap, text.overflow = True, "crop"
    return text


class LineDisplay(Display):
    """A progress bar, or without a terminal a line now and then.

    Args:
        console: where to show it.
        tracks: of the flights.
        max_steps: of each.
    """

    def __init__(self, console: Console, tracks: Sequence[Track], max_steps: int) -> None:
        self._tracks = tracks
        self._progress = ProgressDisplay(console, "flying", max_steps * len(tracks))

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, traceback)

    def show(self) -> None:
        """Show the steps and the TWR so far."""
        steps = [max(track.num_steps, 0) for track in self._tracks]
        if not any(steps):
            return
        figures = [
            f"{track.name} TWR{track.station_keeping_radius_km:g} {track.points().twr[-1]:.3f}"
            for track, number in zip(self._tracks, steps, strict=True)
            if number
        ]
        self._progress.show(sum(steps), ", ".join([f"{sum(steps)} steps", *figures]))


class WindowDisplay(Display):
    """A window of matplotlib, beside a `LineDisplay`. A user who closes it stops the flights as with Ctrl-C.

    Args:
        console: where to show the progress.
        tracks: of the flights.
        max_steps: of each.
        options: of the picture.

    Raises:
        UserError: matplotlib can open no window here.
    """

    def __init__(self, console: Console, tracks: Sequence[Track], max_steps: int, options: "MatplotlibOptions") -> None:
        import matplotlib.pyplot as plt
        from matplotlib.backends.registry import BackendFilter, backend_registry

        backend = plt.get_backend()
        if backend.lower() in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE):
            raise UserError(
                f"matplotlib opens no window here: its backend is {backend}. Leave out --window for a panel in the"
                " terminal, or install a backend, such as PyQt6, where there is a display."
            )
        self._tracks = tracks
        self._options = options
        self._lines = LineDisplay(console, tracks, max_steps)
        self._window: Window | None = None

    def __enter__(self) -> Self:
        self._lines.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lines.__exit__(kind, error, traceback)

    def show(self) -> None:
        """Draw the flights in the window, which opens when they have begun.

        Raises:
            KeyboardInterrupt: the user has closed it.
        """
        self._lines.show()
        if all(track.is_empty for track in self._tracks):
            return
        if self._window is None:
            from ble_env.rendering.flight_picture import Window

            radius = self._tracks[0].station_keeping_radius_km
            self._window = Window([track.name for track in self._tracks], radius, self._options)
        if not self._window.is_open:
            raise KeyboardInterrupt
        self._window.draw(self._tracks)

    def hold(self) -> None:
        """Wait until the user closes the window."""
        import matplotlib.pyplot as plt

        if self._window is not None and self._window.is_open:
            plt.show(block=True)
