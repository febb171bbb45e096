"""Validation: its episodes, the two ways to fly them, the curve and the best agent."""

import dataclasses
import json

import numpy as np
import pytest
from vector_fakes import DigestAgent

from ble_agents import Agent, create_agent
from ble_train.checkpoints import Checkpoints
from ble_train.evaluation import Evaluator, Score, validation_seeds
from ble_train.learning_curve import CurvePoint, LearningCurve
from ble_train.loops.classic import TRAINING_SEEDS, iteration_seed
from ble_train.loops.records import IterationRecord
from ble_train.validation import Validation


class OneByOne(Agent):
    """Another agent without its policy."""

    def __init__(self, agent):
        super().__init__(3, (1099,))
        self.agent = agent
        self.modes = []

    def set_mode(self, mode):
        if hasattr(self, "modes"):
            self.modes.append(mode.value)

    def begin_episode(self, observation):
        return self.agent.begin_episode(observation)

    def step(self, reward, observation):
        return self.agent.step(reward, observation)

    def end_episode(self, reward, terminal=True):
        self.agent.end_episode(reward, terminal)


def test_validation_seeds_are_nobody_elses():
    seeds = validation_seeds(1000)
    assert min(seeds) > 10**6  # The suites' are smaller.
    assert max(seeds) < TRAINING_SEEDS <= iteration_seed(0, 0)


def test_side_by_side_or_one_by_one_the_score_is_the_same():
    evaluator = Evaluator(4, 20, wind_field="simple", precision="float64")
    together = evaluator.evaluate(create_agent("station_seeker"))
    agent = OneByOne(create_agent("station_seeker"))
    alone = evaluator.evaluate(agent)
    assert together.twr50 == alone.twr50
    assert together.twr50_error == pytest.approx(alone.twr50_error)
    assert together.reward == pytest.approx(alone.reward, abs=1e-6)
    assert alone.num_episodes == 4
    assert agent.modes == ["eval", "train"]


def point(iteration, twr50, **changes):
    values = {"env_steps": 1000 * iteration, "seconds": 10.0 * iteration, "twr50_error": 0.1, "reward": 1.0}
    return CurvePoint(iteration=iteration, twr50=twr50, num_episodes=3, **values | changes)


def test_the_curve_is_kept_drawn_and_cut_back_by_a_resumed_run(tmp_path):
    curve = LearningCurve(tmp_path, "a run", 0)
    assert [curve.add(point(i, score)) for i, score in ((1, 0.2), (3, 0.1), (5, 0.3))] == [True, False, True]
    assert (tmp_path / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    resumed = LearningCurve(tmp_path, "a run", 4)
    assert [one.iteration for one in resumed.points] == [1, 3]
    assert resumed.add(point(5, 0.25))
    lines = (tmp_path / "learning_curve.jsonl").read_text().splitlines()
    assert [json.loads(line)["twr50"] for line in lines] == [0.2, 0.1, 0.25]


def test_the_best_agent_has_a_folder_of_its_own(tmp_path, monkeypatch):
    scores = iter([0.2, 0.5, 0.3, 0.4])
    monkeypatch.setattr(Evaluator, "evaluate", lambda self, agent: Score(next(scores), 0.0, 1.0, 3))
    agent = DigestAgent()
    agent.start_lanes(1)
    validation = Validation(tmp_path, agent, 2, 7, 3, 10, title="a run")
    told = []
    for iteration in range(7):
        agent.learned = np.float64(iteration)
        record = IterationRecord(iteration, 0, 100 * iteration, 0.0, None, None)
        told.append(validation.after(record))
    assert [one and (one.iteration, one.env_steps, one.twr50) for one in told] == [
        *(None, (1, 100, 0.2)),
        *(None, (3, 300, 0.5)),
        *(None, (5, 500, 0.3)),
        (6, 600, 0.4),  # the last
    ]
    best = Checkpoints(tmp_path / "best")
    assert best.iterations() == [1, 3]
    assert best.load(3, {"agent": agent.learned_state()})["agent"]["learned"] == 3.0
    assert not (tmp_path / "best/3/agent_work").exists()


def test_without_a_period_nothing_is_evaluated(tmp_path):
    validation = Validation(tmp_path, DigestAgent(), 0, 3, 3, 10, title="a run")
    record = IterationRecord(0, 0, 0, 0.0, None, None)
    assert all(validation.after(dataclasses.replace(record, iteration=i)) is None for i in range(3))
    assert not (tmp_path / "learning_curve.jsonl").exists()
