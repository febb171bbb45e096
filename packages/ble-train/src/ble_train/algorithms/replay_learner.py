"""An agent that learns values from a replay memory: what quantile, dqn and finetune_perciatelli share.

The schedule is that of the original with one environment, and counts the same with many: each step of a lane is a
training step, and the updates of all training steps of a call are made before the actions are chosen.
"""

import dataclasses
import functools
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ble_agents.agent import AgentMode
from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_agents.exported_policy import Architecture, ExportedPolicy
from ble_agents.policy import memoryless_policy
from ble_sim.seeds import check_seed
from ble_train.algorithms.exploration import epsilon_greedy, marco_polo
from ble_train.algorithms.options import ReplayOptions
from ble_train.learner import LaneStep, Learner, State
from ble_train.replay import memory as replay
from ble_train.replay.memory import Batch, Memory, Slot, SumTree


@dataclasses.dataclass(frozen=True)
class ValueLearning:
    """What is estimated of the return, and how it is learned.

    Attributes:
        architecture: of the network, and how actions follow from its output.
        losses: (output at the samples' observations, the target network's at their next ones, samples) -> [batch].
        loss_name: what the loss is called in logs.
    """

    architecture: Architecture
    losses: Callable[[Any, Any, Batch], jax.Array]
    loss_name: str


class Learned(NamedTuple):
    """What updates change."""

    params: Any
    target_params: Any
    optimiser: Any
    loss: jax.Array
    """float32, of the last update."""
    loss_sum: jax.Array
    """float32, over the updates since metrics were taken."""
    num_updates: jax.Array
    """int32, since then."""


class ReplayAgent(Learner):
    """Chooses the action of the largest value, and learns values from what it remembers.

    A slot of its memory is written when the outcome of a lane's action is told. After an episode that a time limit
    ended, one more is written when the next begins: it holds the last observation, from which samples bootstrap.

    Args:
        learning: what is estimated, and how.
        seed: of the network's start and of the draws; None draws one.
        options: options.
    """

    def __init__(
        self,
        learning: ValueLearning,
        seed: int | None,
        options: ReplayOptions,
    ) -> None:
        num_actions, observation_shape = learning.architecture.num_actions, learning.architecture.observation_shape
        super().__init__(num_actions, observation_shape)
        if len(observation_shape) != 1:
            raise ValueError(f"{self.get_name()} observes vectors, not shape {observation_shape}: flatten them.")
        if options.exploration == "marco_polo":
            require_benchmark_spaces(
                "The exploration marco_polo (exploration='none' goes without)", num_actions, observation_shape
            )
        self.options = options
        self._learning = learning
        self._compiled = _compiled(learning, options)
        self._training_steps = 0
        seed = secrets.randbits(32) if seed is None else check_seed(seed)
        with jax.enable_x64(False):
            self._learner: Learned = self._compiled.start(np.uint32(seed))
        self.reseed(seed)
        self._forget_memory()

    def reseed(self, seed: int) -> None:
        """Start the random draws anew, as if constructed with `seed`."""
        with jax.enable_x64(False):
            self._key = jax.random.split(jax.random.PRNGKey(np.uint32(check_seed(seed))))[1]

    def start_lanes(self, num_lanes: int) -> None:
        """Fly in so many lanes from now on; training in another number of lanes than before forgets the memory."""
        self.num_lanes = num_lanes
        self._forget_flights()

    def step_lanes(self, lanes: LaneStep) -> np.ndarray:
        """Remember what came of the last actions, make the updates that are due, and choose the next actions.

        Raises:
            ValueError: `lanes` are of another number or shape than they should be.
            MemoryError: the first training step found too little memory for `replay_capacity`.
        """
        expected = self.num_lanes, *self._observation_shape
        if lanes.observation.shape != expected:
            raise ValueError(f"{self.get_name()} expects observations {list(expected)}, got {lanes.observation.shape}.")
        with jax.enable_x64(False):
            if self.mode is AgentMode.EVAL:
                if self._pending.flies.any():
                    self._forget_flights()
                return np.asarray(self._compiled.greedy(self._learner.params, _float32(lanes.observation)))
            terminated = lanes.terminated & ~lanes.begins
            self._remember(lanes, terminated)
            self._learn(self.num_lanes - int(terminated.sum()))
            return self._choose(lanes, terminated)

    def learned_state(self) -> State:
        """Parameters, target parameters, optimiser, counter of training steps and random state."""
        learner = self._learner
        state = {
            "params": learner.params,
            "target_params": learner.target_params,
            "optimiser": learner.optimiser,
            "training_steps": np.int64(self._training_steps),
            "key": self._key,
        }
        return _on_host(state)

    def set_learned_state(self, state: State) -> None:
        """Continue from `learned_state`."""
        with jax.enable_x64(False):
            params, target_params, optimiser, key = _copy_to_device(
                [state[name] for name in ("params", "target_params", "optimiser", "key")]
            )
            self._learner = Learned(params, target_params, optimiser, jnp.float32(0), jnp.float32(0), jnp.int32(0))
        self._key = key
        self._training_steps = int(state["training_steps"])

    def working_state(self) -> State:
        """The flights in progress, and the memory unless `save_replay` is off."""
        with jax.enable_x64(False):
            state: State = {"pending": self._pending._asdict(), "carry": self._carry}
            if self.options.save_replay:
                memory, tree = self._ensure_memory()
                state["memory"] = {
                    "slots": memory.slots._asdict(),
                    "cursor": memory.cursor,
                    "num_filled": memory.num_filled,
                    "tree": tree._asdict(),
                    "num_stored": np.int64(self._num_stored),
                    "is_torn": np.bool(self._is_torn),
                }
            return _on_host(state)

    def set_working_state(self, state: State) -> None:
        """Continue from `working_state`; one without a memory leaves the present one."""
        with jax.enable_x64(False):
            self._pending = _Pending(**jax.tree.map(np.array, state["pending"]))
            self._carry = _copy_to_device(state["carry"])
            if "memory" not in state:
                return
            self._memory = None  # Room for the one that replaces it.
            saved = state["memory"]
            memory = Memory(Slot(**saved["slots"]), saved["cursor"], saved["num_filled"])
            self._memory = _copy_to_device((memory, SumTree(**saved["tree"])))
            self._num_stored = int(saved["num_stored"])
            self._is_torn = bool(saved["is_torn"])

    def take_metrics(self) -> dict[str, float]:
        """The mean loss since the last call, with the weights of importance sampling."""
        num_updates = int(self._learner.num_updates)
        if not num_updates:
            return {}
        mean = float(self._learner.loss_sum) / num_updates
        with jax.enable_x64(False):
            self._learner = self._learner._replace(loss_sum=jnp.float32(0), num_updates=jnp.int32(0))
        return {self._learning.loss_name: mean}

    def exported_policy(self) -> ExportedPolicy:
        """The actions of the largest values, with the present parameters."""
        return ExportedPolicy(self._learning.architecture, _copy_to_device(self._learner.params))

    def _forget_flights(self) -> None:
        self._pending = _Pending(
            observation=np.zeros((self.num_lanes, *self._observation_shape), np.float32),
            action=np.zeros(self.num_lanes, np.int32),
            reward=np.zeros(self.num_lanes, np.float32),
            flies=np.zeros(self.num_lanes, bool),
        )
        with jax.enable_x64(False):
            self._carry = self._compiled.blank_carry(self.num_lanes)
        self._is_torn = True

    def _forget_memory(self) -> None:
        self._memory: tuple[Memory, SumTree] | None = None
        self._num_stored = 0

    def _ensure_memory(self) -> tuple[Memory, SumTree]:
        if self._memory is not None and self._memory[0].slots.action.shape[1] != self.num_lanes:
            self._forget_memory()
        if self._memory is None:
            options = self.options
            slots = replay.num_slots(options.replay_capacity, self.num_lanes, options.n_step)
            (size,) = self._observation_shape
            self._memory = replay.make_memory(slots, self.num_lanes, size, options.replay_dtype)
        return self._memory

    def _remember(self, lanes: LaneStep, terminated: np.ndarray) -> None:
        memory, tree = self._ensure_memory()
        last = self._pending
        # After a terminal state there is nothing to store. A single lane writes nothing then, among others it writes an
        # invalid slot. Where flights were forgotten such a slot keeps samples from running on into the next flight.
        if last.flies.any() or (self._is_torn and self._num_stored):
            slot = Slot(
                observation=last.observation,
                action=last.action,
                reward=np.where(lanes.begins, last.reward, lanes.reward).astype(np.float32),
                terminal=last.flies & terminated,
                episode_end=last.flies & (terminated | lanes.begins),
                valid=last.flies,
            )
            self._memory = self._compiled.push(memory, tree, slot)
            self._num_stored += int(last.flies.sum())
        self._is_torn = False

    def _learn(self, num_steps: int) -> None:
        """Make the updates of so many training steps."""
        options, before = self.options, self._training_steps
        self._training_steps += num_steps
        period = options.update_period
        first = -(-before // period) * period
        number = len(range(first, self._training_steps, period))
        if self._num_stored <= options.min_replay_history or not number:
            return
        memory, tree = self._ensure_memory()
        self._learner, tree, self._key = self._compiled.learn(
            self._learner, tree, self._key, memory, np.int32(first % options.target_update_period), np.int32(number)
        )
        self._memory = memory, tree
        if self.summary_writer is not None and self._learner.num_updates:
            last = first + (number - 1) * period
            self.summary_writer.add_scalar(self._learning.loss_name, float(self._learner.loss), last)

    def _choose(self, lanes: LaneStep, terminated: np.ndarray) -> np.ndarray:
        observation, reward = np.array(lanes.observation, np.float32), np.array(lanes.reward, np.float32)
        self._key, self._carry, action = self._compiled.act(
            self._learner.params, self._epsilon(), self._key, self._carry, observation, reward, lanes.begins
        )
        action = np.asarray(action)
        self._pending = _Pending(observation, action, reward, ~terminated)
        return action

    def _epsilon(self) -> np.float32:
        options = self.options
        if not options.epsilon_decay_steps:
            return np.float32(options.epsilon)
        done = (self._training_steps - options.min_replay_history) / options.epsilon_decay_steps
        return np.float32(1.0 + min(max(done, 0.0), 1.0) * (options.epsilon - 1.0))


class _Pending(NamedTuple):
    """The last choice of each lane, whose outcome is not known yet."""

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    """What was told with the observation."""
    flies: np.ndarray
    """Whether the choice is flown, or has an episode to end: False in a lane that waits for its next episode."""


class _Compiled(NamedTuple):
    start: Callable[..., Learned]
    greedy: Callable[..., jax.Array]
    act: Callable[..., tuple[jax.Array, Any, jax.Array]]
    push: Callable[..., tuple[Memory, SumTree]]
    learn: Callable[..., tuple[Learned, SumTree, jax.Array]]
    blank_carry: Callable[[int], Any]


@functools.cache
def _compiled(learning: ValueLearning, options: ReplayOptions) -> _Compiled:
    """The functions of agents that are alike."""
    architecture = learning.architecture
    network = architecture.network()
    optimiser = optax.adam(_learning_rate(options), b1=0.9, b2=0.999, eps=options.adam_eps)

    policy = epsilon_greedy(memoryless_policy(None, architecture.greedy_action), architecture.num_actions)
    if options.exploration == "marco_polo":
        policy = marco_polo(
            policy, options.exploratory_episode_probability, options.agent_phase_hours, options.walk_phase_hours
        )

    def start(seed: jax.Array) -> Learned:
        key = jax.random.split(jax.random.PRNGKey(seed))[0]
        params = network.init(key, jnp.zeros(architecture.observation_shape, jnp.float32))
        return Learned(params, params, optimiser.init(params), jnp.float32(0), jnp.float32(0), jnp.int32(0))

    def act(
        params: Any,
        epsilon: jax.Array,
        key: jax.Array,
        carry: Any,
        observation: jax.Array,
        reward: jax.Array,
        begins: jax.Array,
    ) -> tuple[jax.Array, Any, jax.Array]:
        key, own = jax.random.split(key)

        def fly(key: jax.Array, carry: Any, observation: jax.Array, reward: jax.Array, begins: jax.Array) -> Any:
            first = policy.init((params, epsilon), key, observation)
            following = policy.step((params, epsilon), key, carry, observation, reward)
            return jax.tree.map(lambda one, other: jnp.where(begins, one, other), first, following)

        keys = jax.random.split(own, len(begins))
        return key, *jax.vmap(fly)(keys, carry, observation, reward, begins)

    def push(memory: Memory, tree: SumTree, slot: Slot) -> tuple[Memory, SumTree]:
        return replay.push(memory, tree, slot, options.n_step)

    def learn(
        learner: Learned, tree: SumTree, key: jax.Array, memory: Memory, phase: jax.Array, number: jax.Array
    ) -> tuple[Learned, SumTree, jax.Array]:
        """Make `number` updates, the first at a training step that is `phase` past a copy of the target network."""

        def update(index: jax.Array, state: tuple[Learned, SumTree, jax.Array]) -> tuple[Learned, SumTree, jax.Array]:
            learner, tree, key = state
            key, own = jax.random.split(key)
            leaves, priorities = replay.draw(tree, own, options.batch_size, stratified=options.prioritized)
            batch = replay.read_samples(memory, leaves, options.n_step, options.gamma)
            following = network.apply(learner.target_params, batch.next_observation)

            def mean_loss(params: Any) -> tuple[jax.Array, jax.Array]:
                losses = learning.losses(network.apply(params, batch.observation), following, batch)
                return losses.mean(), losses

            gradient, losses = jax.grad(mean_loss, has_aux=True)(learner.params)
            changes, optimiser_state = optimiser.update(gradient, learner.optimiser)
            params: Any = optax.apply_updates(learner.params, changes)
            # The copy may be due at one of the training steps before the next update, until when nothing changes.
            is_due = -(phase + index * options.update_period) % options.target_update_period < options.update_period
            target_params = jax.tree.map(lambda new, old: jnp.where(is_due, new, old), params, learner.target_params)
            loss = losses.mean()
            if options.prioritized:
                weights = 1.0 / jnp.sqrt(priorities + 1e-10)
                loss = jnp.mean(weights / weights.max() * losses)
                tree = replay.set_priorities(tree, leaves, jnp.sqrt(losses + 1e-10))
            learner = Learned(
                params, target_params, optimiser_state, loss, learner.loss_sum + loss, learner.num_updates + 1
            )
            return learner, tree, key

        # There may be transitions and no samples: at first in many lanes, and of episodes shorter than a sample.
        number = jnp.where(tree.nodes[1] > 0.0, number, 0)
        return jax.lax.fori_loop(0, number, update, (learner, tree, key))

    def blank_carry(num_lanes: int) -> Any:
        shapes = jax.eval_shape(
            lambda: policy.init(
                (start(jnp.uint32(0)).params, jnp.float32(0.0)),
                jax.random.PRNGKey(0),
                jnp.zeros(architecture.observation_shape, jnp.float32),
            )
        )[0]
        return jax.tree.map(lambda leaf: jnp.zeros((num_lanes, *leaf.shape), leaf.dtype), shapes)

    return _Compiled(
        start=jax.jit(start),
        greedy=jax.jit(architecture.greedy_action),
        act=jax.jit(act),
        push=jax.jit(push, donate_argnums=(0, 1)),
        learn=jax.jit(learn, donate_argnums=(0, 1)),
        blank_carry=blank_carry,
    )


def _learning_rate(options: ReplayOptions) -> float | optax.Schedule:
    if not options.learning_rate_decay_steps:
        return options.learning_rate
    decay_updates = max(options.learning_rate_decay_steps // options.update_period, 1)
    return optax.linear_schedule(options.learning_rate, options.final_learning_rate, decay_updates)


def _float32(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, np.float32)


def _on_host(tree: Any) -> Any:
    # Where host and device share memory these are views; JAX gives no buffer away while there is a view of it.
    return jax.tree.map(np.asarray, tree)


def _copy_to_device(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), tree)
