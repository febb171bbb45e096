"""Scores of an agent in training, on episodes that no training and no evaluation suite flies."""

import functools
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from ble_agents.agent import Agent, AgentMode
from ble_agents.policy import Policy, flights_side_by_side, start_stream
from ble_env import BalloonEnv, BalloonVectorEnv

FIRST_SEED = 2**30
"""Validation episodes have the seeds from here on. Suites have smaller ones, training larger ones."""


def validation_seeds(number: int) -> range:
    """The seeds of so many validation episodes."""
    return range(FIRST_SEED, FIRST_SEED + number)


@dataclass(frozen=True)
class Score:
    """Means over episodes.

    Attributes:
        twr50: share of the steps flown that ended within the radius.
        twr50_error: its standard error.
        reward: the sum over an episode.
        num_episodes: how many were flown.
    """

    twr50: float
    twr50_error: float
    reward: float
    num_episodes: int


class Evaluator:
    """Flies an agent through validation episodes, with what it has learned so far and without teaching it.

    Args:
        num_episodes: how many.
        max_episode_length: of an episode, in steps.
        env_options: as of `BalloonEnv`, those of the environment that is trained in.
    """

    def __init__(self, num_episodes: int, max_episode_length: int, **env_options: Any) -> None:
        self._seeds = validation_seeds(num_episodes)
        self._max_steps = max_episode_length
        self._env_options = env_options

    def evaluate(self, agent: Agent) -> Score:
        """Fly the episodes; those of an agent that offers its policy as pure functions side by side."""
        policy = agent.policy()
        inside, rewards = self._fly_alone(agent) if policy is None else self._fly_together(policy)
        error = float(np.std(inside, ddof=1) / np.sqrt(len(inside))) if len(inside) > 1 else 0.0
        return Score(float(np.mean(inside)), error, float(np.mean(rewards)), len(inside))

    @functools.cached_property
    def _envs(self) -> BalloonVectorEnv:
        return BalloonVectorEnv(len(self._seeds), **self._env_options)

    @functools.cached_property
    def _env(self) -> BalloonEnv:
        return BalloonEnv(**self._env_options)

    def _fly_together(self, policy: Policy) -> tuple[np.ndarray, np.ndarray]:
        """TWR50 and reward of each episode."""
        begin, proceed = flights_side_by_side(policy.init, policy.step)
        number = len(self._seeds)
        observation, _ = self._envs.reset(seed=list(self._seeds))
        streams = np.array([start_stream(seed) for seed in self._seeds])
        streams, carry, actions = begin(policy.params, streams, observation)
        steps, steps_inside, rewards = np.zeros(number), np.zeros(number), np.zeros(number)
        flies = np.ones(number, bool)
        for _ in range(self._max_steps):
            observation, reward, terminated, _, info = self._envs.step(np.asarray(actions))
            steps += flies
            steps_inside += flies & info["inside_radius"]
            rewards += np.where(flies, reward, 0.0)
            flies &= ~terminated
            streams, carry, actions = proceed(policy.params, streams, carry, observation, reward.astype(np.float32))
        return steps_inside / steps, rewards

    def _fly_alone(self, agent: Agent) -> tuple[np.ndarray, np.ndarray]:
        agent.set_mode(AgentMode.EVAL)
        flights = [_fly(agent, self._env, seed, self._max_steps) for seed in self._seeds]
        agent.set_mode(AgentMode.TRAIN)
        return np.array([inside for inside, _ in flights]), np.array([reward for _, reward in flights])


def _fly(agent: Agent, env: gymnasium.Env[Any, Any], seed: int, max_steps: int) -> tuple[float, float]:
    observation, _ = env.reset(seed=seed)
    action = agent.begin_episode(observation)
    inside = total = 0.0
    steps, terminated = 0, False
    reward = 0.0
    while not terminated and steps < max_steps:
        observation, reward, terminated, _, info = env.step(action)
        steps, inside, total = steps + 1, inside + bool(info["inside_radius"]), total + float(reward)
        if not terminated:
            action = agent.step(float(reward), observation)
    agent.end_episode(float(reward), terminated)
    return inside / steps, total
