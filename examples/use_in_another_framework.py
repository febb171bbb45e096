"""The balloon in a loop that knows only Gymnasium, as in any framework.

`collect` works for every environment with a finite number of actions. It keeps what a learner needs, and distinguishes
a terminal state (nothing follows) from a time limit (the return continues).

uv run examples/use_in_another_framework.py --steps 500
"""

import argparse
from dataclasses import dataclass

import gymnasium
import numpy as np
from gymnasium.wrappers import RecordEpisodeStatistics


@dataclass(frozen=True)
class Transitions:
    """Steps in their order: arrays whose first axis is the step."""

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: np.ndarray
    terminated: np.ndarray


def collect(env: gymnasium.Env[np.ndarray, int], steps: int, seed: int) -> Transitions:
    """`steps` steps with random actions, over one or more episodes."""
    env.action_space.seed(seed)
    observation, _ = env.reset(seed=seed)
    transitions = []
    for _ in range(steps):
        action = env.action_space.sample()
        next_observation, reward, terminated, truncated, info = env.step(action)
        transitions.append((observation, action, reward, next_observation, terminated))
        observation = next_observation
        if terminated or truncated:
            print(f"episode of {info['episode']['l']} steps, reward {info['episode']['r']:.1f}")
            observation, _ = env.reset()
    return Transitions(*(np.stack(column) for column in zip(*transitions, strict=True)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="steps to collect")
    parser.add_argument("--seed", type=int, default=0, help="seed of episodes and actions")
    arguments = parser.parse_args()
    balloon = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", max_episode_steps=100)
    batch = collect(RecordEpisodeStatistics(balloon), arguments.steps, arguments.seed)
    print(f"{len(batch.rewards)} steps, observations {batch.observations.shape}, {batch.observations.dtype}")
