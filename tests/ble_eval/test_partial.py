import os
import re
import socket
import subprocess
import sys

import pytest

from ble_eval.errors import UserError
from ble_eval.results.flight_path import FlightPath, ResultFormatError
from ble_eval.results.partial import PartialResults
from ble_eval.results.records import to_json
from ble_sim.files.json_lines import append_json_line
from ble_sim.files.locks import LockedError, locked

RUN = {
    "settings": {"suite": "tiny_eval", "seeds": [1, 2, 3]},
    "software": {"jax": "1"},
    "content": {"the wind field's content": "a1", "the file a.csv": "b2"},
}


@pytest.fixture
def path(tmp_path, make_result):
    path = tmp_path / "a.partial.jsonl"
    with PartialResults(path, RUN) as partial:
        partial.append(make_result(2))
        partial.append(make_result(1))
    return path


def read(path):
    """The finished episodes in a file."""
    with PartialResults(path, RUN) as partial:
        return partial.finished


def test_what_was_finished_is_found_again_and_added_to(path, make_result):
    with PartialResults(path, RUN) as partial:
        assert partial.found == 2
        assert partial.finished == {2: make_result(2), 1: make_result(1)}
        partial.append(make_result(3))
        assert list(partial.finished) == [2, 1, 3]
        assert partial.found == 2
    assert len(read(path)) == 3


def test_a_killed_process_keeps_what_it_has_added(tmp_path, make_result):
    code = """
import os, sys
from pathlib import Path
from ble_eval.results.partial import PartialResults
from ble_eval.results.records import EvaluationResult
partial = PartialResults(Path(sys.argv[1]), {"settings": {}, "software": {}})
partial.append(EvaluationResult(1, 1.0, 0.5, False, False, False, 960))
os.kill(os.getpid(), 9)
"""
    path = tmp_path / "b.partial.jsonl"
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    with PartialResults(path, {"settings": {}, "software": {}}) as partial:
        assert list(partial.finished) == [1]
        assert [file.name for file in tmp_path.iterdir() if file != path] == [".b.partial.jsonl.lock"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kept", [10, -1, -60])
def test_a_line_that_a_kill_cut_short_is_dropped(path, kept, make_result):
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    with PartialResults(path, RUN) as found:
        assert found.finished == ({} if kept == 10 else {2: make_result(2)})
        found.append(make_result(1))
    assert read(path) == found.finished
    assert found.finished[1] == make_result(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"settings": {"suite": "tiny_eval", "seeds": [1, 2]}},
            r"seeds is \[1, 2, 3\] there and \[1, 2\] here",
        ),
        ({"software": {"jax": "2"}}, 'jax is "1" there and "2" here'),
        ({"software": {"jax": "1", "flax": "3"}}, 'flax is null there and "3" here'),
        (
            {"content": {"the wind field's content": "a2", "the file a.csv": "b2"}},
            r"the wind field's content has changed\.",
        ),
        (
            {"content": {"the wind field's content": "a1", "the source of kites": "c3"}},
            r"\n  the file a\.csv is not read any more\n  the source of kites is not recorded there\n",
        ),
    ],
)
def test_another_run_is_not_continued(path, change, message):
    content = path.read_bytes()
    for _ in range(2):  # The lock is released the first time.
        with pytest.raises(UserError, match=f"another run: ?{message}.*--fresh.*--output-dir"):
            PartialResults(path, {**RUN, **change})
    assert path.read_bytes() == content
    with PartialResults(path, {**RUN, **change}, fresh=True) as partial:
        assert partial.found == 0


@pytest.mark.parametrize("header", ["5", "{}", "no json", '{"settings": 1, "software": 2}'])
def test_a_file_of_another_kind_is_left_alone(path, header):
    path.write_text(header + "\n")
    with pytest.raises(UserError, match="not the beginning of a run"):
        PartialResults(path, RUN)
    assert path.read_text() == header + "\n"


def test_damage_is_reported_with_its_line(path):
    header, first, second = path.read_text().splitlines()
    path.write_text("\n".join([header, first[:-5], second, ""]))
    with pytest.raises(UserError, match=r"line 2: .*--fresh"):
        PartialResults(path, RUN)


def test_equal_results_of_an_episode_are_one_and_unequal_ones_are_named(path, make_result):
    append_json_line(path, to_json(make_result(2)))
    append_json_line(path, to_json(make_result(2, flight_path=FlightPath())))
    assert read(path) == {2: make_result(2), 1: make_result(1)}
    append_json_line(path, to_json(make_result(2, cumulative_reward=7.5)))
    with pytest.raises(UserError, match=r"two results of the seed 2: cumulative_reward is 102\.0 and 7\.5\..*--fresh"):
        PartialResults(path, RUN)


def test_a_second_process_is_refused_as_long_as_the_first_runs(path, make_result):
    with PartialResults(path, RUN) as first:
        for fresh in (False, True):
            with pytest.raises(LockedError, match=rf"{re.escape(str(path))} is in use by process {os.getpid()} on"):
                PartialResults(path, RUN, fresh=fresh)
        first.append(make_result(3))
    assert len(read(path)) == 3
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_that_is_removed_in_the_meantime_is_written_anew(tmp_path, make_result, what):
    path = tmp_path / "results" / "a.partial.jsonl"
    path.parent.mkdir()
    with PartialResults(path, RUN) as partial:
        partial.append(make_result(2))
        for file in list(path.parent.iterdir()) if what == "folder" else [path]:
            file.unlink()
        if what == "folder":
            path.parent.rmdir()
        partial.append(make_result(1))
        partial.append(make_result(3))
    assert read(path) == {seed: make_result(seed) for seed in (2, 1, 3)}


@pytest.mark.parametrize("lines", [2, 1, 0])
def test_a_file_that_is_changed_in_the_meantime_keeps_the_episodes_of_both(path, make_result, lines):
    with PartialResults(path, RUN) as partial:
        partial.append(make_result(3))
        kept = path.read_text().splitlines(keepends=True)[:lines]
        path.write_text("".join(kept))
        if kept:
            append_json_line(path, to_json(make_result(9)))
        partial.append(make_result(4))
    assert read(path) == {seed: make_result(seed) for seed in (2, 1, 3, 4, *([9] if kept else []))}


def test_a_file_that_becomes_another_runs_in_the_meantime_is_left_alone(path, make_result):
    with PartialResults(path, RUN) as partial:
        path.unlink()
        append_json_line(path, {**RUN, "software": {"jax": "2"}})
        with pytest.raises(UserError, match="another run"):
            partial.append(make_result(3))
    with PartialResults(path, {**RUN, "software": {"jax": "2"}}) as other:
        assert other.finished == {}


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_named_and_loses_nothing(path, make_result, reward):
    with PartialResults(path, RUN) as partial:
        with pytest.raises(ResultFormatError, match=f"seed 3 cannot be kept as JSON: 'cumulative_reward' is {reward}"):
            partial.append(make_result(3, cumulative_reward=reward))
        partial.append(make_result(4))
    assert list(read(path)) == [2, 1, 4]


def test_discarding_removes_the_file(path):
    PartialResults(path, RUN).discard()
    assert list(path.parent.iterdir()) == []
    partial = PartialResults(path, RUN)
    path.unlink()
    partial.discard()


def test_a_command_is_refused_while_another_process_flies_for_the_same_file(ble_eval, tmp_path):
    folder = tmp_path / "results" / "seeds"
    folder.mkdir(parents=True)
    with locked(folder / "fake.partial.jsonl"):
        done = ble_eval("run", "--agent", "fake", "--seeds", 1, "--fresh")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert f"is in use by process {os.getpid()} on {socket.gethostname()} since" in line
    assert list(folder.iterdir()) == []
