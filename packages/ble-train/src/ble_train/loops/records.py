"""Records of finished episodes and iterations, and the file of iterations."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ble_sim.files.json_lines import append_json_line, cut_json_lines


@dataclass(frozen=True)
class EpisodeRecord:
    """A finished episode.

    Attributes:
        iteration: number of the iteration that it belongs to.
        episode: its number, counted over all iterations.
        reward: sum of its rewards.
        length: its steps.
        terminal: whether it ended in a terminal state and not at a time limit.
        twr50: share of the steps that ended within the radius; None if the infos have no "inside_radius".
        env_steps: steps of the environment up to its end, in this run and those that it resumes.
    """

    iteration: int
    episode: int
    reward: float
    length: int
    terminal: bool
    twr50: float | None
    env_steps: int


@dataclass(frozen=True)
class IterationRecord:
    """A finished iteration.

    Attributes:
        iteration: its number.
        episodes: episodes up to its end, like the next two in this run and those that it resumes.
        env_steps: steps of the environment.
        seconds: time taken.
        mean_reward: mean of the rewards of the episodes that ended in it; None if none did, or if it is not finite.
        twr50: mean of their TWR50; None if none ended, or if the infos have no
            "inside_radius".
    """

    iteration: int
    episodes: int
    env_steps: int
    seconds: float
    mean_reward: float | None
    twr50: float | None


class IterationLog:
    """A file with one JSON line for each finished iteration, and counts that continue from it.

    Args:
        path: the file; an existing one is continued, without the iterations from `first_iteration` on.
        first_iteration: the iteration that comes next.
        clock: seconds from any origin.

    Attributes:
        last: the last iteration in the file, or None.
        env_steps: steps of the environment so far, in this run and those that it resumes; the loop adds to them.
        num_episodes: episodes so far, likewise.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the file is damaged; the message names the line.
    """

    def __init__(self, path: Path, first_iteration: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        lines = cut_json_lines(path, keep=lambda line: IterationRecord(**line).iteration < first_iteration)
        self.last = IterationRecord(**lines[-1]) if lines else None
        self.env_steps = self.last.env_steps if self.last else 0
        self.num_episodes = self.last.episodes if self.last else 0
        self._start = clock() - (self.last.seconds if self.last else 0.0)

    @property
    def seconds(self) -> float:
        """Time taken so far, in this run and those that it resumes."""
        return self._clock() - self._start

    def go_on(self, env_steps: int, num_episodes: int, seconds: float) -> None:
        """Count from a place within an iteration."""
        self.env_steps, self.num_episodes, self._start = env_steps, num_episodes, self._clock() - seconds

    def append(self, iteration: int, episodes: Sequence[EpisodeRecord]) -> IterationRecord:
        """Keep a finished iteration. Its checkpoint is written afterwards: a run resumed without it removes the line.

        Args:
            iteration: its number.
            episodes: the episodes that ended in it.

        Raises:
            OSError: the file cannot be written.
        """
        record = IterationRecord(
            iteration=iteration,
            episodes=self.num_episodes,
            env_steps=self.env_steps,
            seconds=self.seconds,
            mean_reward=_mean([episode.reward for episode in episodes]),
            twr50=_mean([episode.twr50 for episode in episodes if episode.twr50 is not None]),
        )
        append_json_line(self._path, dataclasses.asdict(record))
        return record


def _mean(values: Sequence[float]) -> float | None:
    mean = sum(values) / len(values) if values else math.nan
    return mean if math.isfinite(mean) else None
