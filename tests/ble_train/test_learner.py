"""What every learner has from its base class: episodes one by one, checkpoints, a plan, logs."""

from types import SimpleNamespace

import numpy as np
import pytest
from vector_fakes import DigestAgent

from ble_train.checkpoints import CheckpointError
from ble_train.learner import Learner


def test_an_episode_is_a_lane_that_begins_it_and_sees_each_transition():
    agent = DigestAgent()
    agent.begin_episode(np.float32([1.0]))
    agent.step(2.0, np.float32([3.0]))
    agent.end_episode(4.0, terminal=True)
    agent.begin_episode(np.float32([5.0]))
    agent.step(6.0, np.float32([7.0]))  # At the time limit.
    agent.end_episode(6.0, terminal=False)
    fields = [
        (step.observation.item(), step.reward.item(), step.terminated.item(), step.begins.item())
        for step in agent.received
    ]
    assert fields == [
        (1.0, 0.0, False, True),
        (3.0, 2.0, False, False),
        (0.0, 4.0, True, False),
        (5.0, 0.0, False, True),
        (7.0, 6.0, False, False),
    ]
    assert not any(step.truncated.item() for step in agent.received)
    assert agent.num_lanes == 1


def test_checkpoints_hold_what_was_learned_and_in_training_what_resuming_needs(tmp_path):
    agent, other, evaluated = DigestAgent(), DigestAgent(), DigestAgent()
    agent.start_lanes(1)
    agent.begin_episode(np.float32([1.0]))
    agent.step(2.0, np.float32([3.0]))
    agent.save_checkpoint(str(tmp_path), 4)
    assert other.reload_latest_checkpoint(str(tmp_path)) == 4
    assert (other.learned, other.digest) == (agent.learned, agent.digest)
    evaluated.set_mode("eval")
    assert evaluated.reload_latest_checkpoint(str(tmp_path)) == 4
    assert evaluated.learned == 2.0
    assert evaluated.num_lanes == 0
    assert not evaluated.needs_checkpoint()
    evaluated.load_checkpoint(str(tmp_path), 4)
    with pytest.raises(CheckpointError, match="no checkpoint 5"):
        evaluated.load_checkpoint(str(tmp_path), 5)
    untrained = DigestAgent()
    assert untrained.reload_latest_checkpoint(str(tmp_path / "none")) == -1
    assert untrained.needs_checkpoint()
    untrained.load_checkpoint(str(tmp_path), 4)
    assert not untrained.needs_checkpoint()


class Minimal(Learner):
    """Implements what must be, and nothing else."""

    def start_lanes(self, num_lanes):
        self.num_lanes = num_lanes

    def step_lanes(self, lanes):
        return np.zeros(self.num_lanes, np.int32)

    def learned_state(self):
        return {"number": np.int32(1)}

    def set_learned_state(self, state):
        pass


def test_what_a_learner_need_not_implement(tmp_path):
    agent = Minimal(2, (3,))
    assert agent.planned_env_steps is None
    agent.plan(1000)
    assert agent.planned_env_steps == 1000
    assert (agent.working_state(), agent.take_metrics()) == ({}, {})
    assert agent.exported_policy() is None
    assert agent.policy() is None
    agent.log_metrics({"Loss": 1.0}, 3)  # There is no writer.
    agent.save_checkpoint(str(tmp_path), 0)
    assert Minimal(2, (3,)).reload_latest_checkpoint(str(tmp_path)) == 0


def test_metrics_are_logged_as_training_quantities():
    scalars = []
    agent = Minimal(2, (3,))
    agent.set_summary_writer(SimpleNamespace(add_scalar=lambda *scalar: scalars.append(scalar)))
    agent.log_metrics({"Loss": np.float32(1.5), "Entropy": 2.0}, 3)
    assert scalars == [("Train/Loss", 1.5, 3), ("Train/Entropy", 2.0, 3)]
