"""The interface between an agent and the loops that train, validate and evaluate it."""

import abc
import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ble_sim.plugins.tracks import InformationTrack

if TYPE_CHECKING:
    import numpy as np

    from ble_agents.batch_policy import BatchPolicy
    from ble_agents.exported_policy import ExportedPolicy
    from ble_agents.policy import Policy
    from ble_agents.view_policy import ViewPolicy
    from ble_env.task import Task


class AgentMode(enum.Enum):
    """Whether an agent may learn from the rewards that it receives."""

    TRAIN = "train"
    EVAL = "eval"

    @classmethod
    def _missing_(cls, value: object) -> "AgentMode":
        choices = " or ".join(repr(mode.value) for mode in cls)
        raise ValueError(f"An agent's mode is {choices}, not {value!r}.")


class Agent(abc.ABC):
    """Chooses an action at each step of an episode from observations and rewards.

    Training, validation and evaluation call an agent in the same order (`ble_agents.fly_episode`):

    1. `begin_episode` with the first observation returns the first action.
    2. After each step of the environment, `step` with its reward and observation returns the next action. It is not
       called after a terminal state, since no action follows. At a time limit it is called, and its action is not used.
    3. `end_episode` with the last reward says whether the episode ended in a terminal state. At a time limit `step` has
       received this reward already: an agent that learns from both counts it once.

    The other methods are optional. They do nothing here.

    Args:
        num_actions: number of the environment's actions, which are 0 to num_actions - 1.
        observation_shape: shape of the environment's observations.
        seed: of the agent's random draws. This class draws nothing and ignores it.
    """

    summary_writer: Any = None
    """A writer of scalars with TensorBoard's interface, or None."""
    information_track: ClassVar[InformationTrack] = InformationTrack.OBSERVATION
    """What it may use. On the tracks `FORECAST` and `ORACLE` its methods are handed a `ble_env.FlightView` in place of
    the observation."""
    max_lanes: int | None = None
    """The most lanes that one of its policies may act in on a processor, for a planner that takes much memory or time
    for each; None for no bound."""
    max_accelerator_lanes: int | None = None
    """The same on an accelerator."""

    def __init__(self, num_actions: int, observation_shape: Sequence[int], *, seed: int | None = None) -> None:
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
        """The next action, from the reward of the last one and the observation after it."""

    @abc.abstractmethod
    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """End the episode.

        Args:
            reward: of the last action.
            terminal: True after a terminal state, False at a time limit.
        """

    def set_summary_writer(self, summary_writer: Any) -> None:
        """Set the writer that the agent logs to, or None."""
        self.summary_writer = summary_writer

    def set_mode(self, mode: AgentMode | str) -> None:
        """Set whether the agent learns ("train") or not ("eval").

        Raises:
            ValueError: there is no such mode.
        """
        AgentMode(mode)

    def reseed(self, seed: int) -> None:  # noqa: B027 - optional, like the two below
        """Restart the agent's random draws, as if it had been constructed with `seed`."""

    def save_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:  # noqa: B027
        """Write the agent's parameters into the directory, under the number of the iteration."""

    def load_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:  # noqa: B027
        """Read the parameters that `save_checkpoint` wrote under this number."""

    def reload_latest_checkpoint(self, checkpoint_dir: str) -> int:
        """Read the newest parameters in the directory; returns the number of their iteration, -1 if there are none."""
        return -1

    def needs_checkpoint(self) -> bool:
        """Whether it would fly untrained: it learns, and has neither been loaded nor begun with trained parameters."""
        return False

    def policy(self) -> "Policy | None":
        """The agent in evaluation mode as pure functions, for many episodes at once; None if it has none."""
        return None

    def batch_policy(self) -> "BatchPolicy | None":
        """The agent in evaluation mode as a function of batches, for many episodes at once; None if it has none.

        `policy` comes before it where an agent has both.
        """
        return None

    def view_policy(self, task: "Task", lanes: int) -> "ViewPolicy | None":
        """The agent in evaluation mode on views of many flights at once, new for each tile; None if it has none.

        Only agents of the tracks `FORECAST` and `ORACLE` are asked for it. They are flown by it where they have it.

        Args:
            task: of the episodes; it has the wind field.
            lanes: episodes at once, at most `max_lanes` or `max_accelerator_lanes`.
        """
        return None

    def set_task(self, task: "Task") -> None:  # noqa: B027 - optional
        """Receive the task, before each episode that is flown alone: only agents that are handed views are called."""

    def exported_policy(self) -> "ExportedPolicy | None":
        """The agent in evaluation mode as a network with parameters, for a file; None if it has none."""
        return None
