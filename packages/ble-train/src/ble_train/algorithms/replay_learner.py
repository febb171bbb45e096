"""Values learned from a replay memory: what QR-DQN and DQN share.

The schedule is the original's for one environment, and counts the same for many: each step of a lane is a training
step, and the updates of all training steps of a call are made before the next actions are chosen. The functions below
are pure; `ReplayLearner` holds the arrays that they take and return, and calls them on schedule.
"""

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ble_agents.agent import AgentMode
from ble_agents.benchmark_spaces import require_benchmark_spaces
from ble_agents.exported_policy import Architecture, ExportedPolicy
from ble_agents.policy import Policy, memoryless_policy
from ble_sim.keys import as_key, seed_data
from ble_sim.seeds import seed_of_32_bits
from ble_train.algorithms.exploration import epsilon_greedy, marco_polo
from ble_train.algorithms.finite import check_params, fault_of, stop, unless, vectors
from ble_train.algorithms.networks import greedy_actions, initial_params, require_vectors
from ble_train.algorithms.options import ReplayOptions
from ble_train.checkpointed_agent import State
from ble_train.learner import LaneStep, Learner, learning_scope
from ble_train.replay import memory as replay
from ble_train.replay.capacity import num_slots
from ble_train.replay.memory import Batch, Memory, Slot
from ble_train.replay.sum_tree import SumTree, draw, set_priorities

GROUP_SAMPLES = 256
"""Samples that the target network evaluates in one product."""


@dataclass(frozen=True)
class Objective:
    """What a network estimates of the return, and the loss of its estimates.

    Attributes:
        architecture: the network.
        losses: (network's output at the samples' observations, target network's output at the next observations,
            samples) -> float32[batch].
        loss_name: name of the loss in logs.
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
    """int32, since metrics were taken."""
    num_skipped: jax.Array
    """int32, updates left out since metrics were taken, because something was not finite."""
    fault: jax.Array
    """int32, what was not finite in the first of them; see `ble_train.algorithms.finite`."""


def values_of(actions: jax.Array, values: jax.Array) -> jax.Array:
    """Each sample's values of one action: int[batch] and [batch, actions, ...] give [batch, ...]."""
    return values[jnp.arange(len(actions)), actions]


def learning_rate(options: ReplayOptions) -> float | optax.Schedule:
    """The learning rate, or its schedule over the number of updates."""
    if not options.learning_rate_decay_steps:
        return options.learning_rate
    decay_updates = max(options.learning_rate_decay_steps // options.update_period, 1)
    return optax.linear_schedule(options.learning_rate, options.final_learning_rate, decay_updates)


def adam(options: ReplayOptions) -> optax.GradientTransformation:
    """The optimiser (Kingma & Ba 2015, https://arxiv.org/abs/1412.6980)."""
    return optax.adam(learning_rate(options), b1=0.9, b2=0.999, eps=options.adam_eps)


def with_new_metrics(params: Any, target_params: Any, optimiser: Any) -> Learned:
    """What was learned, with no updates since metrics were taken."""
    zero = jnp.float32(0), jnp.float32(0), jnp.int32(0), jnp.int32(0), jnp.int32(0)
    return Learned(params, target_params, optimiser, *zero)


def behaviour(architecture: Architecture, options: ReplayOptions) -> Policy:
    """The policy of training, with parameters (the network's, epsilon)."""
    policy = epsilon_greedy(memoryless_policy(None, architecture.greedy_action), architecture.num_actions)
    if options.exploration == "none":
        return policy
    return marco_polo(
        policy, options.exploratory_episode_probability, options.agent_phase_hours, options.walk_phase_hours
    )


def blank_carry(architecture: Architecture, options: ReplayOptions, params: Any, num_lanes: int) -> Any:
    """The carry of `behaviour` in lanes without an episode."""
    observation = jnp.zeros(architecture.observation_shape, jnp.float32)
    init = behaviour(architecture, options).init
    carry, _ = jax.eval_shape(init, (params, jnp.float32(0.0)), as_key(seed_data(0)), observation)
    return jax.tree.map(lambda leaf: jnp.zeros((num_lanes, *leaf.shape), leaf.dtype), carry)


@functools.partial(jax.jit, static_argnames=("architecture", "options"))
def act(
    architecture: Architecture,
    options: ReplayOptions,
    params: Any,
    epsilon: jax.Array,
    key: jax.Array,
    carry: Any,
    lanes: LaneStep,
) -> tuple[jax.Array, Any, jax.Array]:
    """The next actions of training: (data of the key, carry, int32[lanes]). Where an episode begins, so does the carry.

    Args:
        key: its data, uint32[2].
    """
    policy = behaviour(architecture, options)

    def act_in_lane(key: jax.Array, carry: Any, observation: jax.Array, reward: jax.Array, begins: jax.Array) -> Any:
        first = policy.init((params, epsilon), key, observation)
        following = policy.step((params, epsilon), jax.random.clone(key), carry, observation, reward)
        return jax.tree.map(lambda one, other: jnp.where(begins, one, other), first, following)

    key, own = jax.random.split(as_key(key))
    keys = jax.random.split(own, len(lanes.begins))
    arguments: Any = lanes.observation, lanes.reward, lanes.begins
    return jax.random.key_data(key), *jax.vmap(act_in_lane)(keys, carry, *arguments)


push = jax.jit(replay.push, static_argnames="n_step", donate_argnames=("memory", "tree"))


@functools.partial(jax.jit, static_argnames=("objective", "options"), donate_argnames=("learned", "tree"))
def learn(
    objective: Objective,
    options: ReplayOptions,
    learned: Learned,
    tree: SumTree,
    key: jax.Array,
    memory: Memory,
    phase: jax.Array,
    number: jax.Array,
) -> tuple[Learned, SumTree, jax.Array]:
    """Make `number` updates, the first at a training step that is `phase` past a copy of the target network.

    None is made while there are no samples: at first in many lanes, and in episodes shorter than a sample.

    Updates are made in groups of a few, none of which goes on beyond a copy. The samples of a group are drawn before
    its first update, so that the target network evaluates them in one product. In one lane a group is one update.

    Returns:
        What was learned, the priorities, and the data of the next random key.
    """
    apply = objective.architecture.network().apply
    largest = _largest_group(options, memory.slots.action.shape[1])

    def is_group_left(state: tuple[jax.Array, Learned, SumTree, jax.Array]) -> jax.Array:
        return state[0] < number

    def learn_group(
        state: tuple[jax.Array, Learned, SumTree, jax.Array],
    ) -> tuple[jax.Array, Learned, SumTree, jax.Array]:
        done, learned, tree, key = state
        next_keys, own_keys = _split_in_turn(key, largest)
        # The copy may be due at one of the training steps before the next update, until when nothing changes.
        steps = phase + (done + jnp.arange(largest)) * options.update_period
        copies = -steps % options.target_update_period < options.update_period
        size = jnp.minimum(jnp.where(copies.any(), jnp.argmax(copies) + 1, largest), number - done)

        draw_batch = functools.partial(draw, tree, batch_size=options.batch_size, stratified=options.prioritized)
        leaves, priorities = jax.vmap(draw_batch)(as_key(own_keys))
        samples = replay.read_samples(memory, leaves.ravel(), options.n_step, options.gamma)
        next_output = apply(learned.target_params, samples.next_observation)
        drawn = jax.tree.map(lambda rows: rows.reshape(*leaves.shape, *rows.shape[1:]), (samples, next_output))

        def update_next(index: jax.Array, state: tuple[Learned, SumTree]) -> tuple[Learned, SumTree]:
            batch, output = jax.tree.map(lambda rows: rows[index], drawn)
            return update(objective, options, *state, leaves[index], priorities[index], batch, output)

        learned, tree = jax.lax.fori_loop(0, size, update_next, (learned, tree))
        target_params = jax.lax.cond(
            copies[size - 1], lambda params, _: params, lambda _, old: old, learned.params, learned.target_params
        )
        return done + size, learned._replace(target_params=target_params), tree, next_keys[size - 1]

    number = jnp.where(tree.nodes[1] > 0.0, number, 0)
    return jax.lax.while_loop(is_group_left, learn_group, (jnp.zeros_like(number), learned, tree, key))[1:]


def _largest_group(options: ReplayOptions, lanes: int) -> int:
    """Updates in a group: at most those of a call."""
    return max(min(-(-lanes // options.update_period), GROUP_SAMPLES // options.batch_size), 1)


def _split_in_turn(key: jax.Array, number: int) -> tuple[jax.Array, jax.Array]:
    """Split a key, then the first half of it, and so on: the data of the first halves, and of the second ones."""

    def split(key: jax.Array, _: None) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        first, second = jax.random.key_data(jax.random.split(as_key(key)))
        return first, (first, second)

    return jax.lax.scan(split, key, length=number)[1]


def update(
    objective: Objective,
    options: ReplayOptions,
    learned: Learned,
    tree: SumTree,
    leaves: jax.Array,
    priorities: jax.Array,
    batch: Batch,
    next_output: Any,
) -> tuple[Learned, SumTree]:
    """One step of Adam on the mean loss of a batch of samples.

    With priorities, samples are drawn in proportion to p = sqrt(their last loss); eq. 1 of Schaul et al. 2016
    (https://arxiv.org/abs/1511.05952). As in the original, the weights of importance sampling (section 3.4 there, with
    beta = 1/2) enter the logged loss and not the gradient.

    An update whose loss or gradient is not finite is counted. With the option not_finite="skip" it changes neither the
    parameters nor the optimiser; that takes some time, as the old ones are kept until the gradient is known.

    Args:
        objective: the network and the loss.
        options: the options.
        learned: what was learned.
        tree: priorities of samples.
        leaves: int32[batch], the samples that were drawn.
        priorities: float32[batch], theirs when they were drawn.
        batch: the samples.
        next_output: the target network's output at the next observations.
    """
    apply = objective.architecture.network().apply

    def mean_loss(params: Any) -> tuple[jax.Array, jax.Array]:
        losses = objective.losses(apply(params, batch.observation), next_output, batch)
        return losses.mean(), losses

    gradient, losses = jax.grad(mean_loss, has_aux=True)(learned.params)
    with jax.numpy_dtype_promotion("standard"):  # optax mixes its count of updates with floats.
        changes, optimiser = adam(options).update(gradient, learned.optimiser)
    params: Any = optax.apply_updates(learned.params, changes)
    if options.not_finite == "skip":
        fault = fault_of(losses.mean(), gradient)
        params, optimiser = unless(fault, (params, optimiser), (learned.params, learned.optimiser))
    else:
        fault = fault_of(losses.mean(), vectors(gradient))
    loss = losses.mean()
    if options.prioritized:
        weights = 1.0 / jnp.sqrt(priorities + 1e-10)
        loss = jnp.mean(weights / weights.max() * losses)
        tree = set_priorities(tree, leaves, unless(fault, jnp.sqrt(losses + 1e-10), priorities))
    skipped = (fault != 0).astype(jnp.int32)
    updated = Learned(
        params=params,
        target_params=learned.target_params,
        optimiser=optimiser,
        loss=unless(fault, loss, learned.loss),
        loss_sum=learned.loss_sum + unless(fault, loss, jnp.float32(0)),
        num_updates=learned.num_updates + 1 - skipped,
        num_skipped=learned.num_skipped + skipped,
        fault=jnp.where(learned.fault == 0, fault, learned.fault),
    )
    return updated, tree


class _Pending(NamedTuple):
    """The last choice of each lane, whose transition is not known yet: arrays [lanes, ...]."""

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    """The reward that came with the observation."""
    valid: np.ndarray
    """Whether the choice makes a slot: False after a terminal state."""


class ReplayLearner(Learner):
    """Takes the action of the largest value, and learns values from the transitions that it stores.

    A slot of the memory is written when the transition of a lane's action is known. After an episode that a time limit
    ended, one more is written when the next begins: it holds the last observation, from which samples bootstrap.

    Args:
        objective: the network and the loss.
        seed: seed of the network's start and of the random draws; None draws one.
        options: the options.

    Raises:
        ValueError: the observations are no vectors, or an exploration needs the benchmark's.
    """

    def __init__(self, objective: Objective, seed: int | None, options: ReplayOptions) -> None:
        num_actions, observation_shape = objective.architecture.num_actions, objective.architecture.observation_shape
        super().__init__(num_actions, observation_shape)
        require_vectors(self.get_name(), observation_shape)
        if options.exploration == "marco_polo":
            require_benchmark_spaces(
                "The exploration marco_polo (exploration='none' goes without)", num_actions, observation_shape
            )
        self.options = options
        self._objective = objective
        self._training_steps = 0
        self._has_learned = False
        seed = secrets.randbits(32) if seed is None else seed_of_32_bits(seed)
        with learning_scope():
            key = jax.random.split(as_key(seed_data(seed)))[0]
            params = initial_params(objective.architecture, key)
            self._learned = with_new_metrics(params, _copy_to_device(params), adam(options).init(params))
        self.reseed(seed)
        self._forget_memory()

    def start_from(self, params: Any) -> None:
        """Take the parameters of another agent's network, for the target network, too."""
        state = self.learned_state()
        params = jax.tree.map(lambda like, given: given.astype(like.dtype), state["params"], params)
        self.set_learned_state({**state, "params": params, "target_params": params})
        self._is_loaded = True

    def reseed(self, seed: int) -> None:
        """Start the random draws anew, as if constructed with `seed`."""
        with learning_scope():
            self._key = jax.random.key_data(jax.random.split(as_key(seed_data(seed_of_32_bits(seed))))[1])

    def start_lanes(self, num_lanes: int) -> None:
        """Act in so many lanes from now on; training in another number of lanes than before forgets the memory."""
        self.num_lanes = num_lanes
        self._forget_episodes()

    def step_lanes(self, lanes: LaneStep) -> np.ndarray:
        """Store the transitions, make the updates that are due, and choose the next actions.

        Raises:
            ValueError: `lanes` are of another number or shape than they should be, or too large to be stored.
            NotFiniteError: an observation or a reward is not finite, or a loss or gradient unless these are skipped.
            MemoryError: the first training step found too little memory for `replay_capacity`.
        """
        expected = self.num_lanes, *self._observation_shape
        if lanes.observation.shape != expected:
            raise ValueError(f"{self.get_name()} expects observations {list(expected)}, got {lanes.observation.shape}.")
        self.check_lanes(lanes, float(np.finfo(self.options.replay_dtype).max))
        with learning_scope():
            if self.mode is AgentMode.EVAL:
                if self._pending.valid.any():
                    self._forget_episodes()
                observation = np.asarray(lanes.observation, np.float32)
                return np.asarray(greedy_actions(self._objective.architecture, self._learned.params, observation))
            terminated = lanes.terminated & ~lanes.begins
            self._remember(lanes, terminated)
            self._learn(self.num_lanes - int(terminated.sum()))
            return self._choose(lanes, terminated)

    def _remember(self, lanes: LaneStep, terminated: np.ndarray) -> None:
        memory, tree = self._ensure_memory()
        last = self._pending
        # After a terminal state there is nothing to store. A single lane writes nothing then, among others it writes an
        # invalid slot. Where episodes were forgotten, such a slot keeps samples from running on into the next episode.
        if last.valid.any() or (self._is_torn and self._num_stored):
            slot = Slot(
                observation=last.observation,
                action=last.action,
                reward=np.where(lanes.begins, last.reward, lanes.reward).astype(np.float32),
                terminal=last.valid & terminated,
                episode_end=last.valid & (terminated | lanes.begins),
                valid=last.valid,
            )
            self._memory = push(memory, tree, slot, n_step=self.options.n_step)
            self._num_stored += int(last.valid.sum())
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
        phase = np.int32(first % options.target_update_period)
        self._learned, tree, self._key = learn(
            self._objective, options, self._learned, tree, self._key, memory, phase, np.int32(number)
        )
        self._memory = memory, tree
        self._has_learned = True
        if self.summary_writer is not None and self._learned.num_updates:
            self._check_updates()
            metrics = {self._objective.loss_name: self._learned.loss, "LearningRate": self._learning_rate()}
            self.log_metrics(metrics, first + (number - 1) * period)

    def _choose(self, lanes: LaneStep, terminated: np.ndarray) -> np.ndarray:
        lanes = lanes._replace(
            observation=np.array(lanes.observation, np.float32), reward=np.array(lanes.reward, np.float32)
        )
        architecture, params = self._objective.architecture, self._learned.params
        self._key, self._carry, action = act(
            architecture, self.options, params, self._epsilon(), self._key, self._carry, lanes
        )
        action = np.asarray(action)
        self._check_updates()
        self._pending = _Pending(lanes.observation, action, lanes.reward, ~terminated)
        return action

    def _check_updates(self) -> None:
        """Stop the training if one of the last updates was not finite, unless such updates are skipped."""
        if self._has_learned and self.options.not_finite == "stop" and (fault := int(self._learned.fault)):
            stop(self.get_name(), fault, f"in an update at training step {self._training_steps}")
        self._has_learned = False

    def _learning_rate(self) -> float:
        """Of the next update."""
        rate: Any = learning_rate(self.options)
        now: Any = rate(self._learned.optimiser[0].count) if callable(rate) else rate
        return float(now)

    def _epsilon(self) -> np.float32:
        options = self.options
        if not options.epsilon_decay_steps:
            return np.float32(options.epsilon)
        done = (self._training_steps - options.min_replay_history) / options.epsilon_decay_steps
        return np.float32(1.0 + min(max(done, 0.0), 1.0) * (options.epsilon - 1.0))

    def take_metrics(self) -> dict[str, float]:
        """Of the updates since the last call: the mean loss, with the weights of importance sampling, and counts."""
        learned, num_updates = self._learned, int(self._learned.num_updates)
        num_skipped = int(learned.num_skipped)
        if not num_updates + num_skipped:
            return {}
        with learning_scope():
            metrics = {"LearningRate": self._learning_rate()}
            self._learned = with_new_metrics(learned.params, learned.target_params, learned.optimiser)
        if num_updates:
            metrics = {self._objective.loss_name: float(learned.loss_sum) / num_updates, **metrics}
        return metrics | ({"SkippedUpdates": float(num_skipped)} if self.options.not_finite == "skip" else {})

    def exported_policy(self) -> ExportedPolicy:
        """The actions of the largest values, with the present parameters."""
        return ExportedPolicy(self._objective.architecture, _copy_to_device(self._learned.params))

    def learned_state(self) -> State:
        """Parameters, target parameters, optimiser, counter of training steps and random state."""
        state = {
            "params": self._learned.params,
            "target_params": self._learned.target_params,
            "optimiser": self._learned.optimiser,
            "training_steps": np.int64(self._training_steps),
            "key": self._key,
        }
        return _on_host(state)

    def set_learned_state(self, state: State) -> None:
        """Continue from `learned_state`."""
        check_params(self.get_name(), {name: state[name] for name in ("params", "target_params")})
        with learning_scope():
            *learned, key = _copy_to_device([state[name] for name in ("params", "target_params", "optimiser", "key")])
            self._learned = with_new_metrics(*learned)
        self._key = key
        self._training_steps = int(state["training_steps"])

    def working_state(self) -> State:
        """The episodes in progress, and the memory unless `save_replay` is off."""
        with learning_scope():
            state: State = {"pending": self._pending._asdict(), "carry": self._carry}
            if self.options.save_replay:
                # Without a memory yet this shows its shapes to a checkpoint that is read, and takes no room.
                memory, tree = self._present_memory() or self._new_memory(np)
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
        with learning_scope():
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

    def _forget_episodes(self) -> None:
        self._pending = _Pending(
            observation=np.zeros((self.num_lanes, *self._observation_shape), np.float32),
            action=np.zeros(self.num_lanes, np.int32),
            reward=np.zeros(self.num_lanes, np.float32),
            valid=np.zeros(self.num_lanes, bool),
        )
        with learning_scope():
            architecture, params = self._objective.architecture, self._learned.params
            self._carry = blank_carry(architecture, self.options, params, self.num_lanes)
        self._is_torn = True

    def _forget_memory(self) -> None:
        self._memory: tuple[Memory, SumTree] | None = None
        self._num_stored = 0

    def _present_memory(self) -> tuple[Memory, SumTree] | None:
        """The memory, unless there is none yet, or one for another number of lanes."""
        if self._memory is not None and self._memory[0].slots.action.shape[1] != self.num_lanes:
            self._forget_memory()
        return self._memory

    def _ensure_memory(self) -> tuple[Memory, SumTree]:
        self._memory = self._present_memory() or self._new_memory(jnp)
        return self._memory

    def _new_memory(self, xp: Any) -> tuple[Memory, SumTree]:
        options = self.options
        slots = num_slots(options.replay_capacity, self.num_lanes, options.n_step)
        (size,) = self._observation_shape
        return replay.make_memory(slots, self.num_lanes, size, options.replay_dtype, xp)


def _on_host(tree: Any) -> Any:
    # Where host and device share memory these are views; JAX gives no buffer away while there is a view of it.
    return jax.tree.map(np.asarray, tree)


def _copy_to_device(tree: Any) -> Any:
    return jax.device_put(tree, may_alias=False)  # `jnp.array` makes two copies.
