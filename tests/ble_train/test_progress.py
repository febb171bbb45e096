import io
import re

import pytest
from rich.console import Console

from ble_train.learning_curve import CurvePoint
from ble_train.loops.records import EpisodeRecord
from ble_train.loops.runs import RunLength, StartPoint
from ble_train.progress import TrainingProgress


def episode(number, env_steps, twr50, iteration=0):
    return EpisodeRecord(iteration, number, 1.0, 100, False, twr50, env_steps)


def test_lines_now_and_then_where_there_is_no_terminal():
    now = [0.0]
    out = io.StringIO()
    progress = TrainingProgress(Console(file=out), RunLength(num_iterations=10), 1000, clock=lambda: now[0])
    with progress:
        for number in range(8):
            now[0] += 5.0
            progress.episode_done(episode(number, 100 * (number + 1), 0.25 if number % 2 else 0.75))
        progress.iteration_done({"Loss": 0.123456})
        progress.evaluated(CurvePoint(0, 800, now[0], 0.31, 0.02, 5.0, 50))
        now[0] += 30.0
        progress.episode_done(episode(8, 900, 0.5, iteration=1))
    lines = out.getvalue().splitlines()
    assert lines == [
        "training: compiling first, which can take minutes",
        "training: 6%, 0/10 iterations, elapsed 0:00:30, remaining 0:07:50, 600 steps, 20 steps/s, TWR50 0.500,"
        " 6 episodes",
        "9300 steps are left: about 0.1 hours at 20 steps/s, without validations",
        "iteration 0, 800 steps: TWR50 0.310 ± 0.020 over 50 validation episodes",
        "training: 11%, 1/10 iterations, elapsed 0:01:10, remaining 0:09:38, 900 steps, 12 steps/s, TWR50 0.500,"
        " 9 episodes, Loss 0.123",
    ]


@pytest.mark.parametrize("width", [80, 110])
def test_a_terminal_shows_a_bar_iterations_and_labelled_times(width):
    now = [0.0]
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with TrainingProgress(console, RunLength(num_iterations=200), 48_000, clock=lambda: now[0]) as progress:
        progress.begins(StartPoint(12, 570_000, 600, 1000.0, None, None, False))
        for number in range(2):
            now[0] += 3600.0
            progress.episode_done(episode(600 + number, 570_000 + 20_000 * number, 0.5, iteration=12))
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    bar = [line for line in re.split(r"[\r\n]+", text) if line.startswith("training")][-1]
    match = re.fullmatch(r"training ([━╸ ]+)   6%  12/200 iterations  elapsed 2:00:00  remaining 450:12:00", bar)
    assert len(match[1]) >= 8
    assert len(bar) <= width
    assert "590000 steps, 6 steps/s, TWR50 0.500, 602 episodes" in text


def test_a_run_of_some_hours_is_measured_by_time_and_one_of_steps_by_steps():
    now = [0.0]
    for length, share in ((RunLength(num_hours=2.0), "60%"), (RunLength(num_steps=1000), "50%")):
        out = io.StringIO()
        progress = TrainingProgress(Console(file=out), length, 300, clock=lambda: now[0])
        with progress:
            progress.begins(StartPoint(1, 300, 3, 720.0, None, None, False))
            now[0] += 3600.0
            progress.episode_done(episode(3, 500, 0.5, iteration=1))
        assert f"training: {share}, 1 iterations, elapsed 1:00:00" in out.getvalue()
