"""Proximal policy optimisation: an on-policy agent for many lanes.

Schulman et al. 2017 (https://arxiv.org/abs/1707.06347): the clipped surrogate objective, eq. 7 and 9; advantages by
generalised advantage estimation, Schulman et al. 2016 (https://arxiv.org/abs/1506.02438), eq. 16.
"""

import functools
import math
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ble_agents.agent import AgentMode
from ble_agents.benchmark_spaces import NUM_ACTIONS, require_benchmark_spaces
from ble_agents.exported_policy import Architecture, ExportedPolicy
from ble_agents.networks.levels import ActorCriticOutput
from ble_env.observation.layout import NUM_FEATURES
from ble_sim.seeds import check_seed
from ble_train.algorithms.options import PpoOptions
from ble_train.learner import LaneStep, Learner, State

CHUNK_SIZE = 256
"""Steps whose gradient is computed at a time."""
METRICS = ("PolicyGain", "ValueLoss", "Entropy", "KL")


class Rollout(NamedTuple):
    """What the lanes did: arrays [steps, lanes], where a step is the choice of an action and what came of it."""

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
    is_flown: Any
    """False for the choice after an episode's end, of which nothing came."""


class Learned(NamedTuple):
    """What learning changes."""

    params: Any
    optimiser: Any
    num_updates: jax.Array
    key: jax.Array


class PpoAgent(Learner):
    """Collects rollouts from all lanes and learns after each.

    Args:
        seed: of the network's start and of the draws; None draws one.
        options: options.
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
        require_benchmark_spaces("ppo", num_actions, observation_shape)
        self.options = options
        self._compiled = _compiled(options)
        with jax.enable_x64(False):
            self._learned = self._compiled.start(secrets.randbits(32) if seed is None else check_seed(seed))
        self._metrics: list[dict[str, jax.Array]] = []

    def reseed(self, seed: int) -> None:
        """Start the random draws anew."""
        with jax.enable_x64(False):
            self._learned = self._learned._replace(key=jax.random.key_data(jax.random.key(check_seed(seed))))

    def start_lanes(self, num_lanes: int) -> None:
        """Fly in so many lanes from now on; the rollout begun is dropped."""
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
            is_flown=np.zeros((steps, num_lanes), bool),
        )
        self._num_chosen = 0

    def step_lanes(self, lanes: LaneStep) -> np.ndarray:
        """Learn when the rollout is full, and draw the next actions from the policy."""
        with jax.enable_x64(False):
            if self.mode is AgentMode.EVAL:
                return np.asarray(self._compiled.greedy(self._learned.params, lanes.observation))
            self._note_outcome(lanes)
            if self._num_chosen == self.options.rollout_steps:
                self._learn(lanes.observation)
            return self._choose(lanes.observation)

    def learned_state(self) -> State:
        """Parameters, optimiser, count of updates and random state."""
        return self._learned._asdict()

    def set_learned_state(self, state: State) -> None:
        """Continue from `learned_state`."""
        self._learned = jax.device_put(Learned(**state))

    def working_state(self) -> State:
        """The rollout begun."""
        return {"rollout": self._rollout._asdict(), "num_chosen": np.int32(self._num_chosen)}

    def set_working_state(self, state: State) -> None:
        """Continue from `working_state`."""
        self._rollout = Rollout(**jax.tree.map(np.array, state["rollout"]))
        self._num_chosen = int(state["num_chosen"])

    def take_metrics(self) -> dict[str, float]:
        """Means over the updates since the last call."""
        taken, self._metrics = self._metrics, []
        return {name: float(np.mean([metrics[name] for metrics in taken])) for name in (taken[0] if taken else ())}

    def exported_policy(self) -> ExportedPolicy:
        """The most probable actions, with the present parameters."""
        return ExportedPolicy(_architecture(self.options), self._learned.params)

    def _note_outcome(self, lanes: LaneStep) -> None:
        if self._num_chosen:
            last, rollout = self._num_chosen - 1, self._rollout
            rollout.reward[last] = lanes.reward
            rollout.terminated[last] = lanes.terminated & ~lanes.begins
            rollout.is_last[last] = lanes.terminated | lanes.truncated | lanes.begins
            rollout.is_flown[last] = ~lanes.begins

    def _choose(self, observation: np.ndarray) -> np.ndarray:
        key, action, log_probability, value = self._compiled.draw(self._learned.params, self._learned.key, observation)
        self._learned = self._learned._replace(key=key)
        now, rollout = self._num_chosen, self._rollout
        action = np.asarray(action)  # Learning that is still under way reads the rollout: wait before writing to it.
        rollout.observation[now] = observation
        rollout.action[now], rollout.log_probability[now], rollout.value[now] = action, log_probability, value
        self._num_chosen += 1
        return action

    def _learn(self, last_observation: np.ndarray) -> None:
        self._learned, metrics = self._compiled.learn(self._learned, self._rollout, last_observation)
        self._metrics.append(metrics)
        self._num_chosen = 0
        if self.summary_writer is not None:
            steps = int(self._learned.num_updates) * self._rollout.action.size
            for name, value in metrics.items():
                self.summary_writer.add_scalar(f"Train/{name}", float(value), steps)


def generalised_advantages(rollout: Rollout, last_value: jax.Array, gamma: float, gae_lambda: float) -> jax.Array:
    """Advantages of the actions, [steps, lanes]; eq. 16 of Schulman et al. 2016.

    An episode's end stops the sum: at a terminal state nothing follows, at a time limit the estimated return does.

    Args:
        rollout: what was done.
        last_value: [lanes], expected return of the observation after the last step.
        gamma, gae_lambda: the discount and the decay.
    """
    next_value = jnp.concatenate([rollout.value[1:], last_value[None]])
    follows = jnp.where(rollout.terminated, 0.0, next_value)
    errors = rollout.reward + gamma * follows - rollout.value

    def accumulate(advantage: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        error, is_last = step
        advantage = error + gamma * gae_lambda * jnp.where(is_last, 0.0, advantage)
        return advantage, advantage

    return jax.lax.scan(accumulate, jnp.zeros_like(last_value), (errors, rollout.is_last), reverse=True)[1]


def clipped_surrogate(
    log_probability: jax.Array, old_log_probability: jax.Array, advantage: jax.Array, clip_range: float
) -> jax.Array:
    """What is maximised for each step; eq. 7 of Schulman et al. 2017."""
    ratio = jnp.exp(log_probability - old_log_probability)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip_range, 1.0 + clip_range) * advantage)


class _Compiled(NamedTuple):
    start: Any
    greedy: Any
    draw: Any
    learn: Any


def _architecture(options: PpoOptions) -> Architecture:
    options = (("level_sizes", options.level_sizes), ("summary_sizes", options.summary_sizes))
    return Architecture("levels", (NUM_FEATURES,), NUM_ACTIONS, options)


@functools.cache
def _compiled(options: PpoOptions) -> _Compiled:
    """The functions of agents with these options."""
    architecture = _architecture(options)
    network = architecture.network()
    optimiser = optax.chain(
        optax.clip_by_global_norm(options.max_gradient_norm), optax.scale_by_adam(eps=1e-5), optax.scale(-1.0)
    )

    def evaluate(params: Any, observation: jax.Array) -> ActorCriticOutput:
        output: Any = network.apply(params, observation)
        return output

    def start(seed: int) -> Learned:
        key, init_key = jax.random.split(jax.random.key(seed))
        params = network.init(init_key, jnp.zeros(NUM_FEATURES))
        return Learned(params, optimiser.init(params), jnp.zeros((), jnp.int32), jax.random.key_data(key))

    def draw(params: Any, key_data: jax.Array, observation: jax.Array) -> tuple[jax.Array, ...]:
        key, own_key = jax.random.split(jax.random.wrap_key_data(key_data))
        output = evaluate(params, observation)
        log_probabilities = jax.nn.log_softmax(output.logits)
        action = jax.random.categorical(own_key, log_probabilities).astype(jnp.int32)
        chosen = jnp.take_along_axis(log_probabilities, action[..., None], axis=-1)[..., 0]
        return jax.random.key_data(key), action, chosen, output.value

    def loss(
        params: Any, batch: dict[str, jax.Array], entropy_bonus: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        output = evaluate(params, batch["observation"])
        log_probabilities = jax.nn.log_softmax(output.logits)
        chosen = jnp.take_along_axis(log_probabilities, batch["action"][:, None], axis=-1)[:, 0]
        weight = batch["weight"]
        gain = clipped_surrogate(chosen, batch["log_probability"], batch["advantage"], options.clip_range)
        entropy = -jnp.sum(jnp.exp(log_probabilities) * log_probabilities, axis=-1)
        value_error = jnp.square(output.value - batch["target"])
        terms = (gain, value_error, entropy, batch["log_probability"] - chosen)
        parts = {name: jnp.sum(weight * term) for name, term in zip(METRICS, terms, strict=True)}
        total = -parts["PolicyGain"] + options.value_weight * parts["ValueLoss"] - entropy_bonus * parts["Entropy"]
        return total, parts

    def gradient_of(params: Any, table: dict[str, jax.Array], rows: jax.Array, entropy_bonus: jax.Array) -> Any:
        """Gradient and parts of the loss over some rows, summed over chunks that fit into the processor's cache."""
        size = math.gcd(len(rows), CHUNK_SIZE)

        def add(total: Any, rows: jax.Array) -> tuple[Any, None]:
            batch = {name: column[rows] for name, column in table.items()}
            return jax.tree.map(jnp.add, total, jax.grad(loss, has_aux=True)(params, batch, entropy_bonus)), None

        zeros = jax.tree.map(jnp.zeros_like, params), dict.fromkeys(METRICS, jnp.float32(0.0))
        total = jax.lax.scan(add, zeros, rows.reshape(-1, size))[0]
        number = jnp.maximum(table["weight"][rows].sum(), 1.0)
        return jax.tree.map(lambda leaf: leaf / number, total)

    def learn(learned: Learned, rollout: Rollout, last_observation: jax.Array) -> tuple[Learned, dict[str, jax.Array]]:
        steps, lanes = rollout.action.shape
        # The critic estimates a discounted mean of the rewards, which is of the same size whatever the discount.
        rollout = rollout._replace(reward=(1.0 - options.gamma) * rollout.reward)
        last_value = evaluate(learned.params, last_observation).value
        advantage = generalised_advantages(rollout, last_value, options.gamma, options.gae_lambda)
        weight = rollout.is_flown.astype(jnp.float32)
        mean = jnp.sum(weight * advantage) / weight.sum()
        deviation = jnp.sqrt(jnp.sum(weight * jnp.square(advantage - mean)) / weight.sum())
        table = {
            "observation": rollout.observation,
            "action": rollout.action,
            "log_probability": rollout.log_probability,
            "advantage": (advantage - mean) / (deviation + 1e-8),
            "target": rollout.value + advantage,
            "weight": weight,
        }
        table = {name: column.reshape(steps * lanes, *column.shape[2:]) for name, column in table.items()}
        size = min(options.minibatch_size, steps * lanes)
        flown = learned.num_updates.astype(jnp.float32) * (steps * lanes)
        progress = jnp.minimum(flown / options.decay_steps, 1.0)
        learning_rate = options.learning_rate + progress * (options.final_learning_rate - options.learning_rate)
        entropy_bonus = options.entropy_bonus + progress * (options.final_entropy_bonus - options.entropy_bonus)

        def update(carry: tuple[Any, Any], rows: jax.Array) -> tuple[tuple[Any, Any], dict[str, jax.Array]]:
            params, optimiser_state = carry
            gradient, parts = gradient_of(params, table, rows, entropy_bonus)
            updates, optimiser_state = optimiser.update(gradient, optimiser_state)
            params = optax.apply_updates(params, jax.tree.map(lambda one: learning_rate * one, updates))
            return (params, optimiser_state), parts

        key, own_key = jax.random.split(jax.random.wrap_key_data(learned.key))
        num_minibatches = steps * lanes // size
        orders = jax.vmap(lambda key: jax.random.permutation(key, steps * lanes))(
            jax.random.split(own_key, options.epochs)
        )
        rows = orders[:, : num_minibatches * size].reshape(options.epochs * num_minibatches, size)
        (params, optimiser_state), parts = jax.lax.scan(update, (learned.params, learned.optimiser), rows)
        learned = Learned(params, optimiser_state, learned.num_updates + 1, jax.random.key_data(key))
        return learned, jax.tree.map(jnp.mean, parts)

    return _Compiled(jax.jit(start), jax.jit(architecture.greedy_action), jax.jit(draw), jax.jit(learn))
