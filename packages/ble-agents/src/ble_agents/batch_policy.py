"""Policies of other frameworks: any function that maps a batch of observations to a batch of actions."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ble_agents.actions import checked_actions
from ble_agents.agent import Agent


class BatchPolicy(Protocol):
    """Maps observations to actions, for many episodes at once: numpy in, anything out that numpy can read.

    A function will do, also one that returns a tensor of torch or an array of JAX. Every call of an evaluation has the
    same number of rows, so a compiled function is compiled once. A row is an episode in progress, or padding whose
    action is not used.

    A policy that remembers has one more method, `begin_episodes(begins)`, which is called before each call with a
    bool[batch]: whether the row's observation is the first of an episode.
    """

    def __call__(self, observations: np.ndarray) -> Any:
        """The actions, integers [batch], for float32[batch, *observation_shape]."""
        ...


def begin_episodes(policy: BatchPolicy, begins: np.ndarray) -> None:
    """Say to a policy that remembers in which rows an episode begins; nothing for any other."""
    method = getattr(policy, "begin_episodes", None)
    if method is not None:
        method(begins)


class BatchPolicyAgent(Agent):
    """A `BatchPolicy` as an agent: one episode at a time by the methods of `Agent`, many at once in `eval_agent`.

    Args:
        num_actions: number of actions.
        observation_shape: shape of the observations.
        policy: the policy. It is not seeded: a policy that draws its actions has random numbers of its own.
    """

    def __init__(self, num_actions: int, observation_shape: Sequence[int], policy: BatchPolicy) -> None:
        super().__init__(num_actions, observation_shape)
        self._policy = policy

    def begin_episode(self, observation: np.ndarray) -> int:
        """The policy's action for a batch of one observation."""
        return self._choose(observation, begins=True)

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The policy's action for a batch of one observation."""
        return self._choose(observation, begins=False)

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """Nothing: the next episode begins with `begin_episode`."""

    def batch_policy(self) -> BatchPolicy:
        """The policy itself."""
        return self._policy

    def _choose(self, observation: np.ndarray, *, begins: bool) -> int:
        observation = np.asarray(observation, np.float32)
        if observation.shape != self._observation_shape:
            raise ValueError(f"{self.get_name()} observes shape {self._observation_shape}, got {observation.shape}.")
        begin_episodes(self._policy, np.array([begins]))
        return int(checked_actions(self._policy(observation[None]), 1, self._num_actions)[0])
