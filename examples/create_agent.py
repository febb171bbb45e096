"""An agent of one's own: climb or sink to the reachable wind that blows most directly towards the station.

python examples/create_agent.py --steps 60
"""

import argparse

import gymnasium
import numpy as np

from ble_agents import Agent, fly_episode
from ble_env import named_features
from ble_env.observation.layout import CENTER_LEVEL

DOWN, STAY, UP = 0, 1, 2


class BestBearingAgent(Agent):
    """Steers to the level whose wind has the smallest angle to the station."""

    def begin_episode(self, observation: np.ndarray) -> int:
        """The first action of an episode."""
        return self._choose(observation)

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The next action; an agent that learns would learn from `reward` here."""
        return self._choose(observation)

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """There is nothing to forget."""

    def _choose(self, observation: np.ndarray) -> int:
        features = named_features(observation)
        angles = np.where(features.reachable, features.bearing, np.inf)
        level = int(np.argmin(angles))
        if level == CENTER_LEVEL:
            return STAY
        return UP if level < CENTER_LEVEL else DOWN


def fly(seed: int, steps: int) -> float:
    """The reward that the agent collects in the first `steps` steps of an episode."""
    env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", max_episode_steps=steps)
    agent = BestBearingAgent(num_actions=3, observation_shape=(1099,))
    episode = fly_episode(agent, env, seed=seed)
    distance = episode.last.info["distance"] / 1000
    print(f"{agent.get_name()}: {distance:.0f} km from the station, reward {episode.reward:.1f}")
    return episode.reward


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the episode")
    parser.add_argument("--steps", type=int, default=960, help="of three minutes each")
    arguments = parser.parse_args()
    fly(arguments.seed, arguments.steps)
