"""An agent that learns, with checkpoints."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ble_agents import Agent, AgentMode
from ble_sample.options import BanditOptions


class BanditAgent(Agent):
    """Keeps a value for each action and mostly takes the best (epsilon-greedy), whatever it observes.

    Args:
        num_actions: how many actions there are.
        observation_shape: of any features; they are not looked at.
        seed: of the actions drawn at random; None draws one.
        options: options.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: BanditOptions = BanditOptions(),
    ) -> None:
        super().__init__(num_actions, observation_shape)
        self._options = options
        self._random = np.random.default_rng(seed)
        self._values = np.zeros(num_actions)
        self._action = 0

    def set_mode(self, mode: AgentMode | str) -> None:
        self._mode = AgentMode(mode)

    def reseed(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def begin_episode(self, observation: np.ndarray) -> int:
        return self._choose()

    def step(self, reward: float, observation: np.ndarray) -> int:
        self._learn(reward)
        return self._choose()

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        if terminal:  # at a time limit `step` has received this reward
            self._learn(reward)

    def save_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        file = _checkpoint(checkpoint_dir, iteration_number)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self._values.tolist()), encoding="utf-8")
        os.replace(unfinished, file)  # a kill leaves a whole file or none

    def load_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        self._values = np.array(json.loads(_checkpoint(checkpoint_dir, iteration_number).read_text(encoding="utf-8")))

    def reload_latest_checkpoint(self, checkpoint_dir: str) -> int:
        numbers = [int(file.name) for file in Path(checkpoint_dir).glob("*") if file.name.isdecimal()]
        if not numbers:
            return -1
        self.load_checkpoint(checkpoint_dir, max(numbers))
        return max(numbers)

    def _choose(self) -> int:
        explores = self._mode is AgentMode.TRAIN and self._random.random() < self._options.exploration
        self._action = int(self._random.integers(self._num_actions) if explores else np.argmax(self._values))
        return self._action

    def _learn(self, reward: float) -> None:
        if self._mode is AgentMode.TRAIN:
            self._values[self._action] += self._options.learning_rate * (reward - self._values[self._action])


def _checkpoint(folder: str, number: int) -> Path:
    # Named by the number alone, which is how `ble-eval run --checkpoint` finds the newest.
    return Path(folder, str(number))
