"""Validation of an agent during training: the learning curve, and the checkpoint of the best agent."""

import dataclasses
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import jax
import numpy as np

from ble_agents import Agent, AgentMode, PolicyAgent
from ble_env.host.tile import fitting_size
from ble_eval.eval_lib import eval_agent
from ble_eval.suites.suite import EvaluationSuite
from ble_eval.trained import BEST_FOLDER
from ble_sim.seeds import mixed_seed
from ble_train.learner import Learner
from ble_train.learning_curve import CurvePoint, LearningCurve
from ble_train.loops.records import IterationRecord
from ble_train.loops.runs import RunLength, StartPoint, number_of_actions

FIRST_SEED = 2**30
"""Validation episodes have the seeds from here on. Suites have smaller ones, training larger ones."""


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


@dataclass
class Validation:
    """Scores an agent every few iterations, and keeps the best checkpoint in a folder of its own.

    Attributes:
        base_dir: folder of the run. The files are learning_curve.jsonl, learning_curve.png and best/.
        agent: the agent.
        env: the environment, in which no training takes place.
        suite: the episodes, see `validation_suite`.
        period: iterations from one validation to the next; 0 for none.
        title: of the picture.
        length: of the run. A validation follows its last iteration unless `period` is 0.
        seed: after a validation an agent that is no `Learner` and has no policy is reseeded from this number and the
            iteration.
    """

    base_dir: Path
    agent: Agent
    env: "gymnasium.Env[Any, Any]"
    suite: EvaluationSuite
    _: KW_ONLY
    period: int
    title: str
    length: RunLength
    seed: int = 0
    _curve: LearningCurve | None = field(default=None, init=False)

    def at_start(self, start: StartPoint) -> CurvePoint | None:
        """Begin with a run, and make up for the validation that was due after its last iteration and is missing."""
        self._curve = LearningCurve(self.base_dir, self.title, start.iteration)
        last = start.last
        if last is None or any(point.iteration == last.iteration for point in self._curve.points):
            return None
        return self.after(last)

    def after(self, record: IterationRecord) -> CurvePoint | None:
        """Validate if it is due after this iteration."""
        if self._curve is None:  # Without `at_start`.
            self._curve = LearningCurve(self.base_dir, self.title, record.iteration)
        if not self._is_due(record):
            return None
        score = self._score(record.iteration)
        point = CurvePoint(
            iteration=record.iteration,
            env_steps=record.env_steps,
            seconds=record.seconds,
            **dataclasses.asdict(score),
        )
        writer = self.agent.summary_writer
        if writer is not None:
            writer.add_scalar("Eval/TWR50", point.twr50, point.env_steps)
            writer.add_scalar("Eval/EpisodeReward", point.reward, point.env_steps)
        if self._curve.is_best(point):  # Its checkpoint first: a point in the curve says that this is done.
            self.agent.set_mode(AgentMode.EVAL)
            self.agent.save_checkpoint(str(self.base_dir / BEST_FOLDER), record.iteration)
            self.agent.set_mode(AgentMode.TRAIN)
        self._curve.add(point)
        return point

    def _score(self, iteration: int) -> Score:
        policy = self.agent.policy()
        if policy is not None:  # It is flown in place of the agent, which keeps its episodes and random draws.
            shape = self.env.observation_space.shape or ()
            stand_in = PolicyAgent(number_of_actions(self.env.action_space), shape, policy, seed=0)
            return score_agent(stand_in, self.env, self.suite)
        if not isinstance(self.agent, Learner):
            score = score_agent(self.agent, self.env, self.suite)
            self.agent.set_mode(AgentMode.TRAIN)
            self.agent.reseed(mixed_seed(self.seed, iteration))
            return score
        num_lanes = self.agent.num_lanes
        states = self.agent.learned_state(), self.agent.working_state()
        learned, working = jax.tree.map(np.array, states)  # Copies: the states may be views of what changes.
        score = score_agent(self.agent, self.env, self.suite)
        self.agent.set_mode(AgentMode.TRAIN)
        self.agent.start_lanes(num_lanes)
        self.agent.set_learned_state(learned)
        self.agent.set_working_state(working)
        return score

    def _is_due(self, record: IterationRecord) -> bool:
        if not self.period:
            return False
        return self.length.ends_with(record) or (record.iteration + 1) % self.period == 0
