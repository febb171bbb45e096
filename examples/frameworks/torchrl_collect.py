# /// script
# requires-python = ">=3.11"
# dependencies = ["ble-env", "torch==2.13.0", "torchrl==0.14.1"]
#
# [tool.uv.sources]
# ble-env = { path = "../../packages/ble-env", editable = true }
# ///
# pyright: reportMissingImports=false
"""TorchRL: its collector and replay buffer, with one environment or many in lockstep.

uv run examples/frameworks/torchrl_collect.py --num-envs 64 --steps 100000
"""

import argparse

import gymnasium
import torch
from torchrl.collectors import Collector
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.envs import EnvBase, GymWrapper, RewardSum, TransformedEnv

ENV_ID = "ble_env:BalloonLearningEnvironment-v0"


def make_env(num_envs: int, episode_steps: int) -> EnvBase:
    # The processor computes the environment, which leaves an accelerator to torch.
    options = {"max_episode_steps": episode_steps, "device": "cpu"}
    if num_envs == 1:
        env = gymnasium.make(ENV_ID, **options)
    else:
        # TorchRL chooses which environments are reset, which is Gymnasium's mode DISABLED.
        env = gymnasium.make_vec(ENV_ID, num_envs, autoreset_mode="Disabled", **options)
    wrapped = GymWrapper(env, categorical_action_encoding=True)
    return TransformedEnv(wrapped, RewardSum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num-envs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=320, help="steps of all environments together")
    parser.add_argument("--batch", type=int, default=80, help="steps in a batch of the collector")
    parser.add_argument("--episode-steps", type=int, default=30, help="time limit, 3 minutes each")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    env = make_env(arguments.num_envs, arguments.episode_steps)
    # Without a policy the actions are random. A policy is a TensorDictModule that writes "action".
    collector = Collector(env, None, frames_per_batch=arguments.batch, total_frames=arguments.steps)
    collector.set_seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(10_000), batch_size=32)
    for batch in collector:
        buffer.extend(batch.reshape(-1))
        following = batch["next"]
        sums = following["episode_reward"][following["done"]]
        ended = f"episodes ended with {[round(float(one), 2) for one in sums]}" if sums.numel() else "no episode ended"
        print(f"{batch.numel()} steps, reward {following['reward'].mean():.3f} a step, {ended}")
    sample = buffer.sample()
    print(f"a sample to learn from: {tuple(sample['observation'].shape)}, rewards {sample['next', 'reward'].dtype}")
    collector.shutdown()


if __name__ == "__main__":
    main()
