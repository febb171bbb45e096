"""Agents that learn from many environments at once; one environment is the case of one lane.

A lane is one environment of a batch, with its stream of episodes in the order of Gymnasium's `AutoresetMode.NEXT_STEP`:
an episode of T steps is T + 1 `LaneStep`s, the first of which begins it. The environment ignores the action that is
chosen at an episode's end.
"""

import abc
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

from ble_agents.agent import AgentMode
from ble_env.checks import check_finite
from ble_sim.precision import agent_scope
from ble_train.checkpointed_agent import CheckpointedAgent, State


def learning_scope() -> AbstractContextManager[None]:
    """The context in which the built-in learners compute: 32-bit types, and results that no setting of JAX changes."""
    return agent_scope(x64=False)


class LaneStep(NamedTuple):
    """The transitions of one step of all lanes: arrays with a row for each lane."""

    observation: np.ndarray
    """float32[lanes, ...], after the last action."""
    reward: np.ndarray
    """float32[lanes], of the last action."""
    terminated: np.ndarray
    """bool[lanes], whether the last action ended the episode in a terminal state."""
    truncated: np.ndarray
    """bool[lanes], whether a time limit ended the episode. `Learner.step` does not know that yet and gives False; there
    `begins` of the next step shows the end."""
    begins: np.ndarray
    """bool[lanes], whether the observation is the first of an episode; the other fields mean nothing then."""


class Learner(CheckpointedAgent):
    """An agent that acts in any number of lanes and learns from all of them.

    Subclasses implement `start_lanes`, `step_lanes`, `learned_state` and `set_learned_state`, and `working_state` and
    `set_working_state` if a resumed run is to equal one that was never stopped. The episode-by-episode methods of
    `Agent` and the checkpoints follow from these. In evaluation mode a learner neither learns nor stores anything.

    Attributes:
        mode: whether it learns.
        num_lanes: lanes it acts in, 0 before `start_lanes`.
        planned_env_steps: steps of all environments in the whole run, from `plan`; None if they are not known.
    """

    def __init__(self, num_actions: int, observation_shape: Sequence[int]) -> None:
        self.num_lanes = 0
        self.planned_env_steps: int | None = None
        super().__init__(num_actions, observation_shape)

    def plan(self, total_env_steps: int | None) -> None:
        """Set the planned length of the run in steps of all environments, which schedules may follow; None: unknown."""
        self.planned_env_steps = total_env_steps

    @abc.abstractmethod
    def start_lanes(self, num_lanes: int) -> None:
        """Act in so many lanes from now on, and forget the episodes in progress. Sets `num_lanes`."""

    @abc.abstractmethod
    def step_lanes(self, lanes: LaneStep) -> np.ndarray:
        """Learn from the lanes' transitions; returns the next action of each lane, int32[num_lanes]."""

    def check_lanes(self, lanes: LaneStep, largest: float = np.inf) -> None:
        """Check what the environments gave, before anything is learned from it.

        Args:
            lanes: the transitions.
            largest: the largest absolute value of an observation that can be stored.

        Raises:
            NotFiniteError: an observation, or the reward of a lane that does not begin, is NaN or infinite.
            ValueError: an observation is above `largest`.
        """
        rewards = np.where(lanes.begins, 0.0, lanes.reward)
        highest = np.abs(lanes.observation).max(initial=0.0)
        if highest <= largest and math.isfinite(highest) and np.isfinite(rewards).all():
            return
        received = {"the observation": lanes.observation, "the reward": rewards}
        check_finite(received, lambda lane: f"in lane {lane}, for the agent {self.get_name()}", num_axes=1)
        raise ValueError(
            f"{self.get_name()} cannot store an observation of {highest:g}: the largest number of its replay memory is"
            f" {largest:g}. Give replay_dtype='float32'."
        )

    def take_metrics(self) -> dict[str, float]:
        """Means of losses and other training quantities since the last call; empty if nothing was learned."""
        return {}

    def log_metrics(self, metrics: Mapping[str, Any], step: int) -> None:
        """Write training quantities to the summary writer, if there is one, under the tags `Train/NAME`."""
        if self.summary_writer is not None:
            for name, value in metrics.items():
                self.summary_writer.add_scalar(f"Train/{name}", float(value), step)

    def begin_episode(self, observation: np.ndarray) -> int:
        """The first action of an episode."""
        if self.num_lanes != 1:
            self.start_lanes(1)
        return self._step_one(observation, begins=True)

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The next action."""
        return self._step_one(observation, reward)

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """Learn from the last transition if it is terminal. At a time limit `step` has received it."""
        if terminal:
            self._step_one(np.zeros(self._observation_shape, np.float32), reward, terminated=True)

    def _step_one(
        self, observation: np.ndarray, reward: float = 0.0, *, terminated: bool = False, begins: bool = False
    ) -> int:
        lane = LaneStep(
            observation=np.asarray(observation, np.float32)[None],
            reward=np.array([reward], np.float32),
            terminated=np.array([terminated]),
            truncated=np.array([False]),
            begins=np.array([begins]),
        )
        return int(self.step_lanes(lane)[0])

    def _working_part(self) -> dict[str, State]:
        if self.mode is AgentMode.EVAL:
            return {}
        if self.num_lanes == 0:
            self.start_lanes(1)
        return {"agent_work": self.working_state()}
