"""An environment, an agent and a collector that keep what is done to them, for tests of the training loops."""

from pathlib import Path

import gymnasium
import numpy as np

from ble_agents import Agent

FAILING_STEPS = 4


class FakeEnv(gymnasium.Env):
    """Every other episode, the first one included, ends in a terminal state after `FAILING_STEPS` steps.

    Step n, counted from 1, brings a reward of n and is within the radius if n is odd.
    """

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self, *, fails: bool = True, truncated_at: int | None = None, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.seeds = []
        self.actions = []
        self.rendered_at = []
        self._fails = fails
        self._truncated_at = truncated_at

    def reset(self, *, seed=None, options=None):
        self.seeds.append(seed)
        self._steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.actions.append(action)
        self._steps += 1
        terminated = self._fails and len(self.seeds) % 2 == 1 and self._steps == FAILING_STEPS
        observation = np.full(1, self._steps, np.float32)
        info = {"inside_radius": self._steps % 2 == 1}
        return observation, np.float64(self._steps), terminated, self._steps == self._truncated_at, info

    def render(self):
        self.rendered_at.append(self._steps)


class FakeAgent(Agent):
    """Flies 0, 1, 2, 0, ... from the beginning of each episode; its checkpoints are empty files."""

    def __init__(self) -> None:
        self.calls = []
        super().__init__(3, (1,))

    def set_mode(self, mode):
        self.calls.append(("set_mode", mode))

    def begin_episode(self, observation):
        self.calls.append(("begin_episode", float(observation[0])))
        self._steps = 0
        return np.int32(0)

    def step(self, reward, observation):
        self.calls.append(("step", reward, float(observation[0])))
        self._steps += 1
        return np.int32(self._steps % 3)

    def end_episode(self, reward, terminal=True):
        self.calls.append(("end_episode", reward, terminal))

    def save_checkpoint(self, checkpoint_dir, iteration_number):
        self.calls.append(("save_checkpoint", iteration_number))
        Path(checkpoint_dir, str(iteration_number)).touch()

    def reload_latest_checkpoint(self, checkpoint_dir):
        return max((int(path.name) for path in Path(checkpoint_dir).iterdir()), default=-1)
