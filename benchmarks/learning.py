"""Time the parts of a training: environment, choice of actions, storing of transitions, and updates.

    uv run benchmarks/learning.py [--lanes 1 16 128] [--hidden-sizes 600 600 ...] [--capacity 200000] [--seconds 8]
                                   [--batch-size 32] [--update-period 4]

Each row is QR-DQN with a network and a number of lanes. Times are microseconds per transition, followed by the
milliseconds of an update, and the steps a second of the environment alone and of the training. The last row is PPO: it
has no replay memory, and its learning is in the column of the updates.
"""

import argparse
import dataclasses
import time
from collections import defaultdict
from typing import Any

import jax
import numpy as np

from ble_env import BalloonVectorEnv
from ble_train.algorithms.options import QuantileOptions
from ble_train.algorithms.ppo_agent import PpoAgent
from ble_train.algorithms.qr_dqn import QuantileAgent
from ble_train.learner import LaneStep, Learner

PARTS = ("environment", "act", "remember", "learn")
PPO_LANES = 256


class Stopwatch:
    """Seconds of each part. It waits for what the agent has started on the device.

    Args:
        agent: the agent.
    """

    def __init__(self, agent: Learner) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._agent = agent

    def time(self, part: str, function: Any, *args: Any) -> Any:
        """Call a function and add its seconds to those of a part."""
        start = time.perf_counter()
        result = function(*args)
        jax.block_until_ready(list(vars(self._agent).values()))
        self.spent[part] += time.perf_counter() - start
        return result


def timed(agent: Any, watch: Stopwatch, methods: dict[str, str]) -> None:
    """Time methods of an agent as parts."""
    for method, part in methods.items():
        original = getattr(agent, method)
        setattr(agent, method, lambda *args, part=part, original=original: watch.time(part, original, *args))


class Lanes:
    """Environments whose episodes do not end, so that no time goes into resets."""

    def __init__(self, number: int) -> None:
        self.envs = BalloonVectorEnv(number, seed=2**31)
        observation, _ = self.envs.reset()
        no = np.zeros(number, bool)
        self.transitions = LaneStep(observation, np.zeros(number, np.float32), no, no, np.ones(number, bool))

    def step(self, actions: np.ndarray) -> None:
        """Make a step in all of them."""
        observation, reward, *_ = self.envs.step(actions)
        no = np.zeros(len(actions), bool)
        self.transitions = LaneStep(observation, reward.astype(np.float32), no, no, no)


def measure(agent: Learner, methods: dict[str, str], lanes: int, warm_up: int, seconds: float) -> dict[str, float]:
    """Microseconds per transition of each part, after `warm_up` steps of all lanes."""
    watch = Stopwatch(agent)
    environments = Lanes(lanes)
    agent.start_lanes(lanes)
    timed(agent, watch, methods)
    steps, start = -warm_up, time.perf_counter()
    while steps <= 0 or time.perf_counter() - start < seconds:
        actions = agent.step_lanes(environments.transitions)
        watch.time("environment", environments.step, actions)
        steps += 1
        if steps == 0:
            watch.spent.clear()
            start = time.perf_counter()
    return {part: watch.spent[part] / (steps * lanes) * 1e6 for part in PARTS}


def row(name: str, lanes: int, parts: dict[str, float], update_period: int | None) -> str:
    """A line of the table."""
    total = sum(parts.values())
    cells = "".join(f"{parts[part]:13.0f}" for part in PARTS)
    update = f"{parts['learn'] * update_period / 1e3:12.2f}" if update_period else " " * 12
    return f"{name:<16}{lanes:>6}{cells}{update}{1e6 / parts['environment']:14.0f}{1e6 / total:12.0f}"


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16, 128])
    parser.add_argument("--hidden-sizes", type=int, nargs="+", help="one network instead of 7 x 600 and 2 x 64")
    parser.add_argument("--capacity", type=int, default=200_000, help="capacity of the replay memory")
    parser.add_argument("--batch-size", type=int, default=QuantileOptions().batch_size, help="samples of an update")
    parser.add_argument(
        "--update-period", type=int, default=QuantileOptions().update_period, help="steps for an update"
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="seconds for each row")
    args = parser.parse_args()
    heads = "".join(f"{part:>13}" for part in PARTS)
    print(f"{'':<16}{'lanes':>6}{heads}{'ms/update':>12}{'env. alone/s':>14}{'training/s':>12}")
    networks = [tuple(args.hidden_sizes)] if args.hidden_sizes else [(600,) * 7, (64, 64)]
    methods = {"_choose": "act", "_remember": "remember", "_learn": "learn"}
    for sizes in networks:
        for lanes in args.lanes:
            options = dataclasses.replace(
                QuantileOptions(),
                hidden_sizes=sizes,
                replay_capacity=args.capacity,
                batch_size=args.batch_size,
                update_period=args.update_period,
            )
            agent = QuantileAgent(3, (1099,), seed=0, options=options)
            warm_up = 10 + options.min_replay_history // lanes
            parts = measure(agent, methods, lanes, warm_up, args.seconds)
            print(row(f"quantile {len(sizes)}x{sizes[0]}", lanes, parts, options.update_period), flush=True)
    ppo = PpoAgent(3, (1099,), seed=0)
    methods = {"_choose": "act", "_learn": "learn"}
    parts = measure(ppo, methods, PPO_LANES, ppo.options.rollout_steps + 2, 3 * args.seconds)
    print(row("ppo", PPO_LANES, parts, None), flush=True)


if __name__ == "__main__":
    main()
