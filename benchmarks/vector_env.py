"""Steps and resets per second of `BalloonVectorEnv` as a trainer uses it: numpy in, numpy and infos out.

    uv run benchmarks/vector_env.py [--batches 1 8 64 256 1024] [--precisions float32 float64] [--seconds 3]

Each row is a process of its own, and "GB" is its peak memory. "first" is the seconds of the first reset and the first
step with an empty compilation cache. Rates are medians. A reset of all environments counts as one for each.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64, 256, 1024])
    parser.add_argument("--precisions", nargs="+", default=["float32", "float64"], choices=["float32", "float64"])
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each rate is measured")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measure(arguments.batches[0], arguments.precisions[0], arguments.seconds)
        return
    print(f"load {os.getloadavg()[0]:.1f} at the start, {os.cpu_count()} cores")
    print(f"{'':8}  num_envs    steps/s   resets/s   first [s]      GB")
    options = ["--child", "--seconds", str(arguments.seconds)]
    for precision in arguments.precisions:
        for batch in arguments.batches:
            row = [sys.executable, __file__, *options, "--precisions", precision, "--batches", str(batch)]
            subprocess.run(row, env=os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}, check=True)


def measure(num_envs: int, precision: str, seconds: float) -> None:
    """Print one row."""
    import gymnasium
    import numpy as np

    envs = gymnasium.make_vec("ble_env:BalloonLearningEnvironment-v0", num_envs=num_envs, precision=precision)
    random = np.random.default_rng(0)

    def step() -> None:
        envs.step(random.integers(0, 3, num_envs))

    def rate(run: Callable[[], object]) -> float:
        durations = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(durations) < 3:
            start = time.perf_counter()
            run()
            durations.append(time.perf_counter() - start)
        return num_envs / statistics.median(durations)

    start = time.perf_counter()
    envs.reset(seed=0)
    step()
    first = time.perf_counter() - start
    steps, resets = rate(step), rate(envs.reset)
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in kB.
    print(f"{precision}  {num_envs:8} {steps:10.0f} {resets:10.0f} {first:11.1f} {gigabytes:7.2f}", flush=True)


if __name__ == "__main__":
    main()
