"""Training in lockstep: what lanes tell, collectors count, and a run that was stopped goes on with."""

import contextlib
import itertools
import json

import numpy as np
import pytest
from vector_fakes import DigestAgent

from ble_env.gymnasium_envs.vector import BalloonVectorEnv
from ble_train.checkpoints import Checkpoints
from ble_train.collectors.collector import Collector
from ble_train.loops.lanes import run_vector_training_loop

NUM_ENVS = 6
LIMIT = 12


@pytest.fixture(scope="module")
def envs():
    # As in the tests of the vector environment, whose compiled code is used again.
    return BalloonVectorEnv(NUM_ENVS, wind_field="simple", tile_size=4, max_episode_steps=LIMIT)


class Keeper(Collector):
    def __init__(self, base_dir, num_actions, current_episode):
        super().__init__(base_dir, num_actions, current_episode)
        self.episodes = []
        Keeper.last = self

    def get_name(self):
        return "keeper"

    def begin_episode(self):
        self.episodes.append([])

    def step(self, statistics):
        self.episodes[-1].append(statistics)


class StopError(Exception):
    pass


def train(folder, envs, num_iterations=3, agent=None, stop_after=None, **options):
    agent = agent or DigestAgent(observation_shape=(1099,))
    seen = {"episodes": [], "iterations": [], "agent": agent}

    def count(record):
        seen["iterations"].append(record)
        if record.iteration == stop_after:
            raise StopError

    arguments = {"episodes_per_iteration": 7, "seed": 5, "on_episode": seen["episodes"].append, "on_iteration": count}
    with contextlib.suppress(StopError):
        run_vector_training_loop(folder, envs, agent, num_iterations, [Keeper], **arguments | options)
    return seen


def test_lanes_tell_episodes_as_gymnasium_does_and_collectors_see_each_step_once(envs, tmp_path):
    seen = train(tmp_path, envs)
    told = seen["agent"].told
    assert len(told) == 3 * 14  # 7 episodes of 12 steps are 14 steps of 6 environments
    assert told[0].begins.all()
    for before, after in itertools.pairwise(told):
        np.testing.assert_array_equal(after.begins, before.terminated | before.truncated)
        assert not (after.begins & (after.terminated | after.truncated)).any()
    flown = sum(int((~lanes.begins).sum()) for lanes in told)
    records = seen["episodes"]
    last = seen["iterations"][-1]
    assert last.env_steps == flown + NUM_ENVS - int((told[-1].terminated | told[-1].truncated).sum())
    rewards = [[step.reward for step in episode] for episode in Keeper.last.episodes]
    assert [len(episode) for episode in rewards] == [record.length for record in records]
    assert [sum(episode) for episode in rewards] == [record.reward for record in records]
    assert [record.episode for record in records] == list(range(len(records)))
    assert last.episodes == len(records)
    # The agent was told these rewards, in float32.
    told_rewards = sum(float(lanes.reward[~lanes.begins].astype(np.float64).sum()) for lanes in told)
    in_progress = told_rewards - sum(record.reward for record in records)
    assert -1e-3 < in_progress < NUM_ENVS * LIMIT


def test_first_episodes_are_cut_off_so_that_lanes_are_spread(envs, tmp_path):
    seen = train(tmp_path, envs, num_iterations=2)
    lengths = [record.length for record in seen["episodes"]]
    assert lengths[:NUM_ENVS] != [LIMIT] * NUM_ENVS
    assert sorted(lengths)[:5] == [2, 4, 6, 8, 10]
    assert set(lengths) == {2, 4, 6, 8, 10, LIMIT}


@pytest.mark.parametrize("stop_after", [0, 1])
def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(envs, tmp_path, stop_after):
    whole = train(tmp_path / "whole", envs)
    first = train(tmp_path / "halves", envs, stop_after=stop_after)
    second = train(tmp_path / "halves", envs)
    assert first["episodes"] + second["episodes"] == whole["episodes"]
    assert second["agent"].learned == whole["agent"].learned
    lines = [
        [{**json.loads(line), "seconds": 0} for line in (tmp_path / run / "iterations.jsonl").read_text().splitlines()]
        for run in ("whole", "halves")
    ]
    assert lines[0] == lines[1]


def test_a_run_whose_episodes_in_progress_are_lost_goes_on_with_new_ones(envs, tmp_path):
    train(tmp_path, envs, num_iterations=1)
    like = {"agent": DigestAgent(observation_shape=(1099,)).learned_state()}
    learned = Checkpoints(tmp_path / "checkpoints").load(0, like)
    Checkpoints(tmp_path / "checkpoints").save(0, learned)
    seen = train(tmp_path, envs, num_iterations=2)
    assert [record.iteration for record in seen["iterations"]] == [1]
    assert seen["agent"].told[0].begins.all()


def test_environments_of_another_kind_are_refused(tmp_path):
    for options in ({}, {"max_episode_steps": 5, "autoreset_mode": "SameStep"}):
        bare = BalloonVectorEnv(2, wind_field="simple", tile_size=4, **options)
        with pytest.raises(ValueError, match="max_episode_steps, and the autoreset mode NEXT_STEP"):
            train(tmp_path, bare)
