"""The progress of an evaluation."""

import time
from collections.abc import Callable, Iterable

from rich.console import Console

from ble_eval.command_line.progress import ProgressDisplay
from ble_eval.results.records import EvaluationResult


class EvaluationProgress(ProgressDisplay):
    """Shows episodes done, steps, steps a second without compilation, and the TWR50 so far while the context lasts.

    Args:
        console: where to show it.
        total: number of episodes of the run.
        max_steps: of an episode.
        finished: episodes that an earlier process has flown. They count for everything but the speed.
        clock: seconds from any origin.

    Attributes:
        steps: number of agent steps flown so far, without those of earlier processes.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        max_steps: int,
        finished: Iterable[EvaluationResult] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        earlier = list(finished)
        self._total = total
        self._max_steps = max_steps
        self._episodes = self._earlier_episodes = len(earlier)
        self._earlier_steps = sum(result.final_timestep for result in earlier)
        self._inside = sum(result.time_within_radius * result.final_timestep for result in earlier)
        self.steps = 0
        self._measured_from: tuple[float, int] | None = None  # Without the compilation before it.
        super().__init__(console, "flying", total, completed=self._episodes, clock=clock)

    @property
    def steps_per_second(self) -> float:
        """Speed so far, the compilation before the first step included."""
        return self.steps / max(self._clock() - self._start, 1e-9)

    def steps_done(self, steps: int, inside: int) -> None:
        """Count steps, and how many of them ended within the radius."""
        self.steps += steps
        self._inside += inside
        self._show_figures()

    def episode_done(self, result: EvaluationResult) -> None:
        """Count a finished episode, whose steps are counted already."""
        self._episodes += 1
        self._show_figures()

    def _show_figures(self) -> None:
        if self._measured_from is None:
            self._measured_from = self._clock(), self.steps
        since, steps = self._measured_from
        seconds, measured = self._clock() - since, self.steps - steps
        speed = f"{measured / seconds:.0f} steps/s" if measured and seconds > 0.0 else "- steps/s"
        twr50 = self._inside / max(self._earlier_steps + self.steps, 1)
        flown = self._earlier_episodes + self.steps / self._max_steps  # Episodes in progress count by their steps.
        self.show(
            max(self._episodes, min(flown, self._total)),
            f"{self.steps} steps, {speed}, TWR50 {twr50:.3f}",
            f"{self._episodes}/{self._total} episodes",
        )
