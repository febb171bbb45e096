"""The progress of a training run."""

import time
from collections import deque
from collections.abc import Callable, Mapping

from rich.console import Console

from ble_eval.command_line.progress import ProgressDisplay
from ble_train.learning_curve import CurvePoint
from ble_train.loops.records import EpisodeRecord
from ble_train.loops.runs import RunLength, StartPoint

SECONDS_TO_ESTIMATE = 30.0
"""How long the speed is measured before it is used to say how long the run takes [s]."""
NUM_RECENT = 100
"""Episodes that the recent TWR50 is the mean of."""


class TrainingProgress(ProgressDisplay):
    """Shows iterations, steps a second, episodes, recent TWR50, losses and validations while the context lasts.

    Args:
        console: where to show it, standard error as a rule.
        length: of the run.
        steps_per_iteration: environment steps of an iteration at most.
        clock: seconds from any origin.
    """

    def __init__(
        self,
        console: Console,
        length: RunLength,
        steps_per_iteration: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._length = length
        self._steps_per_iteration = steps_per_iteration
        self._total_steps = length.total_steps(steps_per_iteration)
        total = self._total_steps if length.num_hours is None else 3600.0 * length.num_hours
        super().__init__(console, "training", total, clock=clock)
        self._is_estimated = False
        self._seconds_earlier = 0.0
        self._iteration = self._iteration_began_at = self._env_steps = 0
        self._measured_from: tuple[float, int] | None = None
        self._recent: deque[float] = deque(maxlen=NUM_RECENT)
        self._metrics = ""

    def begins(self, start: StartPoint) -> None:
        """Note how far the run is when this process begins."""
        self._seconds_earlier = start.seconds
        self._iteration = start.iteration
        self._iteration_began_at = self._env_steps = start.env_steps
        self._completed, self._count = self._work_done(), self._iterations()

    def episode_done(self, episode: EpisodeRecord) -> None:
        """Count a finished episode."""
        if self._measured_from is None:  # Without the compilation before it.
            self._measured_from = self._clock(), episode.env_steps
        if episode.iteration != self._iteration:
            self._iteration, self._iteration_began_at = episode.iteration, self._env_steps
        self._env_steps = episode.env_steps
        if episode.twr50 is not None:
            self._recent.append(episode.twr50)
        self._estimate(episode.env_steps)
        self.show(self._work_done(), self._figures_of(episode), self._iterations())

    def iteration_done(self, metrics: Mapping[str, float]) -> None:
        """Count an iteration, and add its metrics to the figures."""
        self._iteration, self._iteration_began_at = self._iteration + 1, self._env_steps
        self._completed, self._count = self._work_done(), self._iterations()
        self._metrics = "".join(f", {name} {value:.3g}" for name, value in metrics.items())

    def evaluated(self, point: CurvePoint) -> None:
        """Show a validation."""
        score = f"TWR50 {point.twr50:.3f} ± {point.twr50_error:.3f} over {point.num_episodes} validation episodes"
        self.print(f"iteration {point.iteration}, {point.env_steps} steps: {score}")

    def _work_done(self) -> float:
        """How much of the run is done: by time, by steps, or by iterations, which may be shorter than they can."""
        if self._length.num_hours is not None:
            return self._seconds_earlier + self._clock() - self._start
        if self._length.num_iterations is None:
            return self._env_steps
        begun = min(self._env_steps - self._iteration_began_at, self._steps_per_iteration)
        return self._iteration * self._steps_per_iteration + begun

    def _iterations(self) -> str:
        """The iterations that are done."""
        if self._length.num_iterations is not None:
            return f"{self._iteration}/{self._length.num_iterations} iterations"
        return f"{self._iteration} iterations"

    def _estimate(self, env_steps: int) -> None:
        """Say once how long the rest takes, when the speed is known."""
        assert self._measured_from is not None
        start, steps = self._measured_from
        seconds = self._clock() - start
        if self._is_estimated or self._total_steps is None or seconds < SECONDS_TO_ESTIMATE:
            return
        self._is_estimated = True
        speed = (env_steps - steps) / seconds
        left = max(self._total_steps - env_steps, 0)
        if speed > 0.0:
            hours = f"{left / speed / 3600:.1f} hours at {speed:.0f} steps/s, without validations"
            self.print(f"{left} steps are left: about {hours}")

    def _figures_of(self, episode: EpisodeRecord) -> str:
        assert self._measured_from is not None
        start, steps = self._measured_from
        seconds, measured = self._clock() - start, episode.env_steps - steps
        speed = f"{measured / seconds:.0f} steps/s" if measured and seconds > 0.0 else "- steps/s"
        recent = f", TWR50 {sum(self._recent) / len(self._recent):.3f}" if self._recent else ""
        return f"{episode.env_steps} steps, {speed}{recent}, {episode.episode + 1} episodes{self._metrics}"
