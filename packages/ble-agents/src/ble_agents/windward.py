"""Windward: an agent of this project, trained from scratch with `ble-train run --agent ppo`.

docs/results/windward.md of the repository says how, and how well it flies.
"""

from collections.abc import Sequence
from importlib import resources

from ble_agents.configs import NoConfig
from ble_agents.trained_agent import TrainedAgent


class Windward(TrainedAgent):
    """Scores the levels of the wind column with a small network and steers to those with high scores."""

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        config: NoConfig | None = None,
    ) -> None:
        file = resources.files("ble_agents") / "data" / "windward.npz"
        super().__init__(file, num_actions, observation_shape, seed=seed, config=config)
