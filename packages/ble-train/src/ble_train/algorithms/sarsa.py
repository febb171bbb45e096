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

from ble_agents.agent import Agent, AgentMode
from ble_agents.exported_policy import Architecture, ExportedPolicy
from ble_agents.options import QValueNetworkOptions
from ble_agents.policy import Policy
from ble_sim.seeds import check_seed
from ble_train.algorithms.options import MlpOptions
from ble_train.checkpoints import Checkpoints


class Sample(NamedTuple):
    """S, A, R, S', A': two observations, each with the action that was taken, and the reward between them."""

    observation: Any
    action: Any
    reward: Any
    next_observation: Any
    next_action: Any


def value_network(num_actions: int, observation_shape: Sequence[int], options: MlpOptions) -> Architecture:
    """The network: values [..., actions]."""
    network_options = QValueNetworkOptions(options.hidden_sizes, precision="highest")
    return Architecture("q_values", tuple(observation_shape), num_actions, network_options)


@functools.partial(jax.jit, static_argnames="architecture")
def initial(architecture: Architecture, seed: jax.Array) -> Any:
    """A random network."""
    observation = jnp.zeros(architecture.observation_shape, jnp.float32)
    return architecture.network().init(jax.random.PRNGKey(seed), observation)


greedy_action = jax.jit(Architecture.greedy_action, static_argnums=0)


def loss(params: Any, architecture: Architecture, options: MlpOptions, sample: Sample) -> jax.Array:
    """(r + gamma Q(s', a') - Q(s, a))^2, the squared Bellman residual of a sample."""
    values = functools.partial(architecture.preferences, params)
    target = sample.reward + options.gamma * values(sample.next_observation)[sample.next_action]
    return jnp.square(values(sample.observation)[sample.action] - target)


@functools.partial(jax.jit, static_argnames=("architecture", "options"))
def update(params: Any, architecture: Architecture, options: MlpOptions, sample: Sample) -> Any:
    """One step of stochastic gradient descent on the loss."""
    gradient = jax.grad(loss)(params, architecture, options, sample)
    return jax.tree.map(lambda value, slope: value - options.learning_rate * slope, params, gradient)


class MlpAgent(Agent):
    """Takes the action of the largest value, and moves the last action's value towards its reward and the next value.

    It learns within episodes only: the reward of an episode's end is not used.

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
        if len(self._observation_shape) != 1:
            raise ValueError(f"{self.get_name()} observes vectors, not shape {self._observation_shape}: flatten them.")
        self.options = options
        self._architecture = value_network(num_actions, observation_shape, options)
        self._last: tuple[np.ndarray, int] | None = None
        seed = secrets.randbits(32) if seed is None else check_seed(seed)
        with jax.enable_x64(False):
            self._params = initial(self._architecture, np.uint32(seed))

    def set_mode(self, mode: AgentMode | str) -> None:
        """Learn ("train") or stay unchanged ("eval")."""
        self._mode = AgentMode(mode)

    def begin_episode(self, observation: np.ndarray) -> int:
        """The action of the largest value."""
        return self._choose(self._checked(observation))

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The action of the largest value, chosen before the last action's value is updated.

        Raises:
            RuntimeError: no episode has begun.
        """
        if self._last is None:
            raise RuntimeError(f"{self.get_name()} was stepped outside an episode: call begin_episode first.")
        observation, last = self._checked(observation), self._last
        action = self._choose(observation)
        if self._mode is AgentMode.TRAIN:
            with jax.enable_x64(False):
                sample = Sample(*last, np.float32(reward), observation, action)
                self._params = update(self._params, self._architecture, self.options, sample)
        return action

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """Forget the episode."""
        self._last = None

    def save_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        """Write the parameters; the newest few checkpoints are kept."""
        Checkpoints(checkpoint_dir).save(iteration_number, self._state())

    def load_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        """Read the parameters.

        Raises:
            CheckpointError: there is no checkpoint of this number, it is damaged, or it belongs to other options.
        """
        self._set_state(Checkpoints(checkpoint_dir).load(iteration_number, self._state()))

    def reload_latest_checkpoint(self, checkpoint_dir: str) -> int:
        """Read the newest parameters that are not damaged; returns their number, or -1 if there are none."""
        found = Checkpoints(checkpoint_dir).load_latest(self._state())
        if found is None:
            return -1
        iteration, state = found
        self._set_state(state)
        return iteration

    def exported_policy(self) -> ExportedPolicy:
        """The actions of the largest values, with the present parameters."""
        return ExportedPolicy(self._architecture, self._params)

    def policy(self) -> Policy:
        """The exported policy as pure functions."""
        return self.exported_policy().policy()

    def _choose(self, observation: np.ndarray) -> int:
        with jax.enable_x64(False):
            action = int(greedy_action(self._architecture, self._params, observation))
        self._last = observation, action
        return action

    def _state(self) -> dict[str, Any]:
        return {"agent": {"params": self._params}}

    def _set_state(self, state: dict[str, Any]) -> None:
        self._params = jax.device_put(state["agent"]["params"])

    def _checked(self, observation: np.ndarray) -> np.ndarray:
        observation = np.array(observation, np.float32)
        if observation.shape != self._observation_shape:
            raise ValueError(f"{self.get_name()} observes shape {self._observation_shape}, got {observation.shape}.")
        return observation
