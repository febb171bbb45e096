"""The built-in collectors, each with a few short episodes."""

import json
import math
import pickle
import struct
from pathlib import Path

import pytest

from ble_train.collectors.console import ConsoleCollector
from ble_train.collectors.dispatcher import CollectorDispatcher
from ble_train.collectors.json_lines import JsonLinesCollector
from ble_train.collectors.options import ConsoleOptions, TensorboardOptions
from ble_train.collectors.pickle_collector import PickleCollector
from ble_train.collectors.statistics_instance import StatisticsInstance
from ble_train.collectors.tensorboard import TensorboardCollector
from ble_train.loops.records import IterationRecord

REWARDS = (0.25, 0.5, 1.0, 2.0)
ACTIONS = (0, 2, 2, 2)


def fly(collector, episodes=1, *, terminal=True, rewards=REWARDS, actions=ACTIONS):
    for _ in range(episodes):
        collector.begin_episode()
        last = len(rewards) - 1
        for step, (reward, action) in enumerate(zip(rewards, actions, strict=True)):
            collector.env_steps += 1  # As the dispatcher does.
            collector.step(StatisticsInstance(step, action, reward, terminal and step == last))
        collector.end_episode(StatisticsInstance(len(rewards), actions[-1], rewards[-1], terminal))


def run(constructor, base_dir, current_episode, episodes, *, is_killed=False, **options):
    collector = constructor(base_dir and str(base_dir), 3, current_episode, **options)
    collector.env_steps = len(REWARDS) * current_episode
    collector.pre_training()
    fly(collector, episodes)
    if not is_killed:
        collector.end_training()
    return collector


def read_scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The scalars and texts in a folder's event files, in the order in which TensorBoard reads them."""
    from tensorboardX.proto.event_pb2 import Event

    scalars = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])  # then a checksum of 4 bytes, and one at the end
            event = Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            for value in event.summary.value:
                number = value.tensor.string_val[0].decode() if value.HasField("tensor") else value.simple_value
                scalars.setdefault(value.tag, []).append((event.step, number))
    return scalars


@pytest.mark.parametrize("constructor", [PickleCollector, JsonLinesCollector, TensorboardCollector])
def test_collectors_that_only_write_files_need_a_folder(constructor):
    with pytest.raises(ValueError, match=f"{constructor.__name__} needs a base_dir"):
        constructor(None, 3, 0)


def test_the_console_prints_an_episode_and_counts_each_transition_once(tmp_path, capsys):
    run(ConsoleCollector, tmp_path, 41, 2)
    line = "reward: 0003.75, episode length: 4, action distribution: [0.25 0.   0.75]"
    printed = capsys.readouterr().out
    assert printed == f"Episode 41: {line}\nEpisode 42: {line}\n"
    assert (tmp_path / "metrics/console/console.log").read_text() == printed


def test_the_console_prints_steps_at_their_frequency(capsys):
    options = ConsoleOptions(fine_grained_logging=True, fine_grained_frequency=3)
    run(ConsoleCollector, None, 0, 1, options=options)
    assert capsys.readouterr().out.splitlines()[:2] == [
        "Step: 0, action: 0, reward: 0.25, terminal: False",
        "Step: 3, action: 2, reward: 2.0, terminal: True",
    ]


def test_the_console_writes_no_file_unless_it_may(tmp_path, capsys):
    run(ConsoleCollector, tmp_path, 0, 1, options=ConsoleOptions(save_to_file=False))
    assert list((tmp_path / "metrics/console").iterdir()) == []


def test_the_console_goes_on_in_its_log_and_begins_it_anew_with_a_run(tmp_path, capsys):
    log = tmp_path / "metrics/console/console.log"

    def numbers():
        return [line.split(":")[0] for line in log.read_text().splitlines()]

    run(ConsoleCollector, tmp_path, 0, 2, is_killed=True)
    assert numbers() == ["Episode 0", "Episode 1"]  # nothing waits in a buffer
    run(ConsoleCollector, tmp_path, 2, 1)
    assert numbers() == ["Episode 0", "Episode 1", "Episode 2"]
    run(ConsoleCollector, tmp_path, 0, 1)
    assert numbers() == ["Episode 0"]


@pytest.mark.parametrize("action", [-1, 3])
@pytest.mark.parametrize("constructor", [ConsoleCollector, JsonLinesCollector])
def test_an_action_out_of_range_is_refused(tmp_path, constructor, action):
    collector = constructor(str(tmp_path), 3, 0)
    collector.begin_episode()
    with pytest.raises(ValueError, match=f"Action {action} is none of the 3"):
        collector.step(StatisticsInstance(0, action, 1.0, False))


def test_pickle_files_hold_every_transition_and_the_end(tmp_path):
    run(PickleCollector, tmp_path, 7, 2)
    folder = tmp_path / "metrics/pickle"
    assert sorted(path.name for path in folder.iterdir()) == ["pickle_7.pkl", "pickle_8.pkl"]
    assert pickle.loads((folder / "pickle_8.pkl").read_bytes()) == [
        StatisticsInstance(0, 0, 0.25, False),
        StatisticsInstance(1, 2, 0.5, False),
        StatisticsInstance(2, 2, 1.0, False),
        StatisticsInstance(3, 2, 2.0, True),
        StatisticsInstance(4, 2, 2.0, True),
    ]


def test_json_lines_tell_each_episode_once(tmp_path):
    run(JsonLinesCollector, tmp_path, 0, 2)
    path = tmp_path / "metrics/json_lines/episodes.jsonl"
    episode = {"reward": 3.75, "length": 4, "terminal": True, "action_counts": [1, 0, 3]}
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"episode": 0, **episode},
        {"episode": 1, **episode},
    ]


def test_json_lines_of_episodes_that_are_flown_again_are_cut_off(tmp_path):
    path = tmp_path / "metrics/json_lines/episodes.jsonl"
    run(JsonLinesCollector, tmp_path, 0, 5, is_killed=True)
    with path.open("a") as file:
        file.write('{"episode": 5, "rew')
    run(JsonLinesCollector, tmp_path, 3, 1)
    assert [json.loads(line)["episode"] for line in path.read_text().splitlines()] == [0, 1, 2, 3]
    run(JsonLinesCollector, tmp_path, 0, 1)
    assert [json.loads(line)["episode"] for line in path.read_text().splitlines()] == [0]


def test_tensorboard_gets_rewards_and_lengths_by_environment_step(tmp_path):
    run(TensorboardCollector, tmp_path, 0, 2)
    run(TensorboardCollector, tmp_path, 2, 1)
    assert read_scalars(tmp_path / "metrics/tensorboard") == {
        "Train/EpisodeReward": [(4, 3.75), (8, 3.75), (12, 3.75)],
        "Train/EpisodeLength": [(4, 4.0), (8, 4.0), (12, 4.0)],
    }


def iteration(number, env_steps, twr50):
    return IterationRecord(number, 2, env_steps, 1.0, 3.75, twr50)


def test_tensorboard_gets_scores_and_speed_of_iterations(tmp_path):
    now = [0.0]
    collector = TensorboardCollector(str(tmp_path), 3, 0, clock=lambda: now[0])
    for number, twr50 in ((0, 0.25), (1, None)):
        for _ in range(2):
            now[0] += 2.0
            fly(collector)
        collector.end_iteration(iteration(number, collector.env_steps, twr50))
        now[0] += 1000.0  # A validation, which does not count.
    collector.end_iteration(iteration(2, collector.env_steps, None))  # No episode has ended in it.
    collector.summary_writer.add_scalar("Eval/TWR50", 0.5, collector.env_steps)
    collector.end_training()
    scalars = read_scalars(tmp_path / "metrics/tensorboard")
    assert scalars["Train/TWR50"] == [(8, 0.25)]
    assert scalars["Train/StepsPerSecond"] == [(8, 2.0), (16, 2.0)]
    run(TensorboardCollector, tmp_path, 4, 1)  # The run goes on, and keeps the score of the last validation.
    assert read_scalars(tmp_path / "metrics/tensorboard")["Eval/TWR50"] == [(16, 0.5)]


def test_tensorboard_gets_the_settings_as_a_table(tmp_path):
    (tmp_path / "settings.json").write_text('{"agent": "a|b", "seed": 3, "agent_options": {"gamma": 0.9}}')
    run(TensorboardCollector, tmp_path, 0, 1)
    ((step, text),) = read_scalars(tmp_path / "metrics/tensorboard")["Settings/text_summary"]
    assert step == 0
    assert text.splitlines() == [
        "| setting | value |",
        "|---|---|",
        r"| agent | a\|b |",
        "| seed | 3 |",
        '| agent_options | {"gamma": 0.9} |',
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("constructor", [ConsoleCollector, JsonLinesCollector, PickleCollector, TensorboardCollector])
def test_a_reward_that_is_not_finite_ends_no_collector(tmp_path, capsys, constructor, value):
    dispatcher = CollectorDispatcher(str(tmp_path), 3, [constructor], 0)
    dispatcher.pre_training()
    for rewards in ((0.25, value), (0.25, 0.5)):
        dispatcher.begin_episode(0)
        for step, reward in enumerate(rewards):
            dispatcher.step(StatisticsInstance(step, 0, reward, False))
        dispatcher.end_episode(StatisticsInstance(2, 0, rewards[-1], False))
    dispatcher.end_training()  # A warning, of a collector that failed, is an error in tests.
    if constructor is JsonLinesCollector:
        lines = (tmp_path / "metrics/json_lines/episodes.jsonl").read_text().splitlines()
        assert [json.loads(line, parse_constant=pytest.fail)["reward"] for line in lines] == [None, 0.75]


def test_tensorboard_gets_each_step_once_at_its_frequency(tmp_path):
    options = TensorboardOptions(fine_grained_logging=True, fine_grained_frequency=3)
    run(TensorboardCollector, tmp_path, 0, 2, options=options)
    scalars = read_scalars(tmp_path / "metrics/tensorboard")
    assert scalars["Train/FineGrainedReward"] == [(1, 0.25), (4, 2.0), (7, 1.0)]


def test_the_agents_scalars_go_to_the_same_file(tmp_path):
    collector = TensorboardCollector(str(tmp_path), 3, 0)
    collector.summary_writer.add_scalar("QuantileLoss", 0.5, 100)
    collector.summary_writer.scalar("HuberLoss", 0.25, 101)  # as the original's agents call it
    collector.end_training()
    scalars = read_scalars(tmp_path / "metrics/tensorboard")
    assert scalars == {"QuantileLoss": [(100, 0.5)], "HuberLoss": [(101, 0.25)]}


def test_tensorboard_goes_on_where_the_resumed_run_does(tmp_path):
    options = TensorboardOptions(fine_grained_logging=True)
    folder = tmp_path / "metrics/tensorboard"

    def episodes_and_steps():
        scalars = read_scalars(folder)
        steps = [step for step, _ in scalars["Train/FineGrainedReward"]]
        losses = [step for step, _ in scalars.get("Loss", [])]
        return [ends // 4 for ends, _ in scalars["Train/EpisodeReward"]], steps, losses

    killed = run(TensorboardCollector, tmp_path, 0, 3, is_killed=True, options=options)
    killed.summary_writer.add_scalar("Loss", 1.0, 11)
    fly(killed, 2)
    assert episodes_and_steps() == ([1, 2, 3, 4, 5], list(range(1, 21)), [11])
    run(TensorboardCollector, tmp_path, 3, 1, options=options)
    assert episodes_and_steps() == ([1, 2, 3, 4], list(range(1, 17)), [])
    run(TensorboardCollector, tmp_path, 4, 1, options=options)
    assert episodes_and_steps() == ([1, 2, 3, 4, 5], list(range(1, 21)), [])
    run(TensorboardCollector, tmp_path, 2, 1, options=options)  # an older checkpoint than last time
    assert episodes_and_steps() == ([1, 2, 3], list(range(1, 13)), [])
    run(TensorboardCollector, tmp_path, 0, 1, options=options)
    assert episodes_and_steps() == ([1], list(range(1, 5)), [])


def test_tensorboard_leaves_event_files_of_others_alone(tmp_path):
    folder = tmp_path / "metrics/tensorboard"
    folder.mkdir(parents=True)
    other = folder / "events.out.tfevents.1600000000.elsewhere"
    other.write_bytes(b"anything")
    run(TensorboardCollector, tmp_path, 0, 1)
    run(TensorboardCollector, tmp_path, 0, 1)
    assert other.read_bytes() == b"anything"
    assert len(list(folder.glob("events.*"))) == 3
