"""Time one environment in one process: the seconds up to the first step, and the steps per second after that.

    uv run benchmarks/single_env.py [--precision float64]

The first step is timed in processes with the compilation cache: one that finds it empty, one that finds it filled, and
one that finds stored programs in it as well.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

STEPS = 960
REPEATS = 5


def child(precision: str, *, programs: bool) -> None:
    """Fly a few episodes and print the seconds to the first step, then the steps per second of each episode."""
    start = time.perf_counter()
    from ble_sim.files.compilation_cache import use_compilation_cache

    use_compilation_cache(programs=programs)
    import gymnasium
    import numpy as np

    env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", precision=precision)
    env.reset(seed=0)
    env.step(1)
    print(time.perf_counter() - start)
    actions = np.random.default_rng(0).integers(0, 3, STEPS)
    for repeat in range(REPEATS):
        env.reset(seed=repeat)
        start = time.perf_counter()
        flown = 0
        for action in actions:
            flown += 1
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                break
        print(flown / (time.perf_counter() - start))


def main() -> None:
    """Run the processes and print a table."""
    parser = argparse.ArgumentParser(description="Time one environment in one process.")
    parser.add_argument("--precision", default="float32", choices=["float32", "float64"])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--programs", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.precision, programs=arguments.programs)
        return
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    with tempfile.TemporaryDirectory() as cache:
        rates = []
        for label, flags in (
            ("empty cache", []),
            ("filled cache", []),
            ("", ["--programs"]),
            ("filled cache with programs", ["--programs"]),
        ):
            command = [sys.executable, __file__, "--child", "--precision", arguments.precision, *flags]
            output = subprocess.run(
                command, env={**inherited, "XDG_CACHE_HOME": cache}, check=True, capture_output=True, text=True
            ).stdout
            first_step, *rest = map(float, output.split())
            rates += rest
            if label:
                print(f"first step, {label:30s} {first_step:8.2f} s")
        print(f"steps per second, median of {len(rates)} episodes {statistics.median(rates):14.0f}")


if __name__ == "__main__":
    main()
