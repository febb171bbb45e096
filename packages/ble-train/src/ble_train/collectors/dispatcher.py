"""The dispatcher of hooks to several collectors."""

import functools
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ble_train.collectors.collector import Collector
from ble_train.collectors.statistics_instance import StatisticsInstance

if TYPE_CHECKING:
    from ble_train.loops.records import IterationRecord


class CollectorWarning(UserWarning):
    """A collector has failed, and the training continues without it."""


class CollectorDispatcher:
    """Makes collectors and forwards every hook to all of them in their order.

    One that raises, when it is made or later, is reported by a `CollectorWarning` and dropped.

    Args:
        base_dir: the run's folder, or None.
        num_actions: number of the environment's actions.
        constructors: called with base_dir, num_actions and current_episode.
        current_episode: number of the episode that comes next.
    """

    def __init__(
        self,
        base_dir: str | None,
        num_actions: int,
        constructors: Iterable[Callable[[str | None, int, int], Collector]],
        current_episode: int,
    ) -> None:
        self._env_steps = 0
        self._collectors: list[Collector] = []
        for constructor in constructors:
            try:
                self._collectors.append(constructor(base_dir, num_actions, current_episode))
            except Exception as error:  # third-party code may raise anything
                _report(_constructor_name(constructor), "cannot be made", error)

    def pre_training(self) -> None:
        """The training starts."""
        self._forward("pre_training")

    def begin_episode(self, env_steps: int) -> None:
        """An episode begins, after so many environment steps of the run."""
        self._env_steps = env_steps
        self._forward("begin_episode")

    def step(self, statistics: StatisticsInstance) -> None:
        """Forward a transition."""
        self._env_steps += 1
        self._forward("step", statistics)

    def end_episode(self, statistics: StatisticsInstance) -> None:
        """The episode is over."""
        self._forward("end_episode", statistics)

    def end_iteration(self, record: "IterationRecord") -> None:
        """An iteration is over and its checkpoint is written."""
        self._env_steps = record.env_steps
        self._forward("end_iteration", record)

    def end_training(self) -> None:
        """The training is over."""
        self._forward("end_training")

    def get_summary_writer(self) -> Any:
        """The first writer that a collector has, or None."""
        for collector, has_writer in self._forward("has_summary_writer"):
            if has_writer:
                return collector.summary_writer
        return None

    def _forward(self, hook: str, *arguments: Any) -> list[tuple[Collector, Any]]:
        """The collectors whose hook succeeded, with its results; the others are dropped."""
        answers = []
        for collector in self._collectors:
            collector.env_steps = self._env_steps
            try:
                answers.append((collector, getattr(collector, hook)(*arguments)))
            except Exception as error:  # third-party code may raise anything
                _report(type(collector).__name__, f"failed in {hook}", error)
        if len(answers) < len(self._collectors):
            self._collectors = [collector for collector, _ in answers]
        return answers


def _report(name: str, what_happened: str, error: Exception) -> None:
    message = f"The collector {name} {what_happened} and is left out: {type(error).__name__}: {error}"
    warnings.warn(message, CollectorWarning, stacklevel=4)


def _constructor_name(constructor: Callable[..., Any]) -> str:
    if isinstance(constructor, functools.partial):
        return _constructor_name(constructor.func)
    return getattr(constructor, "__name__", None) or str(constructor)
