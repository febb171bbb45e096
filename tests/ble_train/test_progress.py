import io

from rich.console import Console

from ble_train.learning_curve import CurvePoint
from ble_train.loops.records import EpisodeRecord
from ble_train.progress import TrainingProgress


def episode(number, env_steps, twr50):
    return EpisodeRecord(0, number, 1.0, 100, False, twr50, env_steps)


def test_lines_now_and_then_where_there_is_no_terminal():
    now = [0.0]
    out = io.StringIO()
    progress = TrainingProgress(Console(file=out, width=200), 10_000, clock=lambda: now[0])
    with progress:
        for number in range(8):
            now[0] += 4.0
            progress.episode_done(episode(number, 100 * (number + 1), 0.25 if number % 2 else 0.75))
        progress.iteration_done({"Loss": 0.123456})
        progress.evaluated(CurvePoint(0, 800, now[0], 0.31, 0.02, 5.0, 50))
        now[0] += 10.0
        progress.episode_done(episode(8, 900, 0.5))
    lines = out.getvalue().splitlines()
    assert lines == [
        "3 episodes, 300 steps, 25 steps/s, TWR50 0.583",
        "6 episodes, 600 steps, 25 steps/s, TWR50 0.500",
        "iteration 0, 800 steps: TWR50 0.310 ± 0.020 over 50 validation episodes",
        "9 episodes, 900 steps, 21 steps/s, TWR50 0.500, Loss 0.123",
    ]


def test_a_terminal_shows_a_bar_and_the_figures():
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=True)
    with TrainingProgress(console, 1000) as progress:
        progress.episode_done(episode(0, 100, None))
        progress.episode_done(episode(1, 200, 0.5))
    assert "2 episodes, 200 steps" in out.getvalue()
    assert "TWR50 0.500" in out.getvalue()
