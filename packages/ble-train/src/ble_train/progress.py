"""The progress of a training run."""

import time
from collections import deque
from collections.abc import Callable, Mapping

from rich.console import Console

from ble_eval.command_line.progress import ProgressDisplay
from ble_train.learning_curve import CurvePoint
from ble_train.loops.records import EpisodeRecord

NUM_RECENT = 100
"""Episodes that the recent TWR50 is the mean of."""


class TrainingProgress(ProgressDisplay):
    """Shows steps a second, episodes, recent TWR50, losses and validations while the context lasts.

    Args:
        console: where to show it, standard error as a rule.
        total_steps: environment steps of the whole run at most.
        clock: seconds from any origin.
    """

    def __init__(self, console: Console, total_steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(console, "training", total_steps, clock=clock)
        self._speed_from: tuple[float, int] | None = None
        self._recent: deque[float] = deque(maxlen=NUM_RECENT)
        self._metrics = ""

    def episode_done(self, episode: EpisodeRecord) -> None:
        """Count a finished episode."""
        if self._speed_from is None:  # Without the compilation before it.
            self._speed_from = self._clock(), episode.env_steps
        if episode.twr50 is not None:
            self._recent.append(episode.twr50)
        self.show(episode.env_steps, self._figures(episode))

    def iteration_done(self, metrics: Mapping[str, float]) -> None:
        """Add the metrics of an iteration to the figures."""
        self._metrics = "".join(f", {name} {value:.3g}" for name, value in metrics.items())

    def evaluated(self, point: CurvePoint) -> None:
        """Show a validation."""
        score = f"TWR50 {point.twr50:.3f} ± {point.twr50_error:.3f} over {point.num_episodes} validation episodes"
        self.print(f"iteration {point.iteration}, {point.env_steps} steps: {score}")

    def _figures(self, episode: EpisodeRecord) -> str:
        assert self._speed_from is not None
        start, steps = self._speed_from
        speed = (episode.env_steps - steps) / max(self._clock() - start, 1e-9)
        recent = f", TWR50 {sum(self._recent) / len(self._recent):.3f}" if self._recent else ""
        counts = f"{episode.episode + 1} episodes, {episode.env_steps} steps, {speed:.0f} steps/s"
        return counts + recent + self._metrics
