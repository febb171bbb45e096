"""What the training loops have in common: their arguments, the run's folder, its length, and where it begins."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium

from ble_env.checks import check_counts
from ble_eval.trained import CHECKPOINTS_FOLDER
from ble_sim.files.atomic import remove_leftovers
from ble_train.loops.records import IterationLog, IterationRecord
from ble_train.loops.unfinished import Position

TRAINING_SEEDS = 2**31
"""The seeds of training resets begin here. Those of the built-in suites and of validation are below."""


@dataclass(frozen=True)
class StartPoint:
    """Where a process begins with a run.

    Attributes:
        iteration: number of the iteration that begins, or goes on.
        env_steps: steps of the environment so far.
        num_episodes: episodes so far.
        seconds: time taken so far.
        checkpoint: the folder with the checkpoint that the run continues from; None for a new run.
        last: the iteration before, if it was the last thing that the run did; None for a new run, and within an
            iteration.
        is_over: whether nothing is left to do.
    """

    iteration: int
    env_steps: int
    num_episodes: int
    seconds: float
    checkpoint: Path | None
    last: IterationRecord | None
    is_over: bool


@dataclass(frozen=True)
class RunLength:
    """The length of a run: a number of iterations, of environment steps, or of hours.

    Attributes:
        num_iterations: number of iterations in all, those of earlier processes included.
        num_steps: the run ends after the first iteration with so many environment steps in all.
        num_hours: time in all, that of earlier processes included. The last iteration is cut short.

    Raises:
        ValueError: not exactly one is given, or it is too small.
    """

    num_iterations: int | None = None
    num_steps: int | None = None
    num_hours: float | None = None

    def __post_init__(self) -> None:
        given = [name for name, number in vars(self).items() if number is not None]
        if len(given) != 1:
            raise ValueError("A run has one length: num_iterations, num_steps or num_hours.")
        check_counts(num_iterations=self.num_iterations, num_steps=self.num_steps)
        if self.num_hours is not None and not 0.0 < self.num_hours < math.inf:
            raise ValueError(f"num_hours must be positive, got {self.num_hours}")

    def __str__(self) -> str:
        return next(
            f"{number} {name.removeprefix('num_')}" for name, number in vars(self).items() if number is not None
        )

    def total_steps(self, steps_per_iteration: int) -> int | None:
        """Environment steps of the whole run, where an iteration has at most `steps_per_iteration`; None: unknown."""
        if self.num_hours is not None:
            return None
        return self.num_steps or (self.num_iterations or 0) * steps_per_iteration

    def is_over(self, num_iterations: int, env_steps: int, seconds: float) -> bool:
        """Whether a run of so many finished iterations, steps and seconds is over."""
        if self.num_iterations is not None:
            return num_iterations >= self.num_iterations
        if self.num_steps is not None:
            return env_steps >= self.num_steps
        return self.is_time_over(seconds)

    def ends_with(self, record: IterationRecord) -> bool:
        """Whether this iteration is the last one."""
        return self.is_over(record.iteration + 1, record.env_steps, record.seconds)

    def is_time_over(self, seconds: float) -> bool:
        """Whether the run has taken the time that it has."""
        return self.num_hours is not None and seconds >= 3600.0 * self.num_hours

    def remaining(self, first_iteration: int, log: IterationLog) -> Iterator[int]:
        """The numbers of the iterations from `first_iteration` to the end of the run."""
        iteration = first_iteration
        while not self.is_over(iteration, log.env_steps, log.seconds):
            yield iteration
            iteration += 1

    def start_point(
        self, log: IterationLog, iteration: int, checkpoint: Path | None, position: Position | None
    ) -> StartPoint:
        """Where a process begins.

        Args:
            log: the counts.
            iteration: number of the iteration that begins or goes on.
            checkpoint: the folder with the checkpoint that was loaded, or None.
            position: the place within the iteration, or None.
        """
        is_between = position is None and log.last is not None and log.last.iteration == iteration - 1
        return StartPoint(
            iteration=iteration,
            env_steps=log.env_steps,
            num_episodes=log.num_episodes,
            seconds=log.seconds,
            checkpoint=checkpoint,
            last=log.last if is_between else None,
            is_over=self.is_over(iteration, log.env_steps, log.seconds),
        )


def prepare_run_folder(base_dir: str | os.PathLike[str]) -> Path:
    """Make the folder of a run, with one for its checkpoints, where they are missing.

    Raises:
        NotADirectoryError: there is a file of that name.
        OSError: the folder cannot be made.
    """
    folder = Path(base_dir).expanduser()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"The folder of the training run, {folder}, is a file. Choose another.")
    (folder / CHECKPOINTS_FOLDER).mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    return folder


def number_of_actions(action_space: "gymnasium.Space[Any]") -> int:
    """The number of actions of a discrete space.

    Raises:
        ValueError: the actions are not 0, 1, ...
    """
    if not isinstance(action_space, gymnasium.spaces.Discrete) or action_space.start != 0:
        raise ValueError(f"Agents choose among actions counted from 0, but the environment takes {action_space}.")
    return int(action_space.n)
