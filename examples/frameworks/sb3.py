# /// script
# requires-python = ">=3.11"
# dependencies = ["ble-env", "stable-baselines3==2.9.2", "torch==2.13.0"]
#
# [tool.uv.sources]
# ble-env = { path = "../../packages/ble-env", editable = true }
# ///
# pyright: reportMissingImports=false
"""Stable-Baselines3: PPO or DQN in one environment, in many in this process, or in some in processes of their own.

uv run examples/frameworks/sb3.py --algorithm ppo --envs vector --num-envs 64 --steps 1000000 --output ppo.zip
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor

from ble_env.sb3 import sb3_vec_env

ENV_ID = "ble_env:BalloonLearningEnvironment-v0"


class PrintEpisodes(BaseCallback):
    """Prints each episode that ends; Stable-Baselines3 prints its own table after whole rollouts."""

    def _on_step(self) -> bool:
        infos: Sequence[dict[str, Any]] = self.locals["infos"]
        for episode in (info["episode"] for info in infos if "episode" in info):
            print(f"{self.num_timesteps} steps: episode of {episode['l']}, reward {episode['r']:.2f}")
        return True


def make_envs(kind: str, num_envs: int, episode_steps: int) -> VecEnv:
    # The processor computes the environment, which leaves an accelerator to torch.
    options = {"max_episode_steps": episode_steps, "device": "cpu"}
    if kind == "vector":
        return sb3_vec_env(gymnasium.make_vec(ENV_ID, num_envs, autoreset_mode="SameStep", **options))
    makers: list[Callable[[], gymnasium.Env]] = [lambda: gymnasium.make(ENV_ID, **options)] * num_envs
    # Spawned, because JAX hangs in a forked process: it has threads, which a fork does not copy.
    return SubprocVecEnv(makers, start_method="spawn") if kind == "processes" else DummyVecEnv(makers)


def make_algorithm(name: str, envs: VecEnv, seed: int) -> BaseAlgorithm:
    if name == "dqn":
        return DQN("MlpPolicy", envs, learning_starts=64, buffer_size=50_000, gamma=0.993, seed=seed)
    return PPO("MlpPolicy", envs, n_steps=32, batch_size=64, n_epochs=4, gamma=0.993, ent_coef=0.01, seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithm", choices=("ppo", "dqn"), default="ppo")
    parser.add_argument(
        "--envs",
        choices=("single", "vector", "processes"),
        default="vector",
        help="single: one; vector: many in this process, the fastest; processes: some in spawned processes",
    )
    parser.add_argument("--num-envs", type=int, default=4, help="number of environments, unless single")
    parser.add_argument("--steps", type=int, default=512, help="steps of all environments together")
    parser.add_argument("--episode-steps", type=int, default=60, help="time limit, 3 minutes each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", help="file for the model; load it with PPO.load or DQN.load")
    arguments = parser.parse_args()

    num_envs = 1 if arguments.envs == "single" else arguments.num_envs
    envs = VecMonitor(make_envs(arguments.envs, num_envs, arguments.episode_steps))
    algorithm = make_algorithm(arguments.algorithm, envs, arguments.seed)
    algorithm.learn(arguments.steps, callback=PrintEpisodes())
    print(f"trained {algorithm.num_timesteps} steps in {num_envs} environments ({arguments.envs})")
    if arguments.output is not None:
        algorithm.save(arguments.output)
    envs.close()


# A spawned process imports this file, and must not train.
if __name__ == "__main__":
    main()
