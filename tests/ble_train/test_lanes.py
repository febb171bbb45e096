"""Training in lanes: transitions, collectors, any vector environment, and a run that was stopped."""

import contextlib
import dataclasses
import itertools
import json

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit
from vector_fakes import DigestAgent

from ble_env.gymnasium_envs.vector import BalloonVectorEnv
from ble_train.checkpoints import Checkpoints
from ble_train.collectors.collector import Collector
from ble_train.loops.lanes import run_lane_training_loop
from ble_train.loops.records import IterationLog

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
        run_lane_training_loop(folder, envs, agent, num_iterations, [Keeper], **arguments | options)
    return seen


def test_lanes_have_gymnasiums_order_and_collectors_receive_each_step_once(envs, tmp_path):
    seen = train(tmp_path, envs)
    received = seen["agent"].received
    assert len(received) == 3 * 14  # 7 episodes of 12 steps are 14 steps of 6 environments
    assert received[0].begins.all()
    for before, after in itertools.pairwise(received):
        np.testing.assert_array_equal(after.begins, before.terminated | before.truncated)
        assert not (after.begins & (after.terminated | after.truncated)).any()
    stepped = sum(int((~lanes.begins).sum()) for lanes in received)
    records = seen["episodes"]
    last = seen["iterations"][-1]
    assert last.env_steps == stepped + NUM_ENVS - int((received[-1].terminated | received[-1].truncated).sum())
    rewards = [[step.reward for step in episode] for episode in Keeper.last.episodes]
    assert [len(episode) for episode in rewards] == [record.length for record in records]
    assert [sum(episode) for episode in rewards] == [record.reward for record in records]
    assert [record.episode for record in records] == list(range(len(records)))
    assert last.episodes == len(records)
    # The agent received these rewards, in float32.
    received_rewards = sum(float(lanes.reward[~lanes.begins].astype(np.float64).sum()) for lanes in received)
    in_progress = received_rewards - sum(record.reward for record in records)
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


@pytest.mark.parametrize("stop_at", [5, 14, 20])
def test_a_run_that_is_stopped_within_an_iteration_goes_on_as_if_it_had_not_been(envs, tmp_path, stop_at):
    whole = train(tmp_path / "whole", envs)
    agent, starts = DigestAgent(observation_shape=(1099,)), []
    first = train(tmp_path / "halves", envs, agent=agent, should_stop=lambda: len(agent.received) == stop_at)
    assert len(agent.received) == stop_at  # 14 are an iteration.
    second = train(tmp_path / "halves", envs, on_start=starts.append)
    assert first["episodes"] + second["episodes"] == whole["episodes"]
    assert first["iterations"] + second["iterations"] == [
        dataclasses.replace(record, seconds=ours.seconds)
        for record, ours in zip(whole["iterations"], first["iterations"] + second["iterations"], strict=True)
    ]
    assert second["agent"].learned == whole["agent"].learned
    assert starts[0].iteration == stop_at // 14
    assert starts[0].checkpoint.parts[-1] == "checkpoints"
    assert ("unfinished" in starts[0].checkpoint.parts) == (stop_at != 14)
    assert not (tmp_path / "halves/unfinished").exists()


def test_a_run_of_hours_ends_within_an_iteration(tmp_path, monkeypatch):
    times = iter(range(0, 10**9, 100))  # 100 s between any two looks at the clock
    monkeypatch.setattr(IterationLog.__init__, "__defaults__", (lambda: next(times),))
    agent = DigestAgent(observation_shape=(2,))
    seen = train(tmp_path, walks(), None, agent, max_episode_length=LIMIT, num_hours=0.2)
    assert len(agent.received) < 14
    assert [record.iteration for record in seen["iterations"]] == [0]
    assert seen["iterations"][0].seconds >= 720
    assert agent.planned_env_steps is None
    seen = train(tmp_path, walks(), None, DigestAgent(observation_shape=(2,)), max_episode_length=LIMIT, num_hours=0.6)
    assert seen["iterations"][0].iteration == 1
    assert seen["iterations"][-1].seconds >= 2160


def test_environments_without_a_state_begin_other_episodes_within_an_iteration(tmp_path):
    agents = [DigestAgent(observation_shape=(2,)) for _ in range(2)]
    stop = {"should_stop": lambda: len(agents[0].received) == 5}
    train(tmp_path, walks(), 1, agents[0], max_episode_length=LIMIT, **stop)
    train(tmp_path, walks(), 1, agents[1], max_episode_length=LIMIT)
    assert len(agents[1].received) == 9
    assert not np.array_equal(agents[0].received[0].observation, agents[1].received[0].observation)


def test_a_run_whose_episodes_in_progress_are_lost_goes_on_with_new_ones(envs, tmp_path):
    train(tmp_path, envs, num_iterations=1)
    like = {"agent": DigestAgent(observation_shape=(1099,)).learned_state()}
    learned = Checkpoints(tmp_path / "checkpoints").load(0, like)
    Checkpoints(tmp_path / "checkpoints").save(0, learned)
    seen = train(tmp_path, envs, num_iterations=2)
    assert [record.iteration for record in seen["iterations"]] == [1]
    assert seen["agent"].received[0].begins.all()


def test_environments_of_another_kind_are_refused(tmp_path):
    for options in ({}, {"max_episode_steps": 5, "autoreset_mode": "SameStep"}):
        bare = BalloonVectorEnv(2, wind_field="simple", tile_size=4, **options)
        with pytest.raises(ValueError, match="max_episode_steps, and the autoreset mode NEXT_STEP"):
            train(tmp_path, bare)


class Walk(gymnasium.Env):
    """A walk on a line that ends where it began to the left. It has neither a radius nor a time limit."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(4)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(0.0, 2.0)
        return self._observation(), {}

    def step(self, action):
        self.place += (int(action) - 1.5) / 2 + self.np_random.normal(0.0, 0.1)
        return self._observation(), self.place, self.place < -1.0, False, {}

    def _observation(self):
        return np.array([self.place, 1.0], np.float32)


def walks(limit=None):
    return gymnasium.vector.SyncVectorEnv([lambda: Walk() if limit is None else TimeLimit(Walk(), limit)] * NUM_ENVS)


def test_any_vector_environment_can_be_trained_in(tmp_path):
    seen = train(
        tmp_path, walks(), max_episode_length=LIMIT, agent=DigestAgent(observation_shape=(2,)), num_iterations=4
    )
    received, records = seen["agent"].received, seen["episodes"]
    for before, after in itertools.pairwise(received):
        np.testing.assert_array_equal(after.begins, before.terminated | before.truncated)
    for lanes in received:  # A new episode begins where a walk does, also after one that was cut off.
        assert ((lanes.observation[lanes.begins, 0] >= 0.0) & (lanes.observation[lanes.begins, 0] <= 2.0)).all()
        assert not (lanes.terminated & (lanes.observation[:, 0] >= -1.0)).any()
    assert {record.terminal for record in records} == {True, False}
    assert max(record.length for record in records) == LIMIT
    assert {record.twr50 for record in records} == {None}
    rewards = [[step.reward for step in episode] for episode in Keeper.last.episodes]
    assert [sum(episode) for episode in rewards] == [record.reward for record in records]
    assert [len(episode) for episode in rewards] == [record.length for record in records]


def test_environments_without_a_state_begin_new_episodes_when_a_run_is_resumed(tmp_path):
    def train_walks(num_iterations):
        agent = DigestAgent(observation_shape=(2,))
        return train(tmp_path, walks(), num_iterations, agent, max_episode_length=LIMIT)

    first, second = train_walks(1), train_walks(2)
    assert [record.iteration for record in second["iterations"]] == [1]
    assert second["agent"].received[0].begins.all()
    assert not np.array_equal(second["agent"].received[0].observation, first["agent"].received[0].observation)
    assert second["episodes"][0].episode == len(first["episodes"])
    assert second["iterations"][0].episodes == len(first["episodes"]) + len(second["episodes"])
    assert float(second["agent"].learned) != 0.0


class TwoActions(DigestAgent):
    def step_lanes(self, lanes):
        return super().step_lanes(lanes) % 2


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_the_environments_own_time_limit_is_used_and_some_are_only_reset_together(tmp_path, mode):
    envs = gymnasium.make_vec("CartPole-v1", NUM_ENVS, mode, max_episode_steps=LIMIT)
    seen = train(tmp_path, envs, agent=TwoActions(2, (4,)))
    lengths = [record.length for record in seen["episodes"]]
    assert max(lengths) == LIMIT
    assert (min(lengths) < 8) == (mode == "sync")  # No pole falls so soon: these were cut off.


def test_environments_that_are_only_reset_together_keep_their_time_limit(tmp_path):
    envs = gymnasium.make_vec("CartPole-v1", NUM_ENVS, "vector_entry_point", max_episode_steps=LIMIT)
    with pytest.raises(ValueError, match="only reset together: 5 steps must be their own time limit"):
        train(tmp_path, envs, agent=TwoActions(2, (4,)), max_episode_length=5)


def test_a_runs_length_may_be_given_in_steps(tmp_path):
    agent = DigestAgent(observation_shape=(2,))
    seen = train(tmp_path, walks(), None, agent, max_episode_length=LIMIT, num_steps=200)
    steps = [record.env_steps for record in seen["iterations"]]
    assert steps[-2] < 200 <= steps[-1]
    assert agent.planned_env_steps == 200
    train(tmp_path, walks(), 4, agent, max_episode_length=LIMIT)
    assert agent.planned_env_steps == 4 * 14 * NUM_ENVS
