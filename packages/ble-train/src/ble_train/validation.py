"""Validation of an agent during training: the learning curve, and the checkpoint of the best agent."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import jax
import numpy as np

from ble_agents import Agent, AgentMode, PolicyAgent
from ble_env.host.tile import fitting_size
from ble_eval.eval_lib import eval_agent
from ble_eval.suites.suite import EvaluationSuite
from ble_train.learner import Learner
from ble_train.learning_curve import CurvePoint, LearningCurve
from ble_train.loops.records import IterationRecord
from ble_train.loops.runs import number_of_actions

FIRST_SEED = 2**30
"""Validation episodes have the seeds from here on. Suites have smaller ones, training larger ones."""

BEST_FOLDER = "best"


@dataclass(frozen=True)
class Score:
    """Means over episodes.

    Attributes:
        twr50: share of the steps that ended within the radius.
        twr50_error: its standard error.
        reward: the sum over an episode.
        num_episodes: number of episodes.
    """

    twr50: float
    twr50_error: float
    reward: float
    num_episodes: int


def validation_suite(num_episodes: int, max_episode_length: int) -> EvaluationSuite:
    """The first validation episodes. No built-in suite and no training contains them."""
    return EvaluationSuite(list(range(FIRST_SEED, FIRST_SEED + num_episodes)), max_episode_length)


def score_agent(agent: Agent, env: "gymnasium.Env[Any, Any]", suite: EvaluationSuite) -> Score:
    """Fly an agent through a suite as evaluation does. Its mode is EVAL afterwards."""
    size = fitting_size(len(suite.seeds))
    results = eval_agent(agent, env, suite, calculate_flight_path=False, tile_size=size)
    inside = [result.time_within_radius for result in results]
    error = float(np.std(inside, ddof=1) / np.sqrt(len(inside))) if len(inside) > 1 else 0.0
    reward = float(np.mean([result.cumulative_reward for result in results]))
    return Score(float(np.mean(inside)), error, reward, len(results))


class Validation:
    """Scores an agent every few iterations, and keeps the best checkpoint in a folder of its own.

    Args:
        base_dir: folder of the run. The files are learning_curve.jsonl, learning_curve.png and best/.
        agent: the agent.
        env: the environment, in which no training takes place.
        suite: the episodes, see `validation_suite`.
        period: iterations from one validation to the next; 0 for none.
        num_iterations, num_steps: length of the run, whichever of both is given. A validation follows its last
            iteration unless `period` is 0.
        seed: after a validation an agent that is no `Learner` and has no policy is reseeded from this number and the
            iteration.
        title: of the picture.
    """

    def __init__(
        self,
        base_dir: Path,
        agent: Agent,
        env: "gymnasium.Env[Any, Any]",
        suite: EvaluationSuite,
        *,
        period: int,
        num_iterations: int | None = None,
        num_steps: int | None = None,
        seed: int = 0,
        title: str,
    ) -> None:
        self._base_dir = base_dir
        self._agent = agent
        self._env = env
        self._suite = suite
        self._period = period
        self._num_iterations = num_iterations
        self._num_steps = num_steps
        self._seed = seed
        self._title = title
        self._curve: LearningCurve | None = None

    def after(self, record: IterationRecord) -> CurvePoint | None:
        """Validate if it is due after this iteration."""
        if self._curve is None:  # The first iteration of this process is known only now.
            self._curve = LearningCurve(self._base_dir, self._title, record.iteration)
        if not self._is_due(record):
            return None
        score = self._score(record.iteration)
        point = CurvePoint(
            iteration=record.iteration,
            env_steps=record.env_steps,
            seconds=record.seconds,
            twr50=score.twr50,
            twr50_error=score.twr50_error,
            reward=score.reward,
            num_episodes=score.num_episodes,
        )
        writer = self._agent.summary_writer
        if writer is not None:
            writer.add_scalar("Eval/TWR50", point.twr50, point.env_steps)
            writer.add_scalar("Eval/EpisodeReward", point.reward, point.env_steps)
        if self._curve.add(point):
            self._agent.set_mode(AgentMode.EVAL)
            self._agent.save_checkpoint(str(self._base_dir / BEST_FOLDER), record.iteration)
            self._agent.set_mode(AgentMode.TRAIN)
        return point

    def _score(self, iteration: int) -> Score:
        policy = self._agent.policy()
        if policy is not None:  # It is flown in place of the agent, which keeps its episodes and random draws.
            shape = self._env.observation_space.shape or ()
            stand_in = PolicyAgent(number_of_actions(self._env.action_space), shape, policy, seed=0)
            return score_agent(stand_in, self._env, self._suite)
        if not isinstance(self._agent, Learner):
            score = score_agent(self._agent, self._env, self._suite)
            self._agent.set_mode(AgentMode.TRAIN)
            self._agent.reseed(int(np.random.SeedSequence([self._seed, iteration]).generate_state(1)[0]))
            return score
        num_lanes = self._agent.num_lanes
        states = self._agent.learned_state(), self._agent.working_state()
        learned, working = jax.tree.map(np.array, states)  # Copies: the states may be views of what changes.
        score = score_agent(self._agent, self._env, self._suite)
        self._agent.set_mode(AgentMode.TRAIN)
        self._agent.start_lanes(num_lanes)
        self._agent.set_learned_state(learned)
        self._agent.set_working_state(working)
        return score

    def _is_due(self, record: IterationRecord) -> bool:
        if not self._period:
            return False
        done = record.iteration + 1
        is_last = done == self._num_iterations or (self._num_steps is not None and record.env_steps >= self._num_steps)
        return is_last or done % self._period == 0
