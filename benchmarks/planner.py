"""Time the parts of the planner's plans, for one flight on one processor.

    uv run benchmarks/planner.py [--refresh-distances 16 20 24 28 32 48] [--measurements 120]

The rows:

    whole plan        of all 480 stages
    refresh N x N     of three hours, on so many points about the balloon
    its stages        ten stages of it, without the winds
    belief            a flight's 240 measurements, added one after the other

Times are medians of processor time after compilation, in ms. Those in brackets are what a flight needs of it: 8 whole
plans, the later of which are shorter, and 232 refreshes.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.agents.planner import (
    DEFAULTS,
    ERROR_POINTS,
    MAX_MEASUREMENTS,
    NUGGET,
    STEPS_PER_MEASUREMENT,
    plan_times,
)
from ble_agents.planner.grid import NUM_STAGES
from ble_agents.planner.motion import vertical_motion
from ble_agents.planner.values import plan_settings, plan_values
from ble_agents.planner.wind_belief import Belief, GrowingBelief
from ble_env import core, first_episode_keys
from ble_env.task import make_task
from ble_sim.constants import STEP_SECONDS

REPEATS = 50


def milliseconds(function: Callable[..., Any], *arguments: Any, repeats: int = REPEATS) -> float:
    """Median of repeated calls after the first, which compiles."""
    jax.block_until_ready(function(*arguments))
    times = []
    for _ in range(repeats):
        start = time.process_time()
        jax.block_until_ready(function(*arguments))
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def grown_belief(num_measurements: int) -> Belief:
    """Of one flight, which drifts, with errors at random."""
    generator = np.random.default_rng(0)
    growing = GrowingBelief(1, MAX_MEASUREMENTS, NUGGET)
    points = np.cumsum(generator.normal(size=(num_measurements, 1, 4)), axis=0) * np.array([3e3, 3e3, 100.0, 0.0])
    points += np.array([0.0, 0.0, 9000.0, 0.0])
    points[..., 3] = STEPS_PER_MEASUREMENT * STEP_SECONDS * np.arange(num_measurements)[:, None]
    for point, error in zip(points, generator.normal(size=(num_measurements, 1, 2)), strict=True):
        growing.add(point.astype(np.float32), error.astype(np.float32))
    return jax.tree.map(lambda array: array[0], growing.beliefs())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time the parts of the planner's plans.")
    parser.add_argument("--refresh-distances", type=int, nargs="+", default=[16, 20, 24, 28, 32, 48])
    parser.add_argument("--measurements", type=int, default=MAX_MEASUREMENTS // 2, help="in the belief")
    arguments = parser.parse_args()

    task, vehicle = make_task()
    settings = plan_settings(task, DEFAULTS, error_points=ERROR_POINTS)
    scenario, _, _ = jax.jit(core.reset, static_argnums=0)(task, task.make_params(vehicle), first_episode_keys([0])[0])
    motion = jax.jit(vertical_motion, static_argnums=0)(settings.grid, scenario)
    belief, nothing = grown_belief(arguments.measurements), settings.grid.nothing_to_come()
    times = plan_times(DEFAULTS)
    kept = times.plan + times.horizon

    @jax.jit
    def whole_plan(first: jax.Array) -> jax.Array:
        return plan_values(settings, kept, scenario, motion, belief, first, jnp.int32(NUM_STAGES), nothing)

    starts = range(0, NUM_STAGES, times.plan)
    plans = [milliseconds(whole_plan, np.int32(first), repeats=5) for first in starts]
    print(f"{'':16} {'ms':>8} {'flight':>8}")
    print(f"{'whole plan':16} {plans[0]:8.1f} {f'({sum(plans):.0f})':>8}")

    num_refreshes = len(starts) * (times.plan // times.refresh - 1)
    for size in arguments.refresh_distances:

        @jax.jit
        def refresh(x: jax.Array, stages: jax.Array, size: int = size) -> jax.Array:
            part = x + np.arange(size), x + np.arange(size)
            values, kept, first = nothing[:, :size, :size], times.refresh + 2, jnp.int32(0)
            return plan_values(settings, kept, scenario, motion, belief, first, stages, values, part)

        corner = np.int32((settings.grid.num_distances - size) // 2)
        whole = milliseconds(refresh, corner, np.int32(times.horizon))
        ten, five = (milliseconds(refresh, corner, np.int32(stages)) for stages in (10, 5))
        print(f"{f'refresh {size} x {size}':16} {whole:8.2f} {f'({num_refreshes * whole:.0f})':>8}")
        print(f"{'its stages':16} {2 * (ten - five):8.2f}")

    print(f"{'belief':16} {milliseconds(grown_belief, MAX_MEASUREMENTS, repeats=5):8.1f}")


if __name__ == "__main__":
    main()
