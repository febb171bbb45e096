import io

import pytest
from rich.console import Console

from ble_eval.report.progress import EvaluationProgress


@pytest.fixture
def clock():
    def read() -> float:
        return read.seconds

    read.seconds = 0.0
    return read


def test_off_a_terminal_a_line_comes_now_and_then(make_result, clock):
    out = io.StringIO()
    with EvaluationProgress(Console(file=out), total=4, max_steps=960, clock=clock) as progress:
        for seed in range(4):
            clock.seconds += 6.0
            progress.steps_done(960, 96 * seed)
            progress.episode_done(make_result(seed, time_within_radius=0.1 * seed))
    assert out.getvalue() == "1/4 episodes, 160 steps/s, TWR50 0.050\n3/4 episodes, 160 steps/s, TWR50 0.150\n"


def test_earlier_episodes_count_for_the_mean_but_not_for_the_speed(make_result, clock):
    out = io.StringIO()
    earlier = [make_result(0, time_within_radius=1.0)]
    with EvaluationProgress(Console(file=out), total=2, max_steps=960, finished=earlier, clock=clock) as progress:
        clock.seconds += 12.0
        progress.steps_done(960, 0)
        progress.episode_done(make_result(1, time_within_radius=0.0))
    assert out.getvalue() == "1/2 episodes, 80 steps/s, TWR50 0.500\n"
    assert progress.steps_per_second == 80.0


def test_on_a_terminal_there_is_a_bar(make_result, clock):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with EvaluationProgress(console, total=2, max_steps=960, clock=clock) as progress:
        clock.seconds += 2.0
        progress.steps_done(960, 240)
        progress.episode_done(make_result(0))
    assert "1/2" in out.getvalue()
    assert "480 steps/s, TWR50 0.250" in out.getvalue()
