"""Validation: its episodes, one by one and side by side, the curve and the best agent."""

import dataclasses
import json

import numpy as np
import pytest
from agent_fakes import OneByOne
from training_fakes import FakeEnv
from vector_fakes import DigestAgent

from ble_agents import AgentMode, create_agent
from ble_env import BalloonEnv
from ble_train.checkpoints import Checkpoints
from ble_train.learning_curve import CurvePoint, LearningCurve
from ble_train.loops.classic import iteration_seed
from ble_train.loops.records import IterationRecord
from ble_train.loops.runs import TRAINING_SEEDS, RunLength, StartPoint
from ble_train.validation import Score, Validation, validation_suite


def test_validation_seeds_are_nobody_elses():
    seeds = validation_suite(1000, 10).seeds
    assert min(seeds) > 10**6  # The suites' are smaller.
    assert max(seeds) < TRAINING_SEEDS <= iteration_seed(0, 0)


def validation(folder, agent, env=None, *, num_episodes=3, steps=10, **options):
    arguments = {"period": 1, "length": RunLength(7), "title": "a run"}
    return Validation(folder, agent, env or FakeEnv(), validation_suite(num_episodes, steps), **arguments | options)


def record(iteration, **changes):
    return dataclasses.replace(IterationRecord(iteration, 0, 100 * iteration, 0.0, None, None), **changes)


@pytest.mark.long
@pytest.mark.parametrize("agent", ["station_seeker", "random_walk"])
def test_side_by_side_or_one_by_one_the_score_is_the_same(tmp_path, agent):
    env = BalloonEnv(wind_field="simple", precision="float64")
    together = validation(tmp_path / "a", create_agent(agent), env, num_episodes=4, steps=20)
    one_by_one = OneByOne(create_agent(agent))
    alone = validation(tmp_path / "b", one_by_one, env, num_episodes=4, steps=20)
    for folder in "ab":
        (tmp_path / folder).mkdir()
    for iteration in range(2):  # A stochastic agent is reseeded for each episode: the second validation is the first.
        score, other = together.after(record(iteration)), alone.after(record(iteration))
        assert score.twr50 == other.twr50
        assert score.twr50_error == pytest.approx(other.twr50_error)
        assert score.reward == pytest.approx(other.reward, abs=1e-6)
        assert other.num_episodes == 4
    assert together._curve.points[0].reward == together._curve.points[1].reward
    assert one_by_one.modes[:2] == ["eval", "train"]
    assert one_by_one.modes[-1] == "train"


def test_a_policy_is_validated_in_place_of_the_agent(tmp_path):
    class Watched(type(create_agent("random"))):
        def begin_episode(self, observation):
            raise AssertionError

        def reseed(self, seed):
            self.num_seeds = getattr(self, "num_seeds", 0) + 1

    agent = Watched(3, (1,), seed=0)
    assert validation(tmp_path, agent).after(record(0)).num_episodes == 3
    assert agent.num_seeds == 1  # by the constructor


def test_a_learner_without_a_policy_goes_on_as_before(tmp_path):
    agent = DigestAgent()
    agent.start_lanes(6)
    agent.digest = np.arange(6.0)
    agent.learned = np.float64(3.0)
    validation(tmp_path, agent).after(record(0))
    assert agent.mode is AgentMode.TRAIN
    assert (agent.num_lanes, agent.digest.tolist(), float(agent.learned)) == (6, [0, 1, 2, 3, 4, 5], 3.0)


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
    monkeypatch.setattr(Validation, "_score", lambda self, iteration: Score(next(scores), 0.0, 1.0, 3))
    agent = DigestAgent()
    agent.start_lanes(1)
    every_second = validation(tmp_path, agent, period=2)
    points = []
    for iteration in range(7):
        agent.learned = np.float64(iteration)
        points.append(every_second.after(record(iteration)))
    assert [one and (one.iteration, one.env_steps, one.twr50) for one in points] == [
        *(None, (1, 100, 0.2)),
        *(None, (3, 300, 0.5)),
        *(None, (5, 500, 0.3)),
        (6, 600, 0.4),  # the last
    ]
    best = Checkpoints(tmp_path / "best")
    assert best.iterations() == [1, 3]
    assert best.load(3, {"agent": agent.learned_state()})["agent"]["learned"] == 3.0
    assert not (tmp_path / "best/3/agent_work").exists()


def test_without_a_period_nothing_is_validated(tmp_path):
    never = validation(tmp_path, DigestAgent(), period=0, length=RunLength(3))
    assert all(never.after(record(i)) is None for i in range(3))
    assert not (tmp_path / "learning_curve.jsonl").exists()


def test_the_last_iteration_of_a_run_in_steps_is_validated(tmp_path, monkeypatch):
    monkeypatch.setattr(Validation, "_score", lambda self, iteration: Score(0.5, 0.0, 1.0, 3))
    in_steps = validation(tmp_path, DigestAgent(), period=4, length=RunLength(num_steps=250))
    assert [in_steps.after(record(i)) is not None for i in range(4)] == [False, False, False, True]
    assert [one.iteration for one in in_steps._curve.points] == [3]


def start(last, iteration=None):
    where = last.iteration + 1 if iteration is None else iteration
    return StartPoint(where, 100, 5, 1.0, None, last, is_over=False)


def test_a_validation_that_a_kill_took_away_is_made_up_for(tmp_path, monkeypatch):
    monkeypatch.setattr(Validation, "_score", lambda self, iteration: Score(0.5, 0.0, 1.0, 3))
    every_second = validation(tmp_path, DigestAgent(), period=2)
    assert every_second.at_start(start(record(0))) is None  # It was not due.
    assert every_second.at_start(start(record(1))).iteration == 1
    again = validation(tmp_path, DigestAgent(), period=2)
    assert again.at_start(start(record(1))) is None  # It is there.
    assert again.at_start(start(None, 3)) is None  # The agent is within an iteration.
    assert [one.iteration for one in again._curve.points] == [1]
    last = validation(tmp_path, DigestAgent(), period=20, length=RunLength(5))
    assert last.at_start(start(record(4))).iteration == 4


def test_a_best_agent_whose_checkpoint_cannot_be_written_is_validated_again(tmp_path, monkeypatch):
    monkeypatch.setattr(Validation, "_score", lambda self, iteration: Score(0.5, 0.0, 1.0, 3))
    agent = DigestAgent()
    agent.start_lanes(1)

    def fail(*arguments):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(agent, "save_checkpoint", fail)
        with pytest.raises(OSError, match="no space left"):
            validation(tmp_path, agent).after(record(0))
    assert validation(tmp_path, agent).at_start(start(record(0))).twr50 == 0.5
    assert Checkpoints(tmp_path / "best").iterations() == [0]
