"""What an engine is: something that flies jobs, and reports each episode as soon as it is finished."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ble_eval.results.records import EvaluationResult
from ble_eval.settings import EvaluationSettings


@dataclass(frozen=True)
class Job:
    """What is left to fly of one agent under one condition. It can be pickled.

    Attributes:
        settings: all that the environment and the agent are made of.
        seeds: of the episodes to fly, in order; a part of the settings' seeds.
    """

    settings: EvaluationSettings
    seeds: tuple[int, ...]


class Engine(Protocol):
    """Flies jobs. The results of an episode depend neither on the engine nor on how it divides the seeds."""

    def fly(
        self,
        jobs: Sequence[Job],
        on_episode: Callable[[int, EvaluationResult], None],
        on_steps: Callable[[int, int, int], None],
    ) -> None:
        """Fly every episode of the jobs once. Both functions are called in the caller's thread, and may raise.

        Args:
            jobs: what to fly; the engine may change their order.
            on_episode: called with the index of the job and the result, for each finished episode.
            on_steps: called now and then with the index of the job, the number of its steps since the last call, and
                the number of those that ended within the radius.
        """
        ...
