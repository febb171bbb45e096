import io
import re

import pytest
from rich.console import Console

from ble_eval.command_line.progress import ProgressDisplay
from ble_eval.report.progress import CellProgress, EvaluationProgress


@pytest.fixture
def clock():
    def read() -> float:
        return read.seconds

    read.seconds = 0.0
    return read


def terminal(width):
    return Console(file=io.StringIO(), force_terminal=True, force_interactive=True, width=width, color_system=None)


def last_picture(console):
    """The lines that stand on the terminal in the end, without those before the bar was drawn anew."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    start = max(number for number, line in enumerate(lines) if line.startswith(("flying", "training")))
    return lines[start:]


def test_off_a_terminal_a_line_comes_now_and_then(clock):
    out = io.StringIO()
    with EvaluationProgress(Console(file=out), [CellProgress("a", 4)], 960, clock) as progress:
        for seed in range(4):
            clock.seconds += 6.0
            progress.steps_done(0, 960, 96 * seed)
            progress.episode_done(0)
    assert out.getvalue().splitlines() == [
        "flying: compiling first, which can take minutes",
        "flying: 25%, 0/4 episodes, elapsed 0:00:06, remaining -, 960 steps, - steps/s, TWR50 0.000",
        "flying: 50%, 1/4 episodes, elapsed 0:00:12, remaining 0:00:12, 1920 steps, 160 steps/s, TWR50 0.050",
        "flying: 75%, 2/4 episodes, elapsed 0:00:18, remaining 0:00:06, 2880 steps, 160 steps/s, TWR50 0.100",
        "flying: 100%, 3/4 episodes, elapsed 0:00:24, remaining 0:00:00, 3840 steps, 160 steps/s, TWR50 0.150",
    ]


@pytest.mark.parametrize(("seconds", "fewest", "most"), [(0.5, 1, 1), (5.0, 4, 7), (300.0, 10, 15), (36_000.0, 40, 90)])
def test_a_short_run_has_few_lines_and_a_long_one_not_hundreds(clock, seconds, fewest, most):
    out = io.StringIO()
    with ProgressDisplay(Console(file=out), "flying", 10_000, clock=clock) as display:
        for number in range(10_000):
            clock.seconds += seconds / 10_000
            display.show(number + 1, "figures")
    assert fewest <= len(out.getvalue().splitlines()) <= most


def test_earlier_episodes_count_for_the_mean_but_not_for_the_speed(make_result, clock):
    out = io.StringIO()
    earlier = [make_result(0, time_within_radius=1.0)]
    with EvaluationProgress(Console(file=out), [CellProgress("a", 2, earlier)], 960, clock) as progress:
        clock.seconds += 12.0
        progress.steps_done(0, 960, 0)
        progress.episode_done(0)
    assert "1/2 episodes" in out.getvalue()
    assert "- steps/s, TWR50 0.500" in out.getvalue()
    assert progress.steps_per_second == 80.0


def test_of_several_cells_it_shows_the_whole_and_the_figures_of_the_last(make_result, clock):
    out = io.StringIO()
    cells = [CellProgress("one", 2, [make_result(0, time_within_radius=1.0)]), CellProgress("two", 2)]
    with EvaluationProgress(Console(file=out), cells, 960, clock) as progress:
        clock.seconds += 40.0
        progress.steps_done(1, 960, 240)
        progress.episode_done(1)
        clock.seconds += 40.0
        progress.steps_done(0, 960, 0)
    assert [line.partition("remaining ")[2] for line in out.getvalue().splitlines()[1:]] == [
        "-, two (2 of 2): 960 steps, - steps/s, TWR50 0.250",
        "0:00:40, one (1 of 2): 1920 steps, 24 steps/s, TWR50 0.500",
    ]


@pytest.mark.parametrize("width", [80, 110, 200])
def test_a_bar_moves_with_labelled_times(clock, width):
    console = terminal(width)
    with EvaluationProgress(console, [CellProgress("a", 100)], 960, clock) as progress:
        clock.seconds += 65.0
        progress.steps_done(0, 9600, 4800)
        clock.seconds += 10.0
        progress.steps_done(0, 9600, 4800)
    first, second = last_picture(console)
    assert len(first) <= width
    match = re.fullmatch(r"flying ([━╸ ]+)  20%  0/100 episodes  elapsed 0:01:15  remaining 0:01:20", first)
    assert len(match[1]) >= 15
    assert 0.1 < match[1].count("━") / len(match[1]) < 0.3
    assert second == "  19200 steps, 960 steps/s, TWR50 0.500"


def test_until_the_first_step_it_says_that_jax_compiles_and_the_time_runs(clock):
    console = terminal(80)
    with EvaluationProgress(console, [CellProgress("a", 100)], 960, clock):
        clock.seconds += 7.0
    first, second = last_picture(console)
    assert "elapsed 0:00:07  remaining -" in first
    assert second == "  compiling"


def test_the_time_that_is_left_runs_down_between_two_reports(clock):
    console = terminal(80)
    with ProgressDisplay(console, "training", 100, clock=clock) as display:
        for number in (10, 20):
            clock.seconds += 10.0
            display.show(number, "figures")
        clock.seconds += 3.0
        with display.doing("validating"):
            display._live.refresh()
            assert last_picture(console)[-1] == "  validating"
    assert "remaining 0:01:17" in last_picture(console)[0]
    assert last_picture(console)[-1] == "  figures"


@pytest.mark.parametrize("width", [1, 12, 40, 71])
def test_a_narrow_terminal_keeps_the_times(clock, width):
    console = terminal(width)
    with ProgressDisplay(console, "training", 100, clock=clock) as display:
        display.show(10, "figures", "1/3 iterations")
        display.print("a line that is much longer than that")
    if width >= 40:
        lines = last_picture(console)
        assert "training" in lines[0]
        assert "10%" in lines[0]
        assert lines[1].startswith("  1/3 iterations  elapsed 0:00:00"[:width].rstrip())
        assert lines[2] == "  figures"


def test_the_end_of_the_work_may_be_unknown(clock):
    console = terminal(80)
    with ProgressDisplay(console, "training", None, clock=clock) as display:
        clock.seconds += 10.0
        display.show(10, "figures", "3 iterations")
    assert "3 iterations  elapsed 0:00:10  remaining -" in last_picture(console)[0]


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    out = io.StringIO()
    with ProgressDisplay(Console(file=out, force_terminal=True), "flying", 2, clock=clock) as display:
        clock.seconds += 40.0
        display.show(1, "[figures]")
    assert out.getvalue().splitlines()[1] == "flying: 50%, elapsed 0:00:40, remaining -, [figures]"
