"""Evaluation while an agent is trained: the learning curve, and the best agent so far."""

from pathlib import Path
from typing import Any

from ble_agents.agent import Agent, AgentMode
from ble_train.evaluation import Evaluator
from ble_train.learning_curve import CurvePoint, LearningCurve
from ble_train.loops.records import IterationRecord

BEST_FOLDER = "best"


class Validation:
    """Evaluates an agent every so many iterations, and keeps the best in a folder of its own.

    Args:
        base_dir: the run's folder; files are learning_curve.jsonl, learning_curve.png and best/.
        agent: the agent.
        period: iterations between two evaluations; 0 for none.
        num_iterations: of the run; the last is followed by an evaluation in any case, unless there are none.
        num_episodes, max_episode_length: of an evaluation.
        title: of the picture.
        env_options: as of `BalloonEnv`.
    """

    def __init__(
        self,
        base_dir: Path,
        agent: Agent,
        period: int,
        num_iterations: int,
        num_episodes: int,
        max_episode_length: int,
        *,
        title: str,
        **env_options: Any,
    ) -> None:
        self._base_dir = base_dir
        self._agent = agent
        self._period = period
        self._num_iterations = num_iterations
        self._title = title
        self._evaluator = Evaluator(num_episodes, max_episode_length, **env_options)
        self._curve: LearningCurve | None = None

    def after(self, record: IterationRecord) -> CurvePoint | None:
        """Evaluate if it is time after this iteration."""
        if self._curve is None:  # Only now is it known where the run goes on.
            self._curve = LearningCurve(self._base_dir, self._title, record.iteration)
        done = record.iteration + 1
        if not self._period or (done % self._period and done != self._num_iterations):
            return None
        score = self._evaluator.evaluate(self._agent)
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
