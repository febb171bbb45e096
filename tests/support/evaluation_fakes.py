"""An environment and an agent that need no simulator, and a plugin that offers the agent and a suite.

Run as a program it is `ble-eval` with this environment in place of the balloon's. The environment variable
BLE_FAKE_STOP ("SEED SIGNAL") makes the process send itself that signal in the middle of that seed's episode.
"""

import datetime as dt
import os
import random
import signal
import sys
from dataclasses import dataclass

import gymnasium as gym
import numpy as np

from ble_agents import Agent, AgentMode
from ble_sim.plugins import AgentRegistration, SuiteRegistration, hookimpl

FAILING_STEPS = 7


class FakeEnv(gym.Env):
    """A point that actions and gusts push about; seeds that are 3 modulo 5 run out of power after 7 steps."""

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012 - Gymnasium's own style
    action_space = gym.spaces.Discrete(3)
    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.rendered_at: list[int] = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        assert seed is not None
        self._episode_seed, self._steps, self._x = seed, 0, 0.0
        self._gusts = random.Random(seed)
        return self._observation(), {}

    def step(self, action):
        self._steps += 1
        self._x += self._gusts.gauss(0, 9_000) + 3_000 * (action - 1)
        if self._steps == 5:
            _stop_process_here(self._episode_seed)
        out_of_power = self._episode_seed % 5 == 3 and self._steps == FAILING_STEPS
        info = {
            "x": self._x,
            "y": 2_000.0,
            "pressure": 8_000.0 + self._steps,
            "superpressure": 300.0,
            "time_elapsed": dt.timedelta(seconds=180 * self._steps),
            "battery": 0.75,
            "inside_radius": abs(self._x) <= 50_000,
            "out_of_power": out_of_power,
            "envelope_burst": False,
            "zeropressure": False,
        }
        return self._observation(), 1.0 / (1.0 + abs(self._x)), out_of_power, False, info

    def render(self):
        self.rendered_at.append(self._steps)
        return ""

    def _observation(self) -> np.ndarray:
        return np.array([self._x, self._steps], np.float32)


def _stop_process_here(seed: int) -> None:
    when, _, number = os.environ.get("BLE_FAKE_STOP", "").partition(" ")
    if when == str(seed):
        os.kill(os.getpid(), int(number))


@dataclass(frozen=True)
class FakeOptions:
    """Options of the fake agent."""

    wildness: float = 0.5
    """Share of its actions that are random."""


class FakeAgent(Agent):
    """Random now and then, and keeps a record of every call."""

    options_type = FakeOptions

    def __init__(self, num_actions, observation_shape, *, seed=None, options=FakeOptions()):
        self.calls: list[tuple] = []
        super().__init__(num_actions, observation_shape)
        self._wildness = options.wildness
        if not 0 <= self._wildness <= 1:
            raise ValueError(f"wildness is {self._wildness}, outside [0, 1].")
        self._random = random.Random(seed)

    def reseed(self, seed):
        self._random = random.Random(seed)

    def set_mode(self, mode):
        self.mode = AgentMode(mode)

    def begin_episode(self, observation):
        self.calls.append(("begin_episode", observation.tolist()))
        return self._choose()

    def step(self, reward, observation):
        self.calls.append(("step", reward, observation.tolist()))
        return self._choose()

    def end_episode(self, reward, terminal=True):
        self.calls.append(("end_episode", reward, terminal))

    def load_checkpoint(self, checkpoint_dir, iteration_number):
        raise FileNotFoundError(f"No checkpoint {iteration_number} in {checkpoint_dir}.")

    def _choose(self) -> int:
        return self._random.randrange(3) if self._random.random() < self._wildness else 1


@hookimpl
def ble_register_agents():
    return [AgentRegistration("fake", "evaluation_fakes:FakeAgent", FakeOptions, "For the tests.")]


@hookimpl
def ble_register_suites():
    from ble_eval.suites import EvaluationSuite

    return [SuiteRegistration("fake_suite", lambda: EvaluationSuite([4, 3, 8], 20), summary="For the tests.")]


if __name__ == "__main__":
    from ble_eval import cli
    from ble_eval.engines import local

    signal.signal(signal.SIGINT, signal.default_int_handler)
    local.make_environment = lambda parts, precision: FakeEnv()
    sys.exit(cli.main())
