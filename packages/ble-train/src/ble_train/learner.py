"""Agents that learn from many environments at once; one environment is the case of one lane.

A lane is one environment of a batch, with its stream of episodes in the order of Gymnasium's `AutoresetMode.NEXT_STEP`:
an episode of T steps is T + 1 `LaneStep`s, the first of which begins it. The environment ignores the action that is
chosen at an episode's end.
"""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ble_agents.agent import Agent, AgentMode
from ble_agents.policy import Policy
from ble_train.checkpoints import Checkpoints

State = dict[str, Any]
"""A pytree of arrays, which checkpoints hold."""


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


class Learner(Agent):
    """An agent that acts in any number of lanes and learns from all of them.

    Subclasses implement `start_lanes`, `step_lanes`, `learned_state` and `set_learned_state`, and `working_state` and
    `set_working_state` if a resumed run shall equal one that was never stopped. The episode-by-episode methods of
    `Agent` and the checkpoints follow from these. In evaluation mode a learner neither learns nor stores anything.

    Attributes:
        mode: whether it learns.
        num_lanes: lanes it acts in, 0 before `start_lanes`.
        planned_env_steps: steps of all environments in the whole run, from `plan`; None if they are not known.
    """

    def __init__(self, num_actions: int, observation_shape: Sequence[int]) -> None:
        self.mode = AgentMode.TRAIN
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

    @abc.abstractmethod
    def learned_state(self) -> State:
        """What was learned and what learning depends on: parameters, optimiser, counters, random state."""

    @abc.abstractmethod
    def set_learned_state(self, state: State) -> None:
        """Continue from the `learned_state` of a learner with the same options."""

    def working_state(self) -> State:
        """What else the next step depends on: a replay memory, the episodes in progress. Empty by default."""
        return {}

    def set_working_state(self, state: State) -> None:
        """Continue from the `working_state` of a learner with the same options, after `start_lanes`."""

    def take_metrics(self) -> dict[str, float]:
        """Means of losses and other training quantities since the last call; empty if nothing was learned."""
        return {}

    def log_metrics(self, metrics: Mapping[str, Any], step: int) -> None:
        """Write training quantities to the summary writer, if there is one, under the tags `Train/NAME`."""
        if self.summary_writer is not None:
            for name, value in metrics.items():
                self.summary_writer.add_scalar(f"Train/{name}", float(value), step)

    def policy(self) -> Policy | None:
        """The exported policy as pure functions, or None if there is none."""
        exported = self.exported_policy()
        return None if exported is None else exported.policy()

    def set_mode(self, mode: AgentMode | str) -> None:
        """Learn ("train"), or act as well as possible and stay unchanged ("eval")."""
        self.mode = AgentMode(mode)

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

    def save_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        """Write what was learned, and in training what a resumed run needs; the newest few checkpoints are kept."""
        Checkpoints(checkpoint_dir).save(iteration_number, self._learned_part(), resuming=self._working_part())

    def load_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        """Read what was learned.

        Raises:
            CheckpointError: there is no checkpoint of this number, it is damaged, or it belongs to other options.
        """
        self.set_learned_state(Checkpoints(checkpoint_dir).load(iteration_number, self._learned_part())["agent"])

    def reload_latest_checkpoint(self, checkpoint_dir: str) -> int:
        """Read the newest checkpoint that is not damaged, in training with what a resumed run needs.

        Returns:
            Its number, or -1 if there is none.

        Raises:
            CheckpointError: all checkpoints are damaged, or the newest belongs to other options.
        """
        found = Checkpoints(checkpoint_dir).load_latest(self._learned_part(), resuming=self._working_part())
        if found is None:
            return -1
        iteration, parts = found
        self.set_learned_state(parts["agent"])
        if "agent_work" in parts:
            self.set_working_state(parts["agent_work"])
        return iteration

    def _learned_part(self) -> dict[str, State]:
        return {"agent": self.learned_state()}

    def _working_part(self) -> dict[str, State]:
        if self.mode is AgentMode.EVAL:
            return {}
        if self.num_lanes == 0:
            self.start_lanes(1)
        return {"agent_work": self.working_state()}
