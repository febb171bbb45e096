"""SARSA with a small network: the simplest agent that learns (Rummery & Niranjan 1994)."""

import functools
import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.agent import Agent, AgentMode
from ble_agents.exported_policy import Architecture, ExportedPolicy
from ble_agents.policy import Policy
from ble_sim.seeds import check_seed
from ble_train.algorithms.options import MlpOptions
from ble_train.checkpoints import Checkpoints


class MlpAgent(Agent):
    """Takes the action of the largest value, and moves the last one's value towards what came of it.

    It learns within episodes only: the reward that an end brings is not used. A gradient step reduces
    (value - reward - gamma * next value)^2 with respect to both values.

    Args:
        seed: of the network's start; None draws one.
        options: options.
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
        options = (("hidden_sizes", options.hidden_sizes), ("precision", "highest"))
        self._architecture = Architecture("q_values", self._observation_shape, num_actions, options)
        self._compiled = _compiled(self._architecture, options)
        self._last: tuple[np.ndarray, int] | None = None
        with jax.enable_x64(False):
            self._params = self._compiled.start(np.uint32(secrets.randbits(32) if seed is None else check_seed(seed)))

    def set_mode(self, mode: AgentMode | str) -> None:
        """Learn ("train") or stay as it is ("eval")."""
        self._mode = AgentMode(mode)

    def begin_episode(self, observation: np.ndarray) -> int:
        """The action of the largest value."""
        observation = self._checked(observation)
        with jax.enable_x64(False):
            return self._note(observation, self._compiled.choose(self._params, observation))

    def step(self, reward: float, observation: np.ndarray) -> int:
        """The action of the largest value, which then teaches the value of the last one.

        Raises:
            RuntimeError: no episode has begun.
        """
        if self._last is None:
            raise RuntimeError(f"{self.get_name()} was stepped outside an episode: call begin_episode first.")
        observation = self._checked(observation)
        with jax.enable_x64(False):
            action = self._compiled.choose(self._params, observation)
            if self._mode is AgentMode.TRAIN:
                self._params = self._compiled.learn(self._params, *self._last, np.float32(reward), observation, action)
            return self._note(observation, action)

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """Forget the episode."""
        self._last = None

    def save_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        """Write the parameters, atomically; the newest few are kept."""
        Checkpoints(checkpoint_dir).save(iteration_number, self._state())

    def load_checkpoint(self, checkpoint_dir: str, iteration_number: int) -> None:
        """Read the parameters.

        Raises:
            CheckpointError: there are none under this number, they are damaged, or of other options.
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
        """The actions of the largest values, with the present parameters: what is exported."""
        return ExportedPolicy(self._architecture, self._params)

    def policy(self) -> Policy:
        """The frozen policy as pure functions."""
        return self.exported_policy().policy()

    def _note(self, observation: np.ndarray, action: jax.Array) -> int:
        self._last = observation, int(action)
        return int(action)

    def _state(self) -> dict[str, Any]:
        return {"agent": {"params": self._params}}

    def _set_state(self, state: dict[str, Any]) -> None:
        self._params = jax.device_put(state["agent"]["params"])

    def _checked(self, observation: np.ndarray) -> np.ndarray:
        observation = np.array(observation, np.float32)
        if observation.shape != self._observation_shape:
            raise ValueError(f"{self.get_name()} observes shape {self._observation_shape}, got {observation.shape}.")
        return observation


class _Compiled(NamedTuple):
    start: Callable[..., Any]
    choose: Callable[..., jax.Array]
    learn: Callable[..., Any]


@functools.cache
def _compiled(architecture: Architecture, options: MlpOptions) -> _Compiled:
    """The functions of agents that are alike."""
    values = architecture.preferences

    def start(seed: jax.Array) -> Any:
        example = jnp.zeros(architecture.observation_shape, jnp.float32)
        return architecture.network().init(jax.random.PRNGKey(seed), example)

    def learn(
        params: Any,
        observation: jax.Array,
        action: jax.Array,
        reward: jax.Array,
        next_observation: jax.Array,
        next_action: jax.Array,
    ) -> Any:
        def loss(params: Any) -> jax.Array:
            target = reward + options.gamma * values(params, next_observation)[next_action]
            return jnp.square(values(params, observation)[action] - target)

        gradient = jax.grad(loss)(params)
        return jax.tree.map(lambda value, slope: value - options.learning_rate * slope, params, gradient)

    return _Compiled(jax.jit(start), jax.jit(architecture.greedy_action), jax.jit(learn))
