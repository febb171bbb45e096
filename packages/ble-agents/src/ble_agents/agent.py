"""The interface between an agent and the loops that train, evaluate and fly it."""

import abc
import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ble_agents.exported_policy import ExportedPolicy
    from ble_agents.policy import Policy


class AgentMode(enum.Enum):
    """Whether an agent may learn from what it is told."""

    TRAIN = "train"
    EVAL = "eval"

    @classmethod
    def _missing_(cls, value: object) -> "AgentMode":
        choices = " or ".join(repr(mode.value) for mode in cls)
        raise ValueError(f"An agent's mode is {choices}, not {value!r}.")


class Agent(abc.ABC):
    """Chooses one action a step from observations and rewards.

    An episode is `begin_episode`, then `step` after every step of the environment, then `end_episode`. The
    other methods are optional: they do nothing here, and an agent overrides those that mean something to it.

    Args:
        num_actions: how many actions the environment has; actions are 0 to num_actions - 1.
        observation_shape: shape of the environment's observations.
    """

    summary_writer: Any = None
    """Where the agent may log scalars: a writer in the manner of TensorBoard's, or None."""

    def __init__(self, num_actions: int, observation_shape: Sequence[int]) -> None:
        self._num_actions = num_actions
        self._observation_shape = tuple(observation_shape)
        self.set_mode(AgentMode.TRAIN)

    def get_name(self) -> str:
        """The agent's name in logs and results."""
        return type(self).__name__

    @abc.abstractmethod
    def begin_episode(self, observation: "np.ndarray") -> int:
        """The first action of an episode, from its first observation."""

    @abc.abstractmethod
    def step(self, reward: float, observation: "np.ndarray") -> int:
        """The next action, from what the last one brought: its reward and the observation after it."""

    @abc.abstractmethod
    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """Learn the last reward, and whether the episode ended in a terminal state or was cut off."""

    def set_summary_writer(self, summary_writer: Any) -> None:
        """Set the writer that the agent logs to, or None."""
        self.summary_writer = summary_writer

    def set_mode(self, mode: AgentMode | str) -> None:
        """Set whether the agent trains when stepped ("train") or stays as it is ("eval").

        Raises:
            ValueError: there is no such mode.
        """
        AgentMode(mode)

    def reseed(self, seed: int) -> None:  # noqa: B027 - optional, like the two below
        """Start the agent's random draws anew, as if it had been constructed with `seed`."""

    def save_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:  # noqa: B027
        """Write the agent's parameters into the directory, under the number of the iteration."""

    def load_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:  # noqa: B027
        """Read the parameters that `save_checkpoint` wrote under this number."""

    def reload_latest_checkpoint(self, checkpoint_dir: str) -> int:
        """Read the newest parameters in the directory; returns their iteration's number, or -1 for none."""
        return -1

    def policy(self) -> "Policy | None":
        """The agent as pure functions, with which many episodes can be flown at once; None if it has none."""
        return None

    def exported_policy(self) -> "ExportedPolicy | None":
        """The agent as a network and its parameters, which can be kept in a plain file; None if it is none."""
        return None
