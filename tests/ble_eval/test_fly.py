"""`ble-eval fly`: flights that are watched, their pictures and films."""

import json
import re
import signal
import sys
import threading
import time

import agent_fakes
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from ble_agents import EpisodeWatcher, create_agent
from ble_agents.batch_policy import BatchPolicyAgent
from ble_env import BalloonEnv
from ble_env.rendering.track import Track
from ble_eval import cli, eval_agent
from ble_eval.command_line import progress
from ble_eval.fly import displays, flights
from ble_eval.fly.output import frame_steps
from ble_eval.fly.pace import FlightStopped, Pace
from ble_eval.suites import EvaluationSuite

AGENTS = ["--agent", "random", "random_walk"]
SHORT = ["--seed", 3, "--steps", 9]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Files are written there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fly(capsys):
    """The command in this process: (status, stdout, stderr)."""

    def call(*words):
        try:
            status = cli.main(["fly", *map(str, words)])
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, *capsys.readouterr()

    return call


class Watcher(EpisodeWatcher):
    """Keeps what it sees."""

    def __init__(self):
        self.starts, self.steps, self.snapshots = [], [], []

    def begin(self, seed, info, snapshot):
        self.starts.append((seed, info))
        self.snapshots.append(snapshot())

    def step(self, seed, step, snapshot):
        self.steps.append((seed, step))
        self.snapshots.append(snapshot())


class Batch:
    """A batch policy."""

    def __call__(self, observations):
        return np.arange(len(observations)) % 3


@pytest.mark.parametrize("kind", ["policy", "no policy", "batch policy"])
def test_a_watcher_sees_the_steps_of_the_evaluation(kind):
    env = BalloonEnv()
    agent = create_agent("random_walk", seed=0)
    if kind == "no policy":
        agent = agent_fakes.OneByOne(agent)
    elif kind == "batch policy":
        agent = BatchPolicyAgent(3, (1099,), Batch())
    watcher = Watcher()
    seeds = [5, 8]
    results = eval_agent(agent, env, EvaluationSuite(seeds, 7), watcher=watcher)
    plain = eval_agent(agent, env, EvaluationSuite(seeds, 7))
    assert results == plain
    assert [seed for seed, _ in watcher.starts] == seeds
    assert len(watcher.snapshots) == 2 * 8
    for result in results:
        steps = [step for seed, step in watcher.steps if seed == result.seed]
        assert [step.step for step in steps] == list(range(7))
        assert [step.truncated for step in steps] == [False] * 6 + [True]
        assert [step.info["x"] / 1000 for step in steps] == result.flight_path.x.tolist()
        assert [step.reward for step in steps] == result.flight_path.reward.tolist()
        assert [step.info["effective_action"] for step in steps] == result.flight_path.effective_action.tolist()
        assert {step.action for step in steps} <= {0, 1, 2}
        start = dict(watcher.starts)[result.seed]
        assert start["elapsed"] == 0
        assert start.keys() == steps[0].info.keys()
        assert steps[-1].info["date_time"] == start["date_time"] + 7 * 180
        assert steps[-1].observation.shape == (1099,)
    _, last = watcher.steps[-1]
    assert float(watcher.snapshots[-1].state.balloon.x) == pytest.approx(last.info["x"])


def test_an_environment_and_a_watcher_see_the_same_start():
    watcher = Watcher()
    env = BalloonEnv()
    eval_agent(create_agent("random_walk"), env, EvaluationSuite([4], 1), watcher=watcher)
    _, info = env.reset(seed=4)
    ((_, seen),) = watcher.starts
    assert seen.keys() == info.keys()
    assert seen == pytest.approx(info, rel=1e-5)


def flown(monkeypatch):
    """The flights of the commands that follow."""
    found = []
    fly_together = flights.fly_together

    def keep(all_flights, *arguments):
        found.append(all_flights)
        fly_together(all_flights, *arguments)

    monkeypatch.setattr(flights, "fly_together", keep)
    return found


def test_a_flight_is_that_of_run_whatever_flies_beside_it(fly, monkeypatch):
    found = flown(monkeypatch)
    words = ["--seed", 6, "--steps", 8]
    assert fly("--agent", "random", "--agent", "random_walk", *words, "--agent-seed", 2)[0] == 0
    for flight in found[0]:
        agent = create_agent(flight.track.name, seed=2)
        (alone,) = eval_agent(agent, BalloonEnv(), EvaluationSuite([6], 8), agent_seed=2)
        assert flight.result == alone
        points = flight.track.points()
        np.testing.assert_array_equal(points.x[1:], alone.flight_path.x)
        np.testing.assert_array_equal(points.reward[1:], alone.flight_path.reward)
        assert points.twr[-1] == pytest.approx(alone.time_within_radius)


@pytest.mark.long
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_flight_is_in_the_results_file_of_run(fly, monkeypatch, precision):
    found = flown(monkeypatch)
    words = ["--agent", "random_walk", "--precision", precision]
    status, out, _ = fly(*words, "--seed", 2)
    assert status == 0
    assert cli.main(["run", *words, "--seeds", "2"]) == 0
    with open("results/seeds/random_walk.json", encoding="utf-8") as file:
        (record,) = json.load(file)
    ((flight,),) = found
    points = flight.track.points()
    path = record["flight_path"]
    assert flight.track.num_steps == record["final_timestep"]
    assert points.x[1:].tolist() == [point["x"] for point in path]
    assert points.y[1:].tolist() == [point["y"] for point in path]
    assert points.reward[1:].tolist() == [point["reward"] for point in path]
    assert points.twr[-1] == pytest.approx(record["time_within_radius"])
    assert f"{record['time_within_radius']:.3f}" in out
    assert f"{record['cumulative_reward']:.1f}" in out


@pytest.fixture
def many_lines(monkeypatch):
    """A line for each tenth of the work, however fast it is."""
    monkeypatch.setattr(progress, "LEAST_SECONDS_BETWEEN_LINES", 0.0)


def test_without_a_terminal_there_are_lines_and_a_table(fly, many_lines):
    status, out, err = fly(*AGENTS, *SHORT)
    assert status == 0
    assert err.startswith("flying: compiling first, which can take minutes\n")
    assert "flying: 100%" in err
    assert re.search(r"random TWR50 \d\.\d{3}, random_walk TWR50 \d\.\d{3}", err)
    assert "\x1b" not in out + err
    assert out.startswith("seed 3, float32")
    assert re.search(r"│ random +│ +\d\.\d{3} │ +\d\.\d │ +0\.[45] │", out)
    assert out.count("time is over") == 2


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 45), (30, 10)])
@pytest.mark.parametrize("agents", [["random"], ["random", "random_walk"]])
def test_the_panel_fits_into_the_terminal(fly, monkeypatch, columns, lines, agents):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    status, _, err = fly("--agent", *agents, *SHORT, "--speed", 0)
    assert status == 0, err
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err).replace("\r", "\n").splitlines()
    assert max(map(len, plain)) <= columns
    assert plain[0].startswith("seed 3, float32, 0.45 h, not slowed down   compiling, which can"[:columns])
    for agent in agents:
        assert any(agent[: columns // 8] in line for line in plain)


def test_a_terminal_without_unicode_has_a_panel_of_ascii(monkeypatch):
    from rich.console import Console

    console = Console(force_terminal=True, width=80, height=24)
    monkeypatch.setattr(Console, "encoding", "ascii")
    panel = displays.PanelDisplay(console, [Track("one"), Track("two")], "seed 1")
    with console.capture() as capture:
        panel.end()
    assert capture.get().isascii()


def test_the_speed_is_that_of_the_clock(fly, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    fly(*AGENTS, *SHORT, "--speed", 0)  # Compiled.
    started = time.monotonic()
    assert fly(*AGENTS, *SHORT, "--speed", 0.2)[0] == 0  # 0.45 h
    assert time.monotonic() - started > 0.45 / 0.2


def test_a_picture(fly, folder):
    status, out, _ = fly("--agent", "random", *SHORT, "--output", "flight.PNG")
    assert status == 0
    assert re.search(r"^picture: flight.PNG \(\d+ kB\)$", out, re.MULTILINE)
    assert Image.open("flight.PNG").size == (800, 500)
    assert [path.name for path in folder.iterdir()] == ["flight.PNG"]


def test_the_picture_of_one_flight_has_the_winds_of_all_levels(fly, monkeypatch):
    found = flown(monkeypatch)
    assert fly("--agent", "random", *SHORT, "--output", "a.png", "--picture.dpi", 64)[0] == 0
    assert fly("--agent", "random", *SHORT, "--output", "b.png", "--picture.no-winds", "--picture.view", "3d")[0] == 0
    assert fly("--agent", "random", *SHORT)[0] == 0
    with_winds, *without = [flight.track.winds() for (flight,) in found]
    assert with_winds.shape[0] == 10
    assert np.isfinite(with_winds).all()
    assert without == [None, None]
    assert Image.open("a.png").size == (512, 320)
    assert Image.open("b.png").size == (800, 500)
    points = found[0][0].track.points()
    assert (points.lowest_altitude <= points.altitude + 0.1).all()


@pytest.mark.filterwarnings("ignore:os.fork")  # Of the library that reads films.
@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_a_film(fly, folder, many_lines, suffix):
    name = f"flights.{suffix}"
    status, out, err = fly(*AGENTS, *SHORT, "--output", name, "--every", 2, "--fps", 10, "--picture.dpi", 65)
    assert status == 0, err
    assert re.search(rf"^film: {name} \(6 frames, 1 s, \d+ kB\)$", out, re.MULTILINE)
    assert "writing: drawing\n" in err
    assert "writing: 83%, 5/6 frames, elapsed 0:00:0" in err
    assert [path.name for path in folder.iterdir()] == [name]
    if suffix == "gif":
        film = Image.open(name)
        assert (film.n_frames, film.size) == (6, (520, 325))
        durations = []
        for number in range(6):
            film.seek(number)
            durations.append(film.info["duration"])
        assert durations == [100] * 5 + [2000]
    else:
        assert imageio_ffmpeg.count_frames_and_secs(name) == (6, pytest.approx(0.6))
        assert next(imageio_ffmpeg.read_frames(name))["size"] == (520, 324)


def test_the_last_step_has_a_frame():
    assert frame_steps(8, 4) == [0, 4, 8]
    assert frame_steps(9, 4) == [0, 4, 8, 9]
    assert frame_steps(3, 10) == [0, 3]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--agent", "random_wlak"], "Unknown agent 'random_wlak'. Did you mean 'random_walk'?"),
        (["--agent", "random", "random"], "--agent has 'random' twice."),
        (["--agent", "random", "--agent", "random"], "--agent has 'random' twice."),
        (["--agent", *(f"random_walk,sharpness={n}" for n in range(9))], "Unknown flag"),
        (["--agent", "quantile"], "The agent 'quantile' learns, and without a checkpoint it flies untrained."),
        (["--agent", "random", "--seed", "-1"], "seed"),
        (["--agent", "random", "--steps", "0"], "--steps must be at least 1, not 0."),
        (["--agent", "random", "--speed", "-2"], "--speed must be 0 or more hours in a second, not -2."),
        (["--agent", "random", "--output", "a.avi"], "--output is a.avi: give a file whose name ends in .png for"),
        (["--agent", "random", "--output", "a"], "--output is a: give a file whose name ends in .png for"),
        (["--agent", "random", "--output", "x/a.png"], "There is no folder x for a.png. Make it, or name another"),
        (["--agent", "random", "--every", "0"], "--every must be at least 1, not 0."),
        (["--agent", "random", "--fps", "0"], "--fps must be at least 1, not 0."),
        (["--agent", "random", "--picture.dpi", "7"], "dpi must be a whole number from 10 to 600"),
        (["--agent", "random", "--render-period", "3"], "Unknown flag --render-period."),
        (["--agent", "random", "--checkpoint-idx", "3"], "--checkpoint-idx goes with --checkpoint."),
        (["--agent", "random", "--window"], "matplotlib opens no window here: its backend is"),
    ],
)
def test_what_cannot_be_flown_or_written(fly, folder, monkeypatch, words, message):
    monkeypatch.setenv("MPLBACKEND", "agg")
    status, out, err = fly(*words)
    assert status == 2
    assert out == ""
    assert message in " ".join(err.replace("│", " ").split())
    assert list(folder.iterdir()) == []


def test_more_flights_than_colours(fly):
    fields = [f"uniform_shear,speed={number}" for number in range(9)]
    status, _, err = fly("--agent", "random", "--wind-field", *fields)
    assert status == 2
    assert "9 flights are more than there are colours: give at most 8." in err


def test_an_output_that_is_a_folder(fly, folder):
    (folder / "a.png").mkdir()
    status, _, err = fly("--agent", "random", "--output", "a.png")
    assert (status, err) == (2, "ble-eval: error: --output is a.png, a folder. Name a file.\n")


@pytest.mark.parametrize(("module", "name"), [("imageio_ffmpeg", "a.mp4"), ("matplotlib", "a.gif")])
def test_a_library_that_is_missing_is_named_before_the_flight(fly, monkeypatch, module, name):
    monkeypatch.setitem(sys.modules, module, None)
    status, _, err = fly("--agent", "random", "--output", name)
    assert status == 2
    assert f'--output {name} needs {module.replace("_", "-")}: pip install "ble-eval[video]"' in err


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C as soon as a flight has made 5 steps."""
    show = displays.LineDisplay.show

    def stop(self):
        show(self)
        if self._tracks[0].num_steps >= 5:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(displays.LineDisplay, "show", stop)


def test_what_was_flown_before_ctrl_c_is_shown_and_written(fly, interrupted, folder):
    words = [*AGENTS, "--seed", 3, "--steps", 5000]
    status, out, err = fly(*words)
    assert status == 130
    assert out.count("stopped") == 2
    assert "Stopped. Nothing is written without --output." in err
    assert list(folder.iterdir()) == []
    status, out, err = fly(*words, "--output", "a.gif", "--every", 1)
    assert status == 130
    assert "film: a.gif" in out
    assert "Stopped.\n" in err
    assert 6 <= Image.open("a.gif").n_frames < 1000


def test_ctrl_c_before_the_first_step(fly, monkeypatch, folder):
    monkeypatch.setattr(displays.LineDisplay, "show", lambda self: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(flights, "SECONDS_TO_STOP", 0.0)
    monkeypatch.setattr(Pace, "await_turn", lambda self, number: time.sleep(1) or self._check())
    status, out, err = fly(*AGENTS, *SHORT, "--output", "a.png")
    assert (status, out) == (130, "")
    assert "Stopped before the first step. Nothing is written." in err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_ctrl_c_while_a_film_is_written(fly, monkeypatch, folder, suffix):
    from ble_env.rendering.flight_picture import OffScreen

    draw = OffScreen.draw

    def stop(self, tracks, upto=None):
        if upto == 4:
            signal.raise_signal(signal.SIGINT)
        return draw(self, tracks, upto)

    monkeypatch.setattr(OffScreen, "draw", stop)
    (folder / f"a.{suffix}").write_text("of before")
    status, out, err = fly(*AGENTS, *SHORT, "--output", f"a.{suffix}", "--every", 1)
    assert status == 130
    assert "time is over" in out
    assert f"Stopped. a.{suffix} is not written." in err
    assert [path.name for path in folder.iterdir()] == [f"a.{suffix}"]
    assert (folder / f"a.{suffix}").read_text() == "of before"


class FakeWindow:
    """A window of matplotlib that the user closes when it has been drawn often enough."""

    draws_until_closed = 0
    drawn: list

    def __init__(self, names, radius, options):
        assert radius == 50.0
        type(self).drawn = [names]

    @property
    def is_open(self):
        return len(self.drawn) <= self.draws_until_closed

    def draw(self, tracks, upto=None):
        self.drawn.append([track.num_steps for track in tracks])


@pytest.fixture
def window(monkeypatch):
    """What the command opens, and whether it waits for it to be closed."""
    import matplotlib.pyplot as plt

    from ble_env.rendering import flight_picture

    held = []
    monkeypatch.setattr(plt, "get_backend", lambda: "qtagg")
    monkeypatch.setattr(plt, "show", lambda block: held.append(block))
    monkeypatch.setattr(flight_picture, "Window", FakeWindow)
    return held


def test_a_window_stays_until_it_is_closed(fly, monkeypatch, window):
    monkeypatch.setattr(FakeWindow, "draws_until_closed", 10_000)
    status, out, err = fly(*AGENTS, *SHORT, "--window", "--speed", 0)
    assert status == 0, err
    assert "time is over" in out
    assert FakeWindow.drawn[0] == ["random", "random_walk"]
    assert FakeWindow.drawn[-1] == [9, 9]
    assert window == [True]


def test_a_window_that_is_closed_stops_the_flights(fly, monkeypatch, window, folder):
    monkeypatch.setattr(FakeWindow, "draws_until_closed", 3)
    status, out, err = fly(*AGENTS, "--seed", 3, "--steps", 5000, "--window", "--output", "a.png")
    assert status == 130
    assert out.count("stopped") == 2
    assert "Stopped." in err
    assert [path.name for path in folder.iterdir()] == ["a.png"]
    assert window == []


def test_an_error_in_one_flight_stops_all(fly, folder):
    (folder / "own.py").write_text(agent_fakes.STEADY)
    sys.path.insert(0, str(folder))
    try:
        status, _, err = fly("--agent", "random", "own:Steady,action=7", *SHORT)
    finally:
        sys.path.remove(str(folder))
    assert status == 2
    assert "at step 1 of the episode of seed 3" in err
    assert threading.active_count() < 20


def test_a_flight_that_fails_ends_and_the_others_go_on():
    pace = Pace(2, 0.0)
    log = []

    def fly(number, steps):
        pace.await_turn(number)
        for step in range(steps + 1):
            pace.reach(number, step)
            log.append((number, step))
        pace.end(number)

    threads = [threading.Thread(target=fly, args=pair) for pair in ((0, 3), (1, 40))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert log.count((1, 40)) == 1
    steps = dict.fromkeys((0, 1), -1)
    for number, step in log[: log.index((0, 3))]:
        steps[number] = step
        assert abs(steps[0] - steps[1]) <= 2


def test_stopped_flights_do_not_wait():
    pace = Pace(2, 0.001)
    failures = []

    def fly():
        try:
            pace.reach(0, 0)
        except FlightStopped:
            failures.append(True)

    thread = threading.Thread(target=fly)
    thread.start()
    pace.stop()
    thread.join(10)
    assert failures == [True]
    with pytest.raises(FlightStopped):
        pace.await_turn(0)


def test_ffmpeg_that_fails_says_why(fly, monkeypatch, folder):
    (folder / "ffmpeg").write_text("#!/bin/sh\necho no space left >&2\nexit 3\n")
    (folder / "ffmpeg").chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(folder / "ffmpeg"))
    status, _, err = fly(*AGENTS, *SHORT, "--output", "a.mp4")
    assert status == 2
    assert "error: ffmpeg could not write a.mp4: no space left" in err
    assert [path.name for path in folder.iterdir()] == ["ffmpeg"]


def test_help_names_the_flags(fly):
    status, out, _ = fly("--agent", "random_walk", "--help")
    assert status == 0
    for flag in ("--seed INT", "--output FILE", "--window", "--speed FLOAT", "--every INT", "--picture.dpi INT"):
        assert flag in out
