# /// script
# requires-python = ">=3.11"
# dependencies = ["ble-env", "ray[rllib]==2.60.0", "torch==2.13.0"]
# # ray[rllib] 2.60.0 pins gymnasium==1.2.2, which ble-env works with.
#
# [tool.uv.sources]
# ble-env = { path = "../../packages/ble-env", editable = true }
# ///
# pyright: reportMissingImports=false
"""RLlib: PPO with environments in Ray's processes, many in each.

uv run examples/frameworks/rllib.py --env-runners 8 --num-envs 32 --iterations 500
"""

import argparse
import os
from typing import Any

# Read when Ray is imported. Under `uv run` Ray otherwise copies the repository and lets uv build the environment again
# for its processes; in a trial they did not start within minutes.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray otherwise reports its use over the network.

import gymnasium
import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env

ENV_ID = "ble_env:BalloonLearningEnvironment-v0"


def make_env(config: dict[str, Any]) -> Any:
    """Many environments if RLlib passes their number, else one."""
    # The processor computes the environment, which leaves an accelerator to torch.
    options = {"max_episode_steps": config["max_episode_steps"], "device": "cpu"}
    if "num_envs" in config:
        return gymnasium.make_vec(ENV_ID, config["num_envs"], **options)
    return gymnasium.make(ENV_ID, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=2, help="iterations of sampling and learning")
    parser.add_argument("--batch", type=int, default=256, help="steps to sample in an iteration")
    parser.add_argument("--env-runners", type=int, default=1, help="processes that sample; 0: this one samples")
    parser.add_argument("--num-envs", type=int, default=4, help="environments in each process")
    parser.add_argument("--episode-steps", type=int, default=60, help="time limit, 3 minutes each")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    # Ray starts new processes instead of forking this one, so JAX works in them.
    ray.init(num_cpus=arguments.env_runners + 1, include_dashboard=False, log_to_driver=False)
    register_env("balloon", make_env)
    config = (
        PPOConfig()
        .environment("balloon", env_config={"max_episode_steps": arguments.episode_steps})
        .env_runners(
            num_env_runners=arguments.env_runners,
            num_envs_per_env_runner=arguments.num_envs,
            # Without this RLlib makes single environments and steps them one after another.
            gym_env_vectorize_mode="vector_entry_point",
        )
        .training(train_batch_size=arguments.batch, minibatch_size=64, num_epochs=4, gamma=0.993, entropy_coeff=0.01)
        .debugging(seed=arguments.seed)
    )
    algorithm = config.build_algo()
    for i in range(arguments.iterations):
        result = algorithm.train()["env_runners"]
        print(
            f"iteration {i}: {result['num_env_steps_sampled_lifetime']:.0f} steps,"
            f" reward of episodes {result.get('episode_return_mean', float('nan')):.2f}"
        )
    algorithm.stop()
    ray.shutdown()


if __name__ == "__main__":
    main()
