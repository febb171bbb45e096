"""Where the time of the learning agents goes: choosing actions, remembering and updating.

    uv run benchmarks/learning.py [--lanes 1 16 128] [--hidden-sizes 600 600 ...] [--capacity 200000] [--seconds 5]

Flights are made up of random observations, so that the environment takes no part. Each row is a network and a number of
lanes; times are per transition, and "update" also says what one update takes.
"""

import argparse
import dataclasses
import statistics
import time
from typing import Any

import jax
import numpy as np

from ble_train.agent_configs import QuantileConfig
from ble_train.quantile import QuantileAgent
from ble_train.vector_agent import LaneStep

OBSERVATION_SIZE = 1099
EPISODE_STEPS = 960
WARM_UP_CALLS = 8


class TimedAgent(QuantileAgent):
    """Notes how long each part of a step takes, waiting for its results."""

    times: dict[str, list[float]]

    def _remember(self, *args: Any) -> None:
        self._time("push", super()._remember, *args)

    def _learn(self, *args: Any) -> None:
        self._time("update", super()._learn, *args)

    def _choose(self, *args: Any) -> np.ndarray:
        return self._time("act", super()._choose, *args)

    def _time(self, part: str, function: Any, *args: Any) -> Any:
        start = time.perf_counter()
        result = function(*args)
        jax.block_until_ready((self._memory, self._learner))
        self.times[part].append(time.perf_counter() - start)
        return result


def measure(hidden_sizes: tuple[int, ...], lanes: int, capacity: int, seconds: float) -> str:
    """A row: microseconds per transition of each part, milliseconds of an update, transitions per second."""
    config = dataclasses.replace(QuantileConfig(), hidden_sizes=hidden_sizes, replay_capacity=capacity)
    agent = TimedAgent(3, (OBSERVATION_SIZE,), seed=0, config=config)
    agent.times = {"push": [], "update": [], "act": []}
    agent.start_lanes(lanes)
    rng = np.random.default_rng(0)
    observations = rng.random((16, lanes, OBSERVATION_SIZE), np.float32)
    no = np.zeros(lanes, bool)
    calls, start = 0, time.perf_counter()
    learned_since = None
    while learned_since is None or time.perf_counter() - start < seconds:
        begins = np.full(lanes, calls % (EPISODE_STEPS + 1) == 0)
        agent.step_lanes(LaneStep(observations[calls % 16], rng.random(lanes, np.float32), no, no, begins))
        calls += 1
        if learned_since is None and calls * lanes > config.min_replay_history + (WARM_UP_CALLS + 2) * lanes:
            learned_since = calls
            agent.take_metrics()
            start = time.perf_counter()
            for part in agent.times.values():
                part.clear()
    transitions = (calls - learned_since) * lanes
    per_transition = {part: sum(spent) / transitions * 1e6 for part, spent in agent.times.items()}
    per_update = per_transition["update"] * config.update_period / 1e3
    total = sum(per_transition.values())
    push = statistics.median(agent.times["push"]) * 1e6
    return (
        f"{len(hidden_sizes)} x {hidden_sizes[0]:<4} {lanes:>5} lanes"
        f"   act {per_transition['act']:8.1f} us   push {per_transition['push']:7.1f} us (a call {push:7.1f} us)"
        f"   update {per_transition['update']:8.1f} us ({per_update:6.2f} ms each, {1e3 / per_update:6.0f}/s)"
        f"   {1e6 / total:8.0f} transitions/s"
    )


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16, 128])
    parser.add_argument("--hidden-sizes", type=int, nargs="+", help="one network instead of 7 x 600 and 2 x 64")
    parser.add_argument("--capacity", type=int, default=200_000, help="of the replay memory")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row")
    args = parser.parse_args()
    networks = [tuple(args.hidden_sizes)] if args.hidden_sizes else [(600,) * 7, (64, 64)]
    for hidden_sizes in networks:
        for lanes in args.lanes:
            print(measure(hidden_sizes, lanes, args.capacity, args.seconds), flush=True)


if __name__ == "__main__":
    main()
