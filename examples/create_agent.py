"""An agent of your own: it climbs or sinks to the reachable wind that blows most directly towards the station.

uv run examples/create_agent.py --steps 60
"""

import argparse

import gymnasium
import numpy as np

from ble_agents import Agent, fly_episode
from ble_env import named_features

DOWN, STAY, UP = 0, 1, 2


class BestBearingAgent(Agent):
    """Goes to the level whose wind has the smallest angle to the station."""

    def begin_episode(self, observation: np.ndarray) -> int:
        """The first action of an episode."""
        return self._choose(observation)

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The next action. An agent that learns uses `reward` here."""
        return self._choose(observation)

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """The agent has no memory."""

    def _choose(self, observation: np.ndarray) -> int:
        features = named_features(observation)
        angles = np.where(features.reachable, features.bearing, np.inf)
        level = int(np.argmin(angles))
        own_level = len(angles) // 2  # Levels are counted from the top; the balloon's is in the middle.
        if level == own_level:
            return STAY
        return UP if level < own_level else DOWN


def fly(seed: int, steps: int) -> float:
    """Fly the agent for at most `steps` steps of an episode; returns the sum of the rewards."""
    env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", max_episode_steps=steps)
    agent = BestBearingAgent(num_actions=3, observation_shape=(1099,))
    episode = fly_episode(agent, env, seed=seed)
    distance = episode.last.info["distance"] / 1000
    print(f"{agent.get_name()}: {distance:.0f} km from the station, reward {episode.reward:.1f}")
    return episode.reward


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="seed of the episode")
    parser.add_argument("--steps", type=int, default=960, help="steps to fly, 3 minutes each")
    arguments = parser.parse_args()
    fly(arguments.seed, arguments.steps)
