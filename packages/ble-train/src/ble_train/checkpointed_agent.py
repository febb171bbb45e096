"""Agents whose checkpoints hold arrays."""

import abc
from typing import Any

from ble_agents.agent import Agent, AgentMode
from ble_agents.policy import Policy
from ble_train.checkpoints import Checkpoints, shapes_of

State = dict[str, Any]
"""A pytree of arrays, which checkpoints hold."""


class CheckpointedAgent(Agent):
    """An agent that learns in training mode, and whose checkpoints hold what it has learned.

    Subclasses implement `learned_state` and `set_learned_state`.

    Attributes:
        mode: whether it learns.
    """

    mode: AgentMode
    _is_loaded = False
    """Whether it has trained parameters: from a checkpoint, or set by a subclass that begins with some."""

    def needs_checkpoint(self) -> bool:
        """Whether it would fly untrained."""
        return not self._is_loaded

    @abc.abstractmethod
    def learned_state(self) -> State:
        """What was learned and what learning depends on: parameters, optimiser, counters, random state."""

    @abc.abstractmethod
    def set_learned_state(self, state: State) -> None:
        """Continue from the `learned_state` of an agent with the same options."""

    def working_state(self) -> State:
        """What else the next step depends on: a replay memory, the episodes in progress. Empty by default."""
        return {}

    def set_working_state(self, state: State) -> None:
        """Continue from the `working_state` of an agent with the same options."""

    def set_mode(self, mode: AgentMode | str) -> None:
        """Learn ("train"), or act as well as possible and stay unchanged ("eval")."""
        self.mode = AgentMode(mode)

    def policy(self) -> Policy | None:
        """The exported policy as pure functions, or None if there is none."""
        exported = self.exported_policy()
        return None if exported is None else exported.policy()

    def save_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        """Write what was learned, and in training what a resumed run needs; the newest few checkpoints are kept."""
        Checkpoints(checkpoint_dir).save(iteration_number, self._learned_part(), resuming=self._working_part())

    def load_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        """Read what was learned.

        Raises:
            CheckpointError: there is no checkpoint of this number, it is damaged, or it belongs to other options.
        """
        self.set_learned_state(Checkpoints(checkpoint_dir).load(iteration_number, self._learned_part())["agent"])
        self._is_loaded = True

    def reload_latest_checkpoint(self, checkpoint_dir: str) -> int:
        """Read the newest checkpoint that is not damaged, in training with what a resumed run needs.

        Returns:
            Its number, or -1 if there is none.

        Raises:
            CheckpointError: all checkpoints are damaged, or the newest belongs to other options.
        """
        learned, working = shapes_of((self._learned_part(), self._working_part()))
        found = Checkpoints(checkpoint_dir).load_latest(learned, resuming=working)
        if found is None:
            return -1
        iteration, parts = found
        self.set_learned_state(parts["agent"])
        self._is_loaded = True
        if "agent_work" in parts:
            self.set_working_state(parts["agent_work"])
        return iteration

    def _learned_part(self) -> dict[str, State]:
        return {"agent": self.learned_state()}

    def _working_part(self) -> dict[str, State]:
        """The part that a resumed run needs; none by default."""
        return {}
