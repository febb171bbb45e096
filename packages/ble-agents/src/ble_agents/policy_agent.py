"""A policy as an agent."""

import secrets
from collections.abc import Sequence

import jax
import numpy as np

from ble_agents.agent import Agent
from ble_agents.policy import Carry, Policy, init_with_stream, policy_scope, start_stream, step_with_stream
from ble_sim.seeds import seed_of_32_bits

_init = jax.jit(init_with_stream, static_argnums=0)
_step = jax.jit(step_with_stream, static_argnums=0)


class PolicyAgent(Agent):
    """An agent that follows a `Policy`, one episode at a time.

    Args:
        policy: the policy. Agents with the same policy share its compiled code.
        seed: of its random draws; None draws one.
    """

    def __init__(self, num_actions: int, observation_shape: Sequence[int], policy: Policy, seed: int | None) -> None:
        super().__init__(num_actions, observation_shape)
        self._policy = policy
        self._params = jax.device_put(policy.params)
        self._carry: Carry | None = None
        self.reseed(secrets.randbits(32) if seed is None else seed)

    def reseed(self, seed: int) -> None:
        """Restart the random draws, as if the agent had been constructed with `seed`."""
        self._stream = start_stream(seed_of_32_bits(seed))

    def begin_episode(self, observation: np.ndarray) -> int:
        """The policy's first action of an episode."""
        observation = self._checked(observation)
        with policy_scope():
            self._stream, self._carry, action = _init(self._policy.init, self._params, self._stream, observation)
        return int(action)

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The policy's next action.

        Raises:
            RuntimeError: no episode has begun.
        """
        if self._carry is None:
            raise RuntimeError(f"{self.get_name()} was stepped outside an episode: call begin_episode first.")
        observation = self._checked(observation)
        with policy_scope():
            self._stream, self._carry, action = _step(
                self._policy.step, self._params, self._stream, self._carry, observation, float(reward)
            )
        return int(action)

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """Forget the episode."""
        self._carry = None

    def policy(self) -> Policy:
        """The policy itself."""
        return self._policy

    def _checked(self, observation: np.ndarray) -> np.ndarray:
        observation = np.asarray(observation, np.float32)
        if observation.shape != self._observation_shape:
            raise ValueError(f"{self.get_name()} observes shape {self._observation_shape}, got {observation.shape}.")
        return observation
