"""PPO: learns a policy and the expected return from rollouts of many lanes.

Schulman et al. 2017, "Proximal policy optimization algorithms" (https://arxiv.org/abs/1707.06347), algorithm 1: the
lanes act for some steps, then a few epochs of minibatches follow. Advantages are those of Schulman et al. 2016,
"High-dimensional continuous control using generalized advantage estimation" (https://arxiv.org/abs/1506.02438).
"""

import functools
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ble_agents.exported_policy import Architecture
from ble_agents.networks.network import ActorCriticOutput
from ble_sim.keys import as_key
from ble_sim.plugins.options import options_from_json
from ble_sim.plugins.registries import NETWORKS
from ble_train.algorithms.finite import fault_of, unless, vectors
from ble_train.algorithms.options import PpoOptions

CHUNK_SIZE = 256
"""Steps whose gradient a processor computes at a time: their activations fit into its cache."""
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
    """Gradient of the mean loss over some rows of the samples, and means of its parts.

    A processor computes it chunk by chunk, and an accelerator at once.
    """
    chunk_size = math.gcd(len(rows), CHUNK_SIZE) if jax.default_backend() == "cpu" else len(rows)

    def add(total: Any, rows: jax.Array) -> tuple[Any, None]:
        chunk = jax.tree.map(lambda column: column[rows], samples)
        part = jax.grad(loss, has_aux=True)(params, architecture, options, chunk, entropy_bonus)
        return jax.tree.map(jnp.add, total, part), None

    zeros = jax.tree.map(jnp.zeros_like, params), dict.fromkeys(METRICS, jnp.float32(0.0))
    total = jax.lax.scan(add, zeros, rows.reshape(-1, chunk_size))[0]
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
