# /// script
# requires-python = ">=3.11"
# dependencies = ["ble-env"]
#
# [tool.uv.sources]
# ble-env = { path = "../../packages/ble-env", editable = true }
# ///
"""Gymnasium's AsyncVectorEnv: single environments, each in a process of its own, with statistics of their episodes.

This is for wrappers that take single environments only. `gymnasium.make_vec` without a mode flies many environments in
this process, on all cores and much faster.

The processes are spawned. Gymnasium forks them by default where Python does, and JAX hangs in a forked process: it has
threads, which a fork does not copy. Each process compiles the environment for itself. With JAX_COMPILATION_CACHE_DIR
later runs find the compiled programs.

uv run examples/frameworks/gymnasium_async.py --num-envs 4 --steps 2000
"""

import argparse

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics


def make_env() -> gymnasium.Env:
    """One environment, made in its own process. Wrappers of single environments go here."""
    return gymnasium.make("ble_env:BalloonLearningEnvironment-v0", max_episode_steps=20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num-envs", type=int, default=2, help="number of processes")
    parser.add_argument("--steps", type=int, default=50, help="steps of each environment")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first environment, then counted up")
    arguments = parser.parse_args()

    envs = RecordEpisodeStatistics(AsyncVectorEnv([make_env] * arguments.num_envs, context="spawn"))
    envs.action_space.seed(arguments.seed)
    envs.reset(seed=arguments.seed)
    for _ in range(arguments.steps):
        _, _, _, _, infos = envs.step(envs.action_space.sample())
        for i in np.flatnonzero(infos.get("_episode", False)):
            episode = infos["episode"]
            print(f"environment {i}: episode of {episode['l'][i]} steps, reward {episode['r'][i]:.2f}")
    print(f"distances from the station: {infos['distance'].round()} m")
    envs.close()


# A spawned process imports this file, and must not start processes of its own.
if __name__ == "__main__":
    main()
