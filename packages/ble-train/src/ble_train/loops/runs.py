"""What the training loops have in common: their arguments, the run's folder, and its length."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium

from ble_eval.trained import CHECKPOINTS_FOLDER
from ble_train.loops.records import IterationLog

TRAINING_SEEDS = 2**31
"""The seeds of training resets begin here. Those of the built-in suites and of validation are below."""


@dataclass(frozen=True)
class RunLength:
    """The length of a run: a number of iterations, or of environment steps.

    Attributes:
        num_iterations: number of iterations in all, those of earlier processes included.
        num_steps: the run ends after the first iteration with so many environment steps in all.

    Raises:
        ValueError: not exactly one is given, or it is below 1.
    """

    num_iterations: int | None = None
    num_steps: int | None = None

    def __post_init__(self) -> None:
        given = {name: number for name, number in vars(self).items() if number is not None}
        if len(given) != 1:
            raise ValueError("A run has either num_iterations or num_steps.")
        check_counts(**given)

    def total_steps(self, steps_per_iteration: int) -> int:
        """Environment steps of the whole run, where an iteration has at most `steps_per_iteration`."""
        return self.num_steps or (self.num_iterations or 0) * steps_per_iteration

    def remaining(self, first_iteration: int, log: IterationLog) -> Iterator[int]:
        """The numbers of the iterations from `first_iteration` to the end of the run."""
        iteration = first_iteration
        while iteration < self.num_iterations if self.num_iterations else log.env_steps < (self.num_steps or 0):
            yield iteration
            iteration += 1


def check_counts(**counts: int) -> None:
    """Check that all of them are at least 1.

    Raises:
        ValueError: one is not; the message has its name.
    """
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, not {count}.")


def prepare_run_folder(base_dir: str | os.PathLike[str]) -> Path:
    """Make the folder of a run, with one for its checkpoints, where they are missing.

    Raises:
        NotADirectoryError: there is a file of that name.
        OSError: the folder cannot be made.
    """
    folder = Path(base_dir)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"The folder of the training run, {folder}, is a file. Choose another.")
    (folder / CHECKPOINTS_FOLDER).mkdir(parents=True, exist_ok=True)
    return folder


def number_of_actions(action_space: "gymnasium.Space[Any]") -> int:
    """The number of actions of a discrete space.

    Raises:
        ValueError: the actions are not 0, 1, ...
    """
    if not isinstance(action_space, gymnasium.spaces.Discrete) or action_space.start != 0:
        raise ValueError(f"Agents choose among actions counted from 0, but the environment takes {action_space}.")
    return int(action_space.n)
