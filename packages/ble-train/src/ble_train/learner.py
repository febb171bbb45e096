"""Agents that learn from many environments in lockstep; one environment is their one-lane case.

A lane is one environment's stream of episodes, in the order of Gymnasium's `AutoresetMode.NEXT_STEP`: an episode of T
steps is T + 1 `LaneStep`s, the first of which begins it. The action chosen after the last one is never flown.
"""

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ble_agents.agent import Agent, AgentMode
from ble_agents.exported_policy import ExportedPolicy
from ble_agents.policy import Policy
from ble_train.checkpoints import Checkpoints

State = dict[str, Any]
"""A pytree of arrays, as a checkpoint keeps it."""


class LaneStep(NamedTuple):
    """What every lane is told at one step: arrays with a row for each lane."""

    observation: np.ndarray
    """float32[lanes, ...], what is observed now."""
    reward: np.ndarray
    """float32[lanes], of the last action."""
    terminated: np.ndarray
    """bool[lanes], whether the last action ended the episode in a terminal state."""
    truncated: np.ndarray
    """bool[lanes], whether a time limit ended it."""
    begins: np.ndarray
    """bool[lanes], whether the observation is the first of an episode; nothing else is then told."""


class Learner(Agent):
    """An agent that flies any number of lanes and learns from all of them.

    Subclasses say how in `start_lanes` and `step_lanes`; in evaluation mode those neither learn nor store anything. Its
    checkpoints hold `learned_state`, and the newest `working_state` beside it, with which a resumed run equals one that
    was never stopped.
    """

    def __init__(self, num_actions: int, observation_shape: Sequence[int]) -> None:
        self.mode = AgentMode.TRAIN
        self.num_lanes = 0
        super().__init__(num_actions, observation_shape)

    @abc.abstractmethod
    def start_lanes(self, num_lanes: int) -> None:
        """Fly in so many lanes from now on, and forget the flights in progress. Sets `num_lanes`."""

    @abc.abstractmethod
    def step_lanes(self, lanes: LaneStep) -> np.ndarray:
        """Learn from what the lanes are told; returns the next action of each, int32[num_lanes]."""

    @abc.abstractmethod
    def learned_state(self) -> State:
        """What was learned and how learning goes on: parameters, optimiser, counters, random state."""

    @abc.abstractmethod
    def set_learned_state(self, state: State) -> None:
        """Continue from a `learned_state` of an agent with the same options."""

    @abc.abstractmethod
    def working_state(self) -> State:
        """What else a run needs to go on as if it had not been stopped: memory, and what the lanes remember."""

    @abc.abstractmethod
    def set_working_state(self, state: State) -> None:
        """Continue from a `working_state` of an agent with the same options, after `start_lanes`."""

    @abc.abstractmethod
    def exported_policy(self) -> ExportedPolicy:
        """How it flies in evaluation, with the present parameters: what is exported."""

    def policy(self) -> Policy:
        """The frozen policy as pure functions."""
        return self.exported_policy().policy()

    @abc.abstractmethod
    def take_metrics(self) -> dict[str, float]:
        """Means of losses and the like since the last call, by name; empty when nothing was learned."""

    def set_mode(self, mode: AgentMode | str) -> None:
        """Learn ("train"), or act as well as it can and stay as it is ("eval")."""
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
        """Learn the end: at a terminal state the last action's reward; a time limit needs no more than `step` said."""
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
            CheckpointError: there is none under this number, it is damaged, or it is of other options.
        """
        self.set_learned_state(Checkpoints(checkpoint_dir).load(iteration_number, self._learned_part())["agent"])

    def reload_latest_checkpoint(self, checkpoint_dir: str) -> int:
        """Read the newest checkpoint that is not damaged, in training with what a resumed run needs.

        Returns:
            Its number, or -1 if there is none.

        Raises:
            CheckpointError: there are only damaged ones, or the newest is of other options.
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
