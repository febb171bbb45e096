"""SARSA with a linear map or a small network: learns the value of each action from each step as it comes.

Rummery & Niranjan 1994, "On-line Q-learning using connectionist systems", with the residual gradient of Baird 1995,
"Residual algorithms: reinforcement learning with function approximation": it goes through the next value, too.
"""

import functools
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.agent import AgentMode
from ble_agents.exported_policy import Architecture, ExportedPolicy
from ble_env.checks import check_finite
from ble_sim.keys import as_key, seed_data
from ble_sim.seeds import seed_of_32_bits
from ble_train.algorithms.finite import check_params, fault_of, stop, unless
from ble_train.algorithms.networks import greedy_actions, initial_params, q_network, require_vectors
from ble_train.algorithms.options import MlpOptions
from ble_train.checkpointed_agent import CheckpointedAgent, State
from ble_train.learner import learning_scope


class Sample(NamedTuple):
    """S, A, R, S', A': two observations, each with the action that was taken, and the reward between them."""

    observation: Any
    action: Any
    reward: Any
    next_observation: Any
    next_action: Any


def loss(params: Any, architecture: Architecture, options: MlpOptions, sample: Sample) -> jax.Array:
    """(r + gamma Q(s', a') - Q(s, a))^2, the squared Bellman residual of a sample."""
    values = functools.partial(architecture.preferences, params)
    target = sample.reward + options.gamma * values(sample.next_observation)[sample.next_action]
    return jnp.square(values(sample.observation)[sample.action] - target)


@functools.partial(jax.jit, static_argnames=("architecture", "options"))
def update(params: Any, architecture: Architecture, options: MlpOptions, sample: Sample) -> tuple[Any, jax.Array]:
    """One step of stochastic gradient descent on the loss, and what in it is not finite, see `fault_of`.

    The parameters stay as they are if something is not.
    """
    error, gradient = jax.value_and_grad(loss)(params, architecture, options, sample)
    fault = fault_of(error, gradient)
    moved = jax.tree.map(lambda value, slope: value - options.learning_rate * slope, params, gradient)
    return unless(fault, moved, params), fault


class MlpAgent(CheckpointedAgent):
    """Takes the action of the largest value, and moves the last action's value towards its reward and the next value.

    It learns within episodes only: the reward of an episode's end is not used.

    Attributes:
        skipped_updates: number of updates that were left out since it was made, because something was not finite.

    Args:
        num_actions: number of actions.
        observation_shape: shape of the observations, which are vectors.
        seed: seed of the network's start; None draws one.
        options: the options.

    Raises:
        ValueError: the observations are no vectors.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: MlpOptions = MlpOptions(),
    ) -> None:
        super().__init__(num_actions, observation_shape)
        require_vectors(self.get_name(), observation_shape)
        self.options = options
        self._architecture = q_network(num_actions, observation_shape, options.hidden_sizes)
        self._last: tuple[np.ndarray, int] | None = None
        self._fault: jax.Array | None = None
        self._num_updates = 0
        self.skipped_updates = 0
        seed = secrets.randbits(32) if seed is None else seed_of_32_bits(seed)
        with learning_scope():
            self._params = initial_params(self._architecture, as_key(seed_data(seed)))

    def begin_episode(self, observation: np.ndarray) -> int:
        """The action of the largest value."""
        return self._choose(self._checked(observation))

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The action of the largest value, chosen before the last action's value is updated.

        Raises:
            RuntimeError: no episode has begun.
            NotFiniteError: the reward or the observation is not finite, or the loss or gradient of the last update,
                unless these are skipped.
        """
        check_finite({"the reward": reward}, f"for the agent {self.get_name()}")
        if self._last is None:
            raise RuntimeError(f"{self.get_name()} was stepped outside an episode: call begin_episode first.")
        observation, last = self._checked(observation), self._last
        action = self._choose(observation)
        if self.mode is AgentMode.TRAIN:
            with learning_scope():
                sample = Sample(*last, np.float32(reward), observation, action)
                self._params, self._fault = update(self._params, self._architecture, self.options, sample)
                self._num_updates += 1
        return action

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """Forget the episode.

        Raises:
            NotFiniteError: the last loss or gradient was not finite, unless these are skipped.
        """
        self._last = None
        self._check_update()

    def exported_policy(self) -> ExportedPolicy:
        """The actions of the largest values, with the present parameters."""
        return ExportedPolicy(self._architecture, self._params)

    def learned_state(self) -> State:
        """The parameters."""
        return {"params": self._params}

    def set_learned_state(self, state: State) -> None:
        """Continue from `learned_state`."""
        check_params(self.get_name(), state["params"])
        self._params = jax.device_put(state["params"])

    def _choose(self, observation: np.ndarray) -> int:
        with learning_scope():
            action = int(greedy_actions(self._architecture, self._params, observation))
        self._check_update()
        self._last = observation, action
        return action

    def _check_update(self) -> None:
        """Count or refuse the last update if it was not finite; called where it is waited for anyway."""
        fault = 0 if self._fault is None else int(self._fault)
        self._fault = None
        if fault and self.options.not_finite == "stop":
            stop(self.get_name(), fault, f"in update {self._num_updates}")
        self.skipped_updates += bool(fault)

    def _checked(self, observation: np.ndarray) -> np.ndarray:
        observation = np.array(observation, np.float32)
        if observation.shape != self._observation_shape:
            raise ValueError(f"{self.get_name()} observes shape {self._observation_shape}, got {observation.shape}.")
        check_finite({"the observation": observation}, f"for the agent {self.get_name()}")
        return observation
