"""A plugin for tests on Ray: its agent flies the fake environment in every process that loads it, workers of Ray too.

Files in the working folder say what happens in an episode. In that of seed 4, the process kills itself in step 100 if
there is `kill-4`, which is removed before, or `always-4`; with `hold-4` it writes `reached-4` and waits. `begun` lists
the seeds, a line each.
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from evaluation_fakes import FakeAgent, FakeEnv

from ble_eval.engines import local
from ble_sim.plugins import AgentRegistration, hookimpl


class RayFakeEnv(FakeEnv):
    def reset(self, *, seed=None, options=None):
        with Path("begun").open("a") as file:
            file.write(f"{seed}\n")
        if Path(f"hold-{seed}").exists():
            Path(f"reached-{seed}").touch()
            time.sleep(120)
        return super().reset(seed=seed, options=options)

    def step(self, action):
        if self._steps == 99:
            orders = Path(f"kill-{self._episode_seed}"), Path(f"always-{self._episode_seed}")
            if any(order.exists() for order in orders):
                orders[0].unlink(missing_ok=True)
                time.sleep(2)  # The command reads what is finished.
                os.kill(os.getpid(), signal.SIGKILL)
        return super().step(action)


@dataclass(frozen=True)
class RayFakeOptions:
    """Options of the agent."""

    wildness: float = 0.5
    """Share of its actions that are random."""

    fails: str = ""
    """What it does wrong when it is made in a worker: "plugin" or "mistake"."""


class RayFakeAgent(FakeAgent):
    def __init__(self, num_actions, observation_shape, *, seed=None, options=RayFakeOptions()):
        super().__init__(num_actions, observation_shape, seed=seed, options=options)
        if os.environ.get("NPROC"):
            if options.fails == "plugin":
                raise KeyError("the winds")
            if options.fails == "mistake":
                raise ValueError("the winds are missing")


@hookimpl
def ble_register_agents():
    return [AgentRegistration("ray_fake", "ray_fakes:RayFakeAgent", RayFakeOptions, "For the tests.")]


local.make_environment = lambda parts, precision: RayFakeEnv()
