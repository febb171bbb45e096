"""Agents trained by this project. docs/results of the repository describes their training and their scores."""

from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import ClassVar

from ble_agents.agents.exported import TrainedAgent


class ShippedAgent(TrainedAgent):
    """An agent whose exported policy is a file in this package's data folder.

    Raises:
        ValueError: the actions or observations are not the benchmark's.
    """

    file_name: ClassVar[str]

    def __init__(self, num_actions: int, observation_shape: Sequence[int], *, seed: int | None = None) -> None:
        super().__init__(self.file(), num_actions, observation_shape, seed=seed)

    @classmethod
    def file(cls) -> Traversable:
        """The file of the exported policy."""
        return resources.files("ble_agents") / "data" / cls.file_name


class Windward(ShippedAgent):
    """Scores the levels of the wind column with a small network; trained from scratch by PPO."""

    file_name = "windward.npz"


class Tradewind(ShippedAgent):
    """Perciatelli44's network after more training by QR-DQN in the benchmark's winds."""

    file_name = "tradewind.npz"
