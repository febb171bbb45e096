"""The agent of an exported policy."""

from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

from ble_agents.exported_policy import ExportedPolicy, load_policy
from ble_agents.policy_agent import PolicyAgent


class TrainedAgent(PolicyAgent):
    """Takes the action with the largest preference of a network that is read from a file.

    Args:
        file: a file written by `ble_agents.exported_policy.save_policy`.

    Raises:
        ExportedPolicyError: the file does not hold an exported policy.
        ValueError: the agent was trained for other actions or observations.
    """

    def __init__(
        self, file: Path | Traversable, num_actions: int, observation_shape: Sequence[int], *, seed: int | None = None
    ) -> None:
        self._exported = load_policy(file)
        trained_for = self._exported.architecture
        if (num_actions, tuple(observation_shape)) != (trained_for.num_actions, trained_for.observation_shape):
            raise ValueError(
                f"{file} was trained for {trained_for.num_actions} actions and observations of shape"
                f" {trained_for.observation_shape}, not for {num_actions} and {tuple(observation_shape)}."
            )
        super().__init__(num_actions, observation_shape, self._exported.policy(), seed)

    def exported_policy(self) -> ExportedPolicy:
        """The content of the file."""
        return self._exported
