"""Agents that this project trained and ships. docs/results of the repository says how, and how well they fly."""

from collections.abc import Sequence
from importlib import resources
from typing import ClassVar

from ble_agents.agents.exported import TrainedAgent
from ble_agents.options import NoOptions


class ShippedAgent(TrainedAgent):
    """An agent whose network comes with this package, in a file of its data folder.

    Raises:
        ValueError: the actions or observations are not the benchmark's.
    """

    file_name: ClassVar[str]

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: NoOptions | None = None,
    ) -> None:
        file = resources.files("ble_agents") / "data" / self.file_name
        super().__init__(file, num_actions, observation_shape, seed=seed, options=options)


class Windward(ShippedAgent):
    """Scores the levels of the wind column with a small network: PPO from scratch."""

    file_name = "windward.npz"


class Tradewind(ShippedAgent):
    """Perciatelli44's network, trained on in the benchmark's own winds: QR-DQN."""

    file_name = "tradewind.npz"
