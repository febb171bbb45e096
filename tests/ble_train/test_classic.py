import dataclasses
import functools
import json
import shutil

import gymnasium
import numpy as np
import pytest
from training_fakes import FAILING_STEPS, FakeAgent, FakeEnv
from vector_fakes import DigestAgent

from ble_agents import AgentMode, create_agent
from ble_train.checkpoints import CheckpointWarning
from ble_train.collectors.collector import Collector
from ble_train.collectors.construction import create_collector_constructors
from ble_train.collectors.dispatcher import CollectorWarning
from ble_train.loops.classic import iteration_seed, run_training_loop
from ble_train.loops.records import EpisodeRecord, IterationLog, IterationRecord
from ble_train.loops.runs import TRAINING_SEEDS
from ble_train.loops.unfinished import Position, UnfinishedIteration


class Recorder(Collector):
    """Keeps what it receives; a third party's collector with the original's constructor."""

    def __init__(self, base_dir, num_actions, current_episode):
        super().__init__(base_dir, num_actions, current_episode)
        self.received = []

    def get_name(self):
        return "recorder"

    def pre_training(self):
        self.received.append("pre_training")

    def begin_episode(self):
        self.received.append("begin_episode")

    def step(self, statistics):
        self.received.append(statistics)

    def end_episode(self, statistics):
        self.received.append(statistics)
        self.current_episode += 1

    def end_training(self):
        self.received.append("end_training")


@pytest.fixture
def recorders():
    return []


@pytest.fixture
def make_recorder(recorders):
    def make(*arguments):
        recorders.append(Recorder(*arguments))
        return recorders[-1]

    return make


def train(base_dir, env=None, agent=None, *, iterations=1, max_length=6, collectors=(), episodes=2, **options):
    env, agent = env or FakeEnv(), agent or FakeAgent()
    run_training_loop(
        base_dir, env, agent, iterations, max_length, collectors, episodes_per_iteration=episodes, **options
    )
    return env, agent


def iteration_lines(base_dir):
    return [json.loads(line) for line in (base_dir / "iterations.jsonl").read_text().splitlines()]


def test_the_agent_is_stepped_at_a_time_limit_and_not_at_a_terminal_state(tmp_path):
    _, agent = train(tmp_path)
    training = ("set_mode", AgentMode.TRAIN)
    failing = [("begin_episode", 0.0), *[("step", float(n), n) for n in (1, 2, 3)], ("end_episode", 4.0, True)]
    limited = [("begin_episode", 0.0), *[("step", float(n), n) for n in range(1, 7)], ("end_episode", 6.0, False)]
    assert agent.calls == [training, training, *failing, *limited, ("save_checkpoint", 0)]  # the first at construction
    assert type(agent.calls[3][1]) is float


def test_the_environments_own_time_limit_is_one_too(tmp_path):
    _, agent = train(tmp_path, FakeEnv(fails=False, truncated_at=2), episodes=1)
    assert agent.calls[2:-1] == [
        ("begin_episode", 0.0),
        ("step", 1.0, 1.0),
        ("step", 2.0, 2.0),
        ("end_episode", 2.0, False),
    ]


def test_a_terminal_state_at_the_time_limit_is_terminal(tmp_path):
    _, agent = train(tmp_path, FakeEnv(truncated_at=FAILING_STEPS), max_length=FAILING_STEPS, episodes=1)
    assert agent.calls[-3:-1] == [("step", 3.0, 3.0), ("end_episode", 4.0, True)]


def test_collectors_receive_every_transition_with_the_action_taken(tmp_path, make_recorder, recorders):
    env, _ = train(tmp_path, collectors=[make_recorder])
    (recorder,) = recorders
    assert recorder.received[0] == "pre_training"
    assert recorder.received[-1] == "end_training"
    second = recorder.received.index("begin_episode", 2)
    for begin, end, terminal in ((1, second, True), (second, -1, False)):
        assert recorder.received[begin] == "begin_episode"
        *steps, last = recorder.received[begin + 1 : end]
        assert [statistics.step for statistics in steps] == list(range(len(steps)))
        assert [statistics.reward for statistics in steps] == [float(n) for n in range(1, len(steps) + 1)]
        assert [statistics.action for statistics in steps] == [n % 3 for n in range(len(steps))]
        assert [statistics.terminal for statistics in steps] == [False] * (len(steps) - 1) + [terminal]
        assert (last.step, last.action, last.reward, last.terminal) == (
            len(steps),
            steps[-1].action,
            steps[-1].reward,
            terminal,
        )
        assert [type(value) for value in (last.action, last.reward, last.terminal)] == [int, float, bool]
    assert env.actions == [0, 1, 2, 0, 0, 1, 2, 0, 1, 2]


def test_a_resumed_run_goes_on_after_its_newest_checkpoint(tmp_path, make_recorder, recorders):
    train(tmp_path, iterations=2, episodes=3)
    _, agent = train(tmp_path, iterations=4, episodes=3, collectors=[make_recorder])
    assert [call for call in agent.calls if call[0] == "save_checkpoint"] == [
        ("save_checkpoint", 2),
        ("save_checkpoint", 3),
    ]
    (recorder,) = recorders
    assert recorder.received.count("begin_episode") == 6
    assert recorder.current_episode == 12  # It received those from number 6 on.


def test_a_run_that_is_complete_does_nothing_more(tmp_path):
    train(tmp_path, iterations=2)
    before = iteration_lines(tmp_path)
    _, agent = train(tmp_path, iterations=2)
    assert all(call[0] == "set_mode" for call in agent.calls)
    assert iteration_lines(tmp_path) == before


def test_progress_is_reported(tmp_path):
    episodes, iterations = [], []
    train(tmp_path, iterations=2, on_episode=episodes.append, on_iteration=iterations.append)
    failing = {"reward": 10.0, "length": 4, "terminal": True, "twr50": 0.5}
    limited = {"reward": 21.0, "length": 6, "terminal": False, "twr50": 0.5}
    assert episodes == [
        EpisodeRecord(iteration=0, episode=0, env_steps=4, **failing),
        EpisodeRecord(iteration=0, episode=1, env_steps=10, **limited),
        EpisodeRecord(iteration=1, episode=2, env_steps=14, **failing),
        EpisodeRecord(iteration=1, episode=3, env_steps=20, **limited),
    ]
    assert iterations == [IterationRecord(**line) for line in iteration_lines(tmp_path)]
    assert [(line["iteration"], line["episodes"], line["env_steps"]) for line in iteration_lines(tmp_path)] == [
        (0, 2, 10),
        (1, 4, 20),
    ]
    assert [(line["mean_reward"], line["twr50"]) for line in iteration_lines(tmp_path)] == [(15.5, 0.5)] * 2
    assert 0 < iterations[0].seconds < iterations[1].seconds


def test_iterations_are_kept_once_and_counted_on_after_a_resume(tmp_path):
    train(tmp_path, iterations=3)
    first = iteration_lines(tmp_path)
    (tmp_path / "checkpoints" / "2").unlink()
    episodes = []
    train(tmp_path, iterations=4, on_episode=episodes.append)
    lines = iteration_lines(tmp_path)
    assert lines[:2] == first[:2]
    assert [line["iteration"] for line in lines] == [0, 1, 2, 3]
    assert [line["env_steps"] for line in lines] == [10, 20, 30, 40]
    assert lines[2]["seconds"] > first[1]["seconds"]
    assert episodes[0].env_steps == 24
    assert [episode.episode for episode in episodes] == [4, 5, 6, 7]


def test_time_goes_on_from_the_runs_before(tmp_path):
    path = tmp_path / "iterations.jsonl"
    episode = EpisodeRecord(0, 0, 1.0, 1, True, None, 1)
    times = iter([100.0, 107.0])
    assert IterationLog(path, 0, lambda: next(times)).append(0, [episode]).seconds == 7.0
    times = iter([2000.0, 2005.0])
    assert IterationLog(path, 1, lambda: next(times)).append(1, [episode]).seconds == 12.0


def test_an_environment_that_knows_no_radius_and_rewards_that_are_no_numbers(tmp_path):
    log = IterationLog(tmp_path / "iterations.jsonl", 0)
    record = log.append(0, [EpisodeRecord(0, 0, float("nan"), 1, True, None, 1)])
    assert record.mean_reward is None
    assert record.twr50 is None
    assert iteration_lines(tmp_path)[0]["mean_reward"] is None


def test_an_iteration_in_which_no_episode_ended(tmp_path):
    log = IterationLog(tmp_path / "iterations.jsonl", 0)
    log.num_episodes = 7
    record = log.append(0, [])
    assert (record.episodes, record.mean_reward, record.twr50) == (7, None, None)


def test_an_iteration_without_its_checkpoint_is_flown_and_noted_again(tmp_path):
    class FullDisk(FakeAgent):
        def save_checkpoint(self, checkpoint_dir, iteration_number):
            raise OSError("no space left")

    train(tmp_path)
    with pytest.raises(OSError, match="no space left"):
        train(tmp_path, agent=FullDisk(), iterations=2)
    train(tmp_path, iterations=2)
    assert [(line["iteration"], line["env_steps"]) for line in iteration_lines(tmp_path)] == [(0, 10), (1, 20)]


def test_a_failing_collector_does_not_stop_the_training(tmp_path, make_recorder, recorders):
    class Failing(Recorder):
        def step(self, statistics):
            raise RuntimeError("as intended")

    with pytest.warns(CollectorWarning, match="Failing failed in step"):
        train(tmp_path, collectors=[Failing, make_recorder])
    assert recorders[0].received[-1] == "end_training"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_collectors_are_closed_when_the_training_breaks_off(tmp_path, make_recorder, recorders, error):
    def stop(record):
        raise error

    with pytest.raises(error):
        train(tmp_path, collectors=[make_recorder], on_episode=stop)
    assert recorders[0].received.count("begin_episode") == 1
    assert recorders[0].received[-1] == "end_training"


class WithWriter(Recorder):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.summary_writer = "writer"


def test_the_agent_gets_the_collectors_writer(tmp_path):
    _, agent = train(tmp_path / "with", collectors=[Recorder, WithWriter])
    assert agent.summary_writer == "writer"
    _, agent = train(tmp_path / "without", collectors=[Recorder])
    assert agent.summary_writer is None


def test_the_writer_of_a_collector_that_failed_is_taken_back(tmp_path):
    class Failing(WithWriter):
        def end_episode(self, statistics):
            raise OSError("no space left")

    writers = []
    agent = FakeAgent()
    with pytest.warns(CollectorWarning, match="Failing failed in end_episode"):
        train(
            tmp_path, agent=agent, collectors=[Failing], on_episode=lambda record: writers.append(agent.summary_writer)
        )
    assert writers == [None, None]


def test_rendering_has_its_period_and_needs_a_mode(tmp_path):
    env = FakeEnv(fails=False, render_mode="ansi")
    train(tmp_path / "a", env, max_length=12, episodes=1, render_period=5)
    assert env.rendered_at == [1, 6, 11]
    silent, _ = train(tmp_path / "b", render_period=5)
    assert silent.rendered_at == []


def test_with_a_seed_each_iteration_begins_with_its_own(tmp_path):
    env, _ = train(tmp_path, iterations=3, episodes=2, seed=5)
    seeds = [iteration_seed(5, iteration) for iteration in range(3)]
    assert env.seeds == [seeds[0], None, seeds[1], None, seeds[2], None]
    (tmp_path / "checkpoints" / "2").unlink()
    resumed, _ = train(tmp_path, iterations=3, episodes=2, seed=5)
    assert resumed.seeds == [seeds[2], None]


def test_without_a_seed_no_reset_has_one(tmp_path):
    env, _ = train(tmp_path, iterations=2)
    assert env.seeds == [None] * 4


def test_seeds_of_iterations_are_apart_from_each_other_and_from_those_of_evaluations():
    seeds = {iteration_seed(seed, iteration) for seed in range(20) for iteration in range(20)}
    assert len(seeds) == 400
    assert all(TRAINING_SEEDS <= seed < 2**32 for seed in seeds)
    assert all(type(seed) is int for seed in seeds)


@pytest.mark.parametrize("name", ["num_iterations", "max_episode_length", "render_period", "episodes_per_iteration"])
def test_numbers_below_one_are_refused(tmp_path, name):
    options = {"num_iterations": 1, "max_episode_length": 1, "render_period": 1, "episodes_per_iteration": 1, name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        run_training_loop(tmp_path / "run", FakeEnv(), FakeAgent(), collector_constructors=[], **options)
    assert not (tmp_path / "run").exists()


def test_a_seed_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not -1"):
        train(tmp_path, seed=-1)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(NotADirectoryError, match=r"run, is a file\. Choose another"):
        train(tmp_path / "run")


def test_actions_that_are_not_counted_are_refused(tmp_path):
    env = FakeEnv()
    env.action_space = gymnasium.spaces.Box(0, 1)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="counted from 0, but the environment takes Box"):
        train(tmp_path, env)


def test_a_damaged_iterations_file_is_named(tmp_path):
    (tmp_path / "iterations.jsonl").write_text("nothing\n")
    with pytest.raises(ValueError, match=r"iterations.jsonl, line 1"):
        train(tmp_path)


def test_the_built_in_collectors_agree_over_a_resumed_run(tmp_path, capsys):
    collectors = functools.partial(create_collector_constructors, ["console", "json_lines", "pickle", "tensorboard"])
    train(tmp_path, iterations=2, collectors=collectors())
    (tmp_path / "checkpoints" / "1").unlink()
    train(tmp_path, iterations=3, collectors=collectors())
    metrics = tmp_path / "metrics"
    lines = [json.loads(line) for line in (metrics / "json_lines" / "episodes.jsonl").read_text().splitlines()]
    assert [(line["episode"], line["reward"], line["length"]) for line in lines] == [
        (number, *((10.0, 4), (21.0, 6))[number % 2]) for number in range(6)
    ]
    assert sorted(path.name for path in (metrics / "pickle").iterdir()) == [f"pickle_{n}.pkl" for n in range(6)]
    assert len((metrics / "console" / "console.log").read_text().splitlines()) == 8  # two episodes were flown again
    progress = (metrics / "tensorboard" / "progress.jsonl").read_text().splitlines()
    assert json.loads(progress[-1])["episodes"] == 6


def test_a_runs_length_may_be_given_in_steps(tmp_path):
    def steps(num_steps):
        train(tmp_path, iterations=None, num_steps=num_steps)
        return [line["env_steps"] for line in iteration_lines(tmp_path)]

    assert steps(25) == [10, 20, 30]
    assert steps(30) == [10, 20, 30]
    assert steps(31) == [10, 20, 30, 40]


@pytest.mark.parametrize("lengths", [{"iterations": None}, {"iterations": 1, "num_steps": 1}])
def test_a_runs_length_is_given_once(tmp_path, lengths):
    with pytest.raises(ValueError, match="one length: num_iterations, num_steps or num_hours"):
        train(tmp_path, **lengths)


@pytest.mark.parametrize(
    ("lengths", "steps"), [({"iterations": 3}, 3 * 2 * 6), ({"iterations": None, "num_steps": 9}, 9)]
)
def test_a_learner_knows_the_length_of_the_run(tmp_path, lengths, steps):
    agent = DigestAgent()
    train(tmp_path, agent=agent, **lengths)
    assert agent.planned_env_steps == steps


class SeededEnv(FakeEnv):
    """Observations depend on the seed and on the number of resets since, as those of ble_env do."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.stream = (seed, 0) if seed is not None else (self.stream[0], self.stream[1] + 1)
        self.rng = np.random.default_rng(self.stream)
        return self.rng.random(1, np.float32), {}

    def step(self, action):
        _, reward, terminated, truncated, info = super().step(action)
        return self.rng.random(1, np.float32), reward + 0.1 * float(action), terminated, truncated, info


@pytest.fixture
def stop_after():
    """Arguments of a loop that is stopped after so many episodes."""

    def make(episodes):
        seen = []
        return {"on_episode": seen.append, "should_stop": lambda: len(seen) == episodes}

    return make


def train_seeded(base_dir, **options):
    return train(base_dir, SeededEnv(fails=False), DigestAgent(), iterations=3, episodes=4, seed=3, **options)[1]


@pytest.mark.parametrize("episodes", [1, 3, 4, 6])
def test_a_run_that_is_stopped_within_an_iteration_goes_on_as_if_it_had_not_been(tmp_path, stop_after, episodes):
    collectors = functools.partial(create_collector_constructors, ["json_lines"])
    whole = train_seeded(tmp_path / "whole", collectors=collectors())
    options = stop_after(episodes)
    assert not run_training_loop(
        *(tmp_path / "halves", SeededEnv(fails=False), DigestAgent(), 3, 6, collectors()),
        **options,
        episodes_per_iteration=4,
        seed=3,
    )
    starts = []
    halves = train_seeded(tmp_path / "halves", collectors=collectors(), on_start=starts.append)
    assert halves.learned == whole.learned
    texts = [(tmp_path / run / "metrics/json_lines/episodes.jsonl").read_text() for run in ("whole", "halves")]
    assert texts[0] == texts[1]
    lines = [[{**line, "seconds": 0} for line in iteration_lines(tmp_path / run)] for run in ("whole", "halves")]
    assert lines[0] == lines[1]
    assert not (tmp_path / "halves/unfinished").exists()
    assert (starts[0].iteration, starts[0].num_episodes) == (episodes // 4, episodes)
    assert starts[0].env_steps == 6 * episodes
    assert (starts[0].last is None) == (episodes % 4 != 0)
    assert (tmp_path / "halves" / ("checkpoints" if episodes == 4 else "unfinished")) in [
        starts[0].checkpoint,
        *starts[0].checkpoint.parents,
    ]


def test_an_iteration_is_kept_from_time_to_time(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(UnfinishedIteration, "is_due", lambda self: True)
    monkeypatch.setattr(UnfinishedIteration, "save", lambda self, position, write: saved.append(position.done))
    train(tmp_path, episodes=3, iterations=2)
    assert saved == [1, 2, 1, 2]


def test_time_counts_from_the_last_checkpoint(tmp_path):
    times = iter([0.0, 59.0, 60.0, 100.0, 159.0, 160.0])
    unfinished = UnfinishedIteration(tmp_path, 1.0, lambda: next(times))
    assert [unfinished.is_due(), unfinished.is_due()] == [False, True]
    unfinished.clear()
    assert [unfinished.is_due(), unfinished.is_due()] == [False, True]
    assert not UnfinishedIteration(tmp_path, 0.0).is_due()


def test_an_agent_without_checkpoints_leaves_nothing_behind(tmp_path, stop_after):
    agent = create_agent("random", 3, (1,), seed=1)
    assert not run_training_loop(tmp_path, FakeEnv(), agent, 1, 6, [], **stop_after(2))
    assert not [path for path in (tmp_path / "unfinished").rglob("*") if path.is_file()]
    starts = []
    assert run_training_loop(tmp_path, FakeEnv(), agent, 1, 6, [], episodes_per_iteration=2, on_start=starts.append)
    assert starts[0].checkpoint is None


POSITION = Position(4, 2, 30, 9, 1.5, (EpisodeRecord(4, 8, float("nan"), 3, True, None, 30),))


def touch(folder):
    (folder / "4").touch()


def test_the_newest_place_of_an_iteration_is_kept(tmp_path):
    unfinished = UnfinishedIteration(tmp_path, 0.0)
    assert unfinished.newest() is None
    unfinished.save(POSITION, touch)
    folder = unfinished.save(dataclasses.replace(POSITION, done=3), touch)
    found = unfinished.newest()
    assert repr(found) == repr((dataclasses.replace(POSITION, done=3), folder))
    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == ["2"]
    assert (folder / "4").exists()


def test_a_place_that_was_not_written_to_the_end_does_not_count(tmp_path):
    unfinished = UnfinishedIteration(tmp_path, 0.0)
    folder = unfinished.save(POSITION, touch)

    def fail(folder):
        touch(folder)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        unfinished.save(POSITION, fail)
    assert unfinished.newest()[1] == folder
    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == ["1"]
    unfinished.save(POSITION, touch)
    shutil.copytree(tmp_path / "unfinished/2", tmp_path / "unfinished/7.tmp")  # as a kill leaves it
    unfinished.clear()
    assert not (tmp_path / "unfinished").exists()


def test_a_damaged_place_is_reported_and_files_of_others_stay(tmp_path):
    unfinished = UnfinishedIteration(tmp_path, 0.0)
    folder = unfinished.save(POSITION, touch)
    (tmp_path / "unfinished/notes").mkdir()
    (folder.parent / "position.json").write_text("{")
    with pytest.warns(CheckpointWarning, match="its iteration begins again"):
        assert unfinished.newest() is None
    unfinished.clear()
    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == ["notes"]


def test_a_place_before_the_newest_checkpoint_is_old(tmp_path, stop_after):
    train_seeded(tmp_path, **stop_after(2))
    shutil.copytree(tmp_path / "unfinished", tmp_path / "copy")
    train_seeded(tmp_path)
    (tmp_path / "copy").rename(tmp_path / "unfinished")
    starts = []
    train_seeded(tmp_path, on_start=starts.append)
    assert (starts[0].iteration, starts[0].is_over) == (3, True)


def test_a_damaged_checkpoint_within_an_iteration_falls_back_to_the_one_before(tmp_path, stop_after):
    train_seeded(tmp_path, **stop_after(6))
    damaged = next((tmp_path / "unfinished").glob("*/checkpoints/1/agent"))
    shutil.rmtree(damaged)
    starts = []
    with pytest.warns(CheckpointWarning, match="Continues from the checkpoint before"):
        train_seeded(tmp_path, on_start=starts.append)
    assert (starts[0].iteration, starts[0].num_episodes) == (1, 4)


def test_a_run_of_hours_ends_with_the_episode_and_counts_the_time_before(tmp_path, monkeypatch):
    times = iter(range(0, 10**9, 100))  # 100 s between any two looks at the clock
    monkeypatch.setattr(IterationLog.__init__, "__defaults__", (lambda: next(times),))
    hours = {"iterations": None, "episodes": 50}
    train(tmp_path, agent=DigestAgent(), num_hours=0.5, **hours)
    (line,) = iteration_lines(tmp_path)
    assert 1 <= line["episodes"] < 20
    assert line["seconds"] >= 1800
    starts = []
    agent = DigestAgent()
    train(tmp_path, agent=DigestAgent(), num_hours=0.5, on_start=starts.append, **hours)
    assert starts[0].is_over
    train(tmp_path, agent=agent, num_hours=1.0, **hours)
    lines = iteration_lines(tmp_path)
    assert lines[0] == line
    assert lines[-1]["seconds"] >= 3600
    assert agent.planned_env_steps is None


@pytest.mark.parametrize("hours", [0.0, -1.0, float("inf"), float("nan")])
def test_hours_are_positive(tmp_path, hours):
    with pytest.raises(ValueError, match="num_hours must be positive"):
        train(tmp_path, iterations=None, num_hours=hours)
