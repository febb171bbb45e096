"""The progress of an evaluation."""

import time
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console

from ble_eval.command_line.progress import ProgressDisplay
from ble_eval.results.records import EvaluationResult


class CellProgress:
    """Counts of one agent under one condition.

    Args:
        name: shown beside the figures if there are several.
        total: number of its episodes.
        finished: episodes that an earlier process has flown.

    Attributes:
        episodes: number of finished episodes.
        steps: number of steps flown, those of episodes in progress included.
        inside: number of those that ended within the radius.
    """

    def __init__(self, name: str, total: int, finished: Iterable[EvaluationResult] = ()) -> None:
        earlier = list(finished)
        self.name = name
        self.total = total
        self.episodes = self._earlier_episodes = len(earlier)
        self.steps = self._earlier_steps = sum(result.final_timestep for result in earlier)
        self.inside = sum(result.time_within_radius * result.final_timestep for result in earlier)

    def flown(self, max_steps: int) -> float:
        """Finished episodes, and those in progress by their steps."""
        by_steps = self._earlier_episodes + (self.steps - self._earlier_steps) / max_steps
        return max(self.episodes, min(by_steps, self.total))


class EvaluationProgress(ProgressDisplay):
    """Shows episodes done, steps, steps a second without compilation, and the TWR50 so far while the context lasts.

    Args:
        console: where to show it.
        cells: what is flown. Of several, the name and the TWR50 are those of the one that was flown last.
        max_steps: of an episode.
        clock: seconds from any origin.

    Attributes:
        steps: number of agent steps flown so far, without those of earlier processes.
    """

    def __init__(
        self,
        console: Console,
        cells: Sequence[CellProgress],
        max_steps: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cells = cells
        self._max_steps = max_steps
        self._total_episodes = sum(cell.total for cell in cells)
        self.steps = 0
        self._measured_from: tuple[float, int] | None = None  # Without the compilation before it.
        super().__init__(console, "flying", self._total_episodes, completed=self._episodes, clock=clock)

    @property
    def steps_per_second(self) -> float:
        """Speed so far, the compilation before the first step included."""
        return self.steps / max(self._clock() - self._start, 1e-9)

    @property
    def _episodes(self) -> int:
        return sum(cell.episodes for cell in self._cells)

    def steps_done(self, cell: int, steps: int, inside: int) -> None:
        """Count steps of a cell, by its index, and how many of them ended within the radius."""
        self.steps += steps
        self._cells[cell].steps += steps
        self._cells[cell].inside += inside
        self._show_figures(cell)

    def episode_done(self, cell: int) -> None:
        """Count a finished episode of a cell, whose steps are counted already."""
        self._cells[cell].episodes += 1
        self._show_figures(cell)

    def _show_figures(self, index: int) -> None:
        if self._measured_from is None:
            self._measured_from = self._clock(), self.steps
        since, steps = self._measured_from
        seconds, measured = self._clock() - since, self.steps - steps
        speed = f"{measured / seconds:.0f} steps/s" if measured and seconds > 0.0 else "- steps/s"
        cell = self._cells[index]
        name = f"{cell.name} ({index + 1} of {len(self._cells)}): " if len(self._cells) > 1 else ""
        self.show(
            sum(one.flown(self._max_steps) for one in self._cells),
            f"{name}{self.steps} steps, {speed}, TWR50 {cell.inside / max(cell.steps, 1):.3f}",
            f"{self._episodes}/{self._total_episodes} episodes",
        )
