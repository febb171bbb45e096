"""The interface between the training loops and the collectors of statistics."""

import abc
import os
from typing import TYPE_CHECKING, Any

from ble_train.collectors.statistics_instance import StatisticsInstance

if TYPE_CHECKING:
    from ble_train.loops.records import IterationRecord


class Collector(abc.ABC):
    """Receives the transitions of a training. The loops call the hooks below in the order in which they stand.

    A hook does nothing unless it is overridden. Files belong into the folder `self._base_dir`, which exists. If a hook
    raises, the training continues without the collector.

    Args:
        base_dir: the run's folder; files go to its metrics/NAME. None for a run that keeps no files.
        num_actions: number of the environment's actions.
        current_episode: number of the episode that comes next, above 0 when a run is resumed. Episodes from this
            one on may have been collected already, by a run that did not reach its next checkpoint.

    Attributes:
        current_episode: number of the present episode. Collectors increase it in `end_episode`.
        env_steps: environment steps of the run up to the transition that a hook receives. With several environments
            the transitions of an episode count as if no other environment stepped while it lasted; its end is exact.
        summary_writer: a writer of scalars for the agent, with TensorBoard's interface, or None.

    Raises:
        OSError: the folder cannot be made.
    """

    env_steps: int = 0
    summary_writer: Any = None

    def __init__(self, base_dir: str | None, num_actions: int, current_episode: int) -> None:
        self._base_dir = None if base_dir is None else os.path.join(base_dir, "metrics", self.get_name())
        if self._base_dir is not None:
            os.makedirs(self._base_dir, exist_ok=True)
        self._num_actions = num_actions
        self.current_episode = current_episode

    @abc.abstractmethod
    def get_name(self) -> str:
        """The name of the collector and of its folder."""

    def pre_training(self) -> None:  # noqa: B027 - optional, like all below
        """The training starts or is resumed."""

    def begin_episode(self) -> None:  # noqa: B027
        """An episode begins."""

    def step(self, statistics: StatisticsInstance) -> None:  # noqa: B027
        """Receive a transition; the last one of the episode is one of them."""

    def end_episode(self, statistics: StatisticsInstance) -> None:  # noqa: B027
        """Receive the last transition once more, with the length of the episode as its step: the episode is over."""

    def end_iteration(self, record: "IterationRecord") -> None:  # noqa: B027
        """An iteration is over and its checkpoint is written."""

    def end_training(self) -> None:  # noqa: B027
        """The training is over, finished or not: close files."""

    def has_summary_writer(self) -> bool:
        """Whether the agent can log with this collector's writer."""
        return self.summary_writer is not None
