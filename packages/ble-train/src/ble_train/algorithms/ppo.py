"""PPO: learns a policy and the expected return from rollouts of many lanes.

Schulman et al. 2017, "Proximal policy optimization algorithms" (https://arxiv.org/abs/1707.06347), algorithm 1: the
lanes act for some steps, then a few epochs of minibatches follow. Advantages are those of Schulman et al. 2016,
"High-dimensional continuous control using generalized advantage estimation" (https://arxiv.org/abs/1506.02438).
"""

import functools
import json
import math
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ble_agents.agent import AgentMode
from ble_agents.exported_policy import Architecture, ExportedPolicy
from ble_agents.networks.network import ActorCriticOutput
from ble_sim.keys import as_key, seed_data
from ble_sim.plugins.options import options_from_json
from ble_sim.plugins.registries import NETWORKS
from ble_sim.seeds import seed_of_32_bits
from ble_train.algorithms.finite import check_params, fault_of, stop, unless, vectors
from ble_train.algorithms.networks import greedy_actions
from ble_train.algorithms.options import PpoOptions
from ble_train.checkpointed_agent import State
from ble_train.learner import LaneStep, Learner, learning_scope

CHUNK_SIZE = 256
"""Steps whose gradient is computed at a time: their activations fit into the processor's cache."""
METRICS = ("PolicyGain", "ValueLoss", "Entropy", "KL")
"""Names of the parts of the loss in logs."""


class Rollout(NamedTuple):
    """Steps of the lanes: arrays [steps, lanes, ...]. A step is the choice of an action and its transition."""

    observation: Any
    action: Any
    log_probability: Any
    """Of the action when it was chosen."""
    value: Any
    """Expected return from the observation, as estimated when the action was chosen."""
    reward: Any
    terminated: Any
    is_last: Any
    """Whether the episode ended with this step, in a terminal state or at a time limit."""
    valid: Any
    """False for the choice at an episode's end, which the environment ignores."""


class Samples(NamedTuple):
    """The steps of a rollout in any order, prepared for updates: arrays [samples, ...]."""

    observation: jax.Array
    action: jax.Array
    log_probability: jax.Array
    advantage: jax.Array
    """Advantage of the action, normalised over the rollout."""
    target: jax.Array
    """Estimate of the return from the advantages."""
    weight: jax.Array
    """1 for a valid step, 0 for another."""


class Learned(NamedTuple):
    """What learning changes."""

    params: Any
    optimiser: Any
    num_updates: jax.Array
    """int32, rollouts learned from."""
    key: jax.Array
    """Data of the random key."""


def actor_critic(num_actions: int, observation_shape: Sequence[int], options: PpoOptions) -> Architecture:
    """The network: logits [..., actions] and value [...].

    Raises:
        ValueError: no network has this name, or it has other options.
    """
    options_type = NETWORKS.get(options.network).options_type
    network_options = options_from_json(options_type, json.loads(options.network_options))
    return Architecture(options.network, tuple(observation_shape), num_actions, network_options)


def evaluate(architecture: Architecture, params: Any, observation: jax.Array) -> ActorCriticOutput:
    """Logits and value of observations."""
    output: Any = architecture.network().apply(params, observation)
    return output


def optimiser(options: PpoOptions) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2015, https://arxiv.org/abs/1412.6980) at a learning rate of 1, after limiting the norm."""
    return optax.chain(
        optax.clip_by_global_norm(options.max_gradient_norm), optax.scale_by_adam(eps=1e-5), optax.scale(-1.0)
    )


@functools.partial(jax.jit, static_argnames=("architecture", "options"))
def initial(architecture: Architecture, options: PpoOptions, key_data: jax.Array) -> Learned:
    """A random network and the optimiser's start.

    Raises:
        ValueError: the network takes other observations, or does not give logits of the actions and a value.
    """
    key, init_key = jax.random.split(as_key(key_data))
    observation = jnp.zeros(architecture.observation_shape, jnp.float32)
    try:
        params = architecture.network().init(init_key, observation)
        output = jax.eval_shape(functools.partial(evaluate, architecture), params, observation)
        shapes = output.logits.shape, output.value.shape
    except Exception as error:  # A network raises whatever its layers raise.
        raise ValueError(
            f"ppo cannot use the network {architecture.kind!r} for observations of shape"
            f" {architecture.observation_shape} and {architecture.num_actions} actions: {error}"
        ) from error
    if shapes != ((architecture.num_actions,), ()):
        raise ValueError(
            f"ppo needs logits of {architecture.num_actions} actions and a value, and the network"
            f" {architecture.kind!r} gives the shapes {shapes[0]} and {shapes[1]}."
        )
    return Learned(params, optimiser(options).init(params), jnp.zeros((), jnp.int32), jax.random.key_data(key))


@functools.partial(jax.jit, static_argnames="architecture")
def draw_actions(
    architecture: Architecture, params: Any, key_data: jax.Array, observation: jax.Array
) -> tuple[jax.Array, ...]:
    """Draw actions from the policy: (data of the next key, actions, their log probabilities, values)."""
    key, own_key = jax.random.split(as_key(key_data))
    output = evaluate(architecture, params, observation)
    log_probabilities = jax.nn.log_softmax(output.logits)
    action = jax.random.categorical(own_key, log_probabilities).astype(jnp.int32)
    return jax.random.key_data(key), action, _of_actions(log_probabilities, action), output.value


def generalised_advantages(rollout: Rollout, last_value: jax.Array, gamma: float, gae_lambda: float) -> jax.Array:
    """Advantages of the actions, [steps, lanes]; section 3 and eq. 16 of Schulman et al. 2016.

        A_t = delta_t + gamma lambda A_{t+1},    delta_t = r_t + gamma V(s_{t+1}) - V(s_t)

    An episode's end stops the sum. Nothing follows a terminal state; at a time limit the estimated return follows.

    Args:
        rollout: the steps.
        last_value: [lanes], expected return from the observation after the last step.
        gamma: the discount of a step.
        gae_lambda: the decay.
    """
    next_value = jnp.concatenate([rollout.value[1:], last_value[None]])
    follows = jnp.where(rollout.terminated, 0.0, next_value)
    errors = rollout.reward + gamma * follows - rollout.value

    def accumulate(advantage: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        error, is_last = step
        advantage = error + gamma * gae_lambda * jnp.where(is_last, 0.0, advantage)
        return advantage, advantage

    return jax.lax.scan(accumulate, jnp.zeros_like(last_value), (errors, rollout.is_last), reverse=True)[1]


def prepare(options: PpoOptions, rollout: Rollout, last_value: jax.Array) -> Samples:
    """The samples of a rollout. Means and deviations are over valid steps."""
    # The critic estimates a discounted mean of the rewards, which is of the same size whatever the discount.
    rollout = rollout._replace(reward=(1.0 - options.gamma) * rollout.reward)
    advantage = generalised_advantages(rollout, last_value, options.gamma, options.gae_lambda)
    weight = rollout.valid.astype(jnp.float32)
    mean = jnp.sum(weight * advantage) / weight.sum()
    deviation = jnp.sqrt(jnp.sum(weight * jnp.square(advantage - mean)) / weight.sum())
    samples = Samples(
        observation=rollout.observation,
        action=rollout.action,
        log_probability=rollout.log_probability,
        advantage=(advantage - mean) / (deviation + 1e-8),
        target=rollout.value + advantage,
        weight=weight,
    )
    return jax.tree.map(lambda column: column.reshape(-1, *column.shape[2:]), samples)


def clipped_surrogate(
    log_probability: jax.Array, old_log_probability: jax.Array, advantage: jax.Array, clip_range: float
) -> jax.Array:
    """What is maximised for each step: min(rho A, clip(rho, 1 - eps, 1 + eps) A); eq. 7 of Schulman et al. 2017.

    Args:
        log_probability: of the action now.
        old_log_probability: of the action when it was chosen; rho is the ratio of the two probabilities.
        advantage: A.
        clip_range: eps.
    """
    ratio = jnp.exp(log_probability - old_log_probability)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip_range, 1.0 + clip_range) * advantage)


def loss(
    params: Any, architecture: Architecture, options: PpoOptions, samples: Samples, entropy_bonus: jax.Array
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Sum over samples of -(L_clip - c_1 L_value + c_2 S), eq. 9 of Schulman et al. 2017, and of its parts."""
    output = evaluate(architecture, params, samples.observation)
    log_probabilities = jax.nn.log_softmax(output.logits)
    chosen = _of_actions(log_probabilities, samples.action)
    gain = clipped_surrogate(chosen, samples.log_probability, samples.advantage, options.clip_range)
    entropy = -jnp.sum(jnp.exp(log_probabilities) * log_probabilities, axis=-1)
    value_error = jnp.square(output.value - samples.target)
    terms = (gain, value_error, entropy, samples.log_probability - chosen)
    parts = {name: jnp.sum(samples.weight * term) for name, term in zip(METRICS, terms, strict=True)}
    total = -parts["PolicyGain"] + options.value_weight * parts["ValueLoss"] - entropy_bonus * parts["Entropy"]
    return total, parts


def gradient(
    params: Any,
    architecture: Architecture,
    options: PpoOptions,
    samples: Samples,
    rows: jax.Array,
    entropy_bonus: jax.Array,
) -> tuple[Any, dict[str, jax.Array]]:
    """Gradient of the mean loss over some rows of the samples, and means of its parts; summed chunk by chunk."""

    def add(total: Any, rows: jax.Array) -> tuple[Any, None]:
        chunk = jax.tree.map(lambda column: column[rows], samples)
        part = jax.grad(loss, has_aux=True)(params, architecture, options, chunk, entropy_bonus)
        return jax.tree.map(jnp.add, total, part), None

    zeros = jax.tree.map(jnp.zeros_like, params), dict.fromkeys(METRICS, jnp.float32(0.0))
    total = jax.lax.scan(add, zeros, rows.reshape(-1, math.gcd(len(rows), CHUNK_SIZE)))[0]
    number = jnp.maximum(samples.weight[rows].sum(), 1.0)
    return jax.tree.map(lambda leaf: leaf / number, total)


def minibatches(options: PpoOptions, key: jax.Array, number: int) -> jax.Array:
    """Rows of each update, int32[updates, minibatch size]: every epoch takes the samples in an order of its own."""
    size = min(options.minibatch_size, number)
    orders = jax.vmap(lambda key: jax.random.permutation(key, number))(jax.random.split(key, options.epochs))
    return orders[:, : number // size * size].reshape(-1, size)


@functools.partial(jax.jit, static_argnames=("architecture", "options"))
def learn(
    architecture: Architecture,
    options: PpoOptions,
    learned: Learned,
    rollout: Rollout,
    last_observation: jax.Array,
    decay_steps: jax.Array,
) -> tuple[Learned, dict[str, jax.Array], jax.Array]:
    """Learn from a rollout.

    Args:
        architecture: the network.
        options: the options.
        learned: what was learned.
        rollout: the steps.
        last_observation: [lanes, ...], after the last step.
        decay_steps: float32, environment steps at which learning rate and entropy bonus reach their end.

    Returns:
        What is learned now, metrics, and what was not finite in the first update that was skipped, see `fault_of`. The
        metrics are means of the loss's parts over the other updates, the learning rate, and the number of skipped ones.
    """
    samples = prepare(options, rollout, evaluate(architecture, learned.params, last_observation).value)
    number = rollout.action.size
    progress = jnp.minimum(learned.num_updates.astype(jnp.float32) * number / decay_steps, 1.0)
    learning_rate = options.learning_rate + progress * (options.final_learning_rate - options.learning_rate)
    entropy_bonus = options.entropy_bonus + progress * (options.final_entropy_bonus - options.entropy_bonus)

    def update(carry: tuple[Any, Any], rows: jax.Array) -> tuple[tuple[Any, Any], dict[str, jax.Array]]:
        params, old_state = carry
        slope, parts = gradient(params, architecture, options, samples, rows, entropy_bonus)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes its count of updates with floats.
            changes, state = optimiser(options).update(slope, old_state)
        moved = optax.apply_updates(params, jax.tree.map(lambda one: learning_rate * one, changes))
        total = sum(parts.values(), jnp.float32(0))
        if options.not_finite == "stop":
            return (moved, state), {**parts, "Fault": fault_of(total, vectors(slope))}
        fault = fault_of(total, slope)
        parts = unless(fault, parts, jax.tree.map(jnp.zeros_like, parts))
        return unless(fault, (moved, state), (params, old_state)), {**parts, "Fault": fault}

    key, own_key = jax.random.split(as_key(learned.key))
    rows = minibatches(options, own_key, number)
    (params, state), parts = jax.lax.scan(update, (learned.params, learned.optimiser), rows)
    faults = parts.pop("Fault")
    num_skipped = (faults != 0).sum()
    num_updates = jnp.maximum(len(faults) - num_skipped, 1).astype(jnp.float32)
    metrics = {name: part.sum() / num_updates for name, part in parts.items()}
    metrics["LearningRate"] = jnp.asarray(learning_rate, jnp.float32)
    if options.not_finite == "skip":
        metrics["SkippedUpdates"] = num_skipped.astype(jnp.float32)
    fault = faults[jnp.argmax(faults != 0)]
    return Learned(params, state, learned.num_updates + 1, jax.random.key_data(key)), metrics, fault


def _of_actions(values: jax.Array, actions: jax.Array) -> jax.Array:
    return jnp.take_along_axis(values, actions[..., None], axis=-1)[..., 0]


class PpoAgent(Learner):
    """Collects rollouts from all lanes and learns after each, with any actor-critic network.

    Args:
        num_actions: number of actions.
        observation_shape: shape of the observations.
        seed: seed of the network's start and of the random draws; None draws one.
        options: the options.

    Raises:
        ValueError: the network does not exist, has other options, or does not suit the observations and actions.
    """

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: PpoOptions = PpoOptions(),
    ) -> None:
        super().__init__(num_actions, observation_shape)
        self.options = options
        self._architecture = actor_critic(num_actions, observation_shape, options)
        seed = secrets.randbits(32) if seed is None else seed_of_32_bits(seed)
        with learning_scope():
            self._learned = initial(self._architecture, options, seed_data(seed))
        self._metrics: list[dict[str, jax.Array]] = []
        self._fault: jax.Array | None = None

    def reseed(self, seed: int) -> None:
        """Start the random draws anew."""
        self._learned = self._learned._replace(key=seed_data(seed_of_32_bits(seed)))

    def start_lanes(self, num_lanes: int) -> None:
        """Act in so many lanes from now on; the rollout in progress is dropped."""
        self.num_lanes = num_lanes
        steps = self.options.rollout_steps
        self._rollout = Rollout(
            observation=np.zeros((steps, num_lanes, *self._observation_shape), np.float32),
            action=np.zeros((steps, num_lanes), np.int32),
            log_probability=np.zeros((steps, num_lanes), np.float32),
            value=np.zeros((steps, num_lanes), np.float32),
            reward=np.zeros((steps, num_lanes), np.float32),
            terminated=np.zeros((steps, num_lanes), bool),
            is_last=np.zeros((steps, num_lanes), bool),
            valid=np.zeros((steps, num_lanes), bool),
        )
        self._num_chosen = 0

    def step_lanes(self, lanes: LaneStep) -> np.ndarray:
        """Learn when the rollout is full, and draw the next actions from the policy.

        Raises:
            NotFiniteError: an observation or a reward is not finite, or a loss or gradient unless these are skipped.
        """
        self.check_lanes(lanes)
        with learning_scope():
            if self.mode is AgentMode.EVAL:
                return np.asarray(greedy_actions(self._architecture, self._learned.params, lanes.observation))
            self._complete_step(lanes)
            if self._num_chosen == self.options.rollout_steps:
                self._learn(lanes.observation)
            return self._choose(lanes.observation)

    def _complete_step(self, lanes: LaneStep) -> None:
        if self._num_chosen:
            last, rollout = self._num_chosen - 1, self._rollout
            rollout.reward[last] = lanes.reward
            rollout.terminated[last] = lanes.terminated & ~lanes.begins
            rollout.is_last[last] = lanes.terminated | lanes.truncated | lanes.begins
            rollout.valid[last] = ~lanes.begins

    def _learn(self, last_observation: np.ndarray) -> None:
        self._learned, metrics, self._fault = learn(
            self._architecture, self.options, self._learned, self._rollout, last_observation, self._decay_steps()
        )
        self._metrics.append(metrics)
        self._num_chosen = 0
        if self.summary_writer is not None:
            self._check_updates()
            self.log_metrics(metrics, int(self._learned.num_updates) * self._rollout.action.size)

    def _check_updates(self) -> None:
        """Stop the training if the last updates were not finite, unless such updates are skipped."""
        if self._fault is not None and self.options.not_finite == "stop" and (fault := int(self._fault)):
            steps = int(self._learned.num_updates) * self._rollout.action.size
            stop(self.get_name(), fault, f"in the updates at environment step {steps}")
        self._fault = None

    def _decay_steps(self) -> np.float32:
        """Infinite where neither the options nor the run give an end."""
        return np.float32(self.options.decay_steps or self.planned_env_steps or np.inf)

    def _choose(self, observation: np.ndarray) -> np.ndarray:
        key, action, log_probability, value = draw_actions(
            self._architecture, self._learned.params, self._learned.key, observation
        )
        self._learned = self._learned._replace(key=key)
        now, rollout = self._num_chosen, self._rollout
        action = np.asarray(action)  # Learning that is still under way reads the rollout: wait before writing to it.
        self._check_updates()
        rollout.observation[now] = observation
        rollout.action[now], rollout.log_probability[now], rollout.value[now] = action, log_probability, value
        self._num_chosen += 1
        return action

    def take_metrics(self) -> dict[str, float]:
        """Of the updates since the last call: means of the loss's parts, the last learning rate, and counts."""
        taken, self._metrics = self._metrics, []
        if not taken:
            return {}
        means = {name: float(np.mean([metrics[name] for metrics in taken])) for name in METRICS}
        means["LearningRate"] = float(taken[-1]["LearningRate"])
        if self.options.not_finite == "skip":
            means["SkippedUpdates"] = float(np.sum([metrics["SkippedUpdates"] for metrics in taken]))
        return means

    def exported_policy(self) -> ExportedPolicy:
        """The most probable actions, with the present parameters."""
        return ExportedPolicy(self._architecture, self._learned.params)

    def learned_state(self) -> State:
        """Parameters, optimiser, count of updates and random state."""
        return self._learned._asdict()

    def set_learned_state(self, state: State) -> None:
        """Continue from `learned_state`."""
        check_params(self.get_name(), state["params"])
        self._learned = jax.device_put(Learned(**state))

    def working_state(self) -> State:
        """The rollout in progress."""
        return {"rollout": self._rollout._asdict(), "num_chosen": np.int32(self._num_chosen)}

    def set_working_state(self, state: State) -> None:
        """Continue from `working_state`."""
        self._rollout = Rollout(**jax.tree.map(np.array, state["rollout"]))
        self._num_chosen = int(state["num_chosen"])
