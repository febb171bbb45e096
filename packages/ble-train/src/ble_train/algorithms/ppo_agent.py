"""The agent that learns by PPO."""

import secrets
from collections.abc import Sequence

import jax
import numpy as np

from ble_agents.agent import AgentMode
from ble_agents.exported_policy import ExportedPolicy
from ble_env import BalloonGymnaxEnv
from ble_sim.keys import seed_data
from ble_sim.seeds import seed_of_32_bits
from ble_train.algorithms.compiled_ppo import CompiledLanes, FlownSteps, begin_lanes, num_new_episodes, train_round
from ble_train.algorithms.finite import check_params, stop
from ble_train.algorithms.networks import greedy_actions
from ble_train.algorithms.options import PpoOptions
from ble_train.algorithms.ppo import METRICS, Learned, Rollout, actor_critic, draw_actions, initial, learn
from ble_train.checkpointed_agent import State
from ble_train.learner import LaneStep, Learner, learning_scope


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
        self._steps_per_round = self._num_new = 0

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
        self._steps_per_round = steps * num_lanes

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

    def begin_compiled(self, env: BalloonGymnaxEnv, num_lanes: int, seed: int, limit: int) -> CompiledLanes:
        """Begin to act in environments that `fly_and_learn` flies.

        Args:
            env: the environment.
            num_lanes: number of lanes.
            seed: of the episodes, of 32 bits.
            limit: time limit of an episode in steps.
        """
        self._steps_per_round = self.options.rollout_steps * num_lanes
        self._num_new = num_new_episodes(self._steps_per_round, limit)
        with learning_scope():
            return begin_lanes(env, seed_data(seed), num_lanes, self._num_new, limit)

    def fly_and_learn(self, env: BalloonGymnaxEnv, lanes: CompiledLanes) -> tuple[CompiledLanes, FlownSteps]:
        """Fly a rollout and learn from it, in one compiled program.

        Args:
            env: the environment.
            lanes: from `begin_compiled` or the last call; they are not to be used again.

        Returns:
            The lanes, and what their steps say of episodes, on the host.

        Raises:
            NotFiniteError: a loss or gradient is not finite, unless such updates are skipped.
        """
        with learning_scope():
            self._learned, lanes, flown, metrics, self._fault = train_round(
                env, self._architecture, self.options, self._num_new, self._learned, lanes, self._decay_steps()
            )
            flown = jax.device_get(flown)
        self._note(metrics)
        self._check_updates()
        return lanes, flown

    def _learn(self, last_observation: np.ndarray) -> None:
        self._learned, metrics, self._fault = learn(
            self._architecture, self.options, self._learned, self._rollout, last_observation, self._decay_steps()
        )
        self._num_chosen = 0
        self._note(metrics)

    def _note(self, metrics: dict[str, jax.Array]) -> None:
        """Keep the metrics of the last updates, and log them."""
        self._metrics.append(metrics)
        if self.summary_writer is not None:
            self._check_updates()
            self.log_metrics(metrics, self._steps_learned_from())

    def _check_updates(self) -> None:
        """Stop the training if the last updates were not finite, unless such updates are skipped."""
        if self._fault is not None and self.options.not_finite == "stop" and (fault := int(self._fault)):
            stop(self.get_name(), fault, f"in the updates at environment step {self._steps_learned_from()}")
        self._fault = None

    def _steps_learned_from(self) -> int:
        return int(self._learned.num_updates) * self._steps_per_round

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
