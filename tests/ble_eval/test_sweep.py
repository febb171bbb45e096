"""`ble-eval run` with several agents, wind fields and precisions."""

import json
import shlex
import signal

import pytest

from ble_env import core
from ble_eval.cli import main
from ble_eval.commands import run
from ble_eval.engines.local import LocalEngine
from ble_eval.results.files import read_results

FAKE = "evaluation_fakes:FakeAgent"


def record(path):
    return json.loads(path.read_text())


def test_all_combinations_are_flown_as_they_are_alone(ble_eval_here, tmp_path):
    words = ["run", "--agent", FAKE, f"{FAKE},wildness=0.25", "random", "--precision", "float32", "float64"]
    words += ["--seeds", "4", "3", "8"]
    status, out, err = ble_eval_here(*words)
    assert status == 0, err
    folder = tmp_path / "results" / "seeds"
    agents = ["FakeAgent", "FakeAgent,wildness=0.25", "random"]
    names = [f"{agent}__{precision}" for agent in agents for precision in ("float32", "float64")]
    found = sorted(path.name for path in folder.iterdir())
    assert found == sorted(f"{name}.{suffix}" for name in names for suffix in ("json", "provenance"))
    assert out.startswith("6 runs of 3 episodes on seeds")
    rows = [line.split("│")[1:4] for line in out.splitlines() if line.startswith("│")]
    assert "".join(name.strip() for name, *_ in rows) == "".join(names)
    assert [failed.strip() for _, _, failed in rows if failed.strip()] == ["2"] * 6
    assert {track.strip() for _, track, _ in rows if track.strip()} == {"observation"}
    assert "results: results/seeds/NAME.json" in out

    assert ble_eval_here("run", "--agent", FAKE, "--agent.wildness", 0.25, *words[-4:])[0] == 0
    alone, swept = (folder / f"{name}.json" for name in ("FakeAgent", "FakeAgent,wildness=0.25__float32"))
    assert swept.read_bytes() == alone.read_bytes()
    one, other = (record(path.with_suffix(".provenance")) for path in (alone, swept))
    assert shlex.split(other["command"]) == ["ble-eval", *words]
    for changing in ("command", "started", "wall_time_seconds"):
        del one[changing], other[changing]
    assert one == other


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "Ctrl-C"])
def test_a_stopped_sweep_goes_on_with_what_it_lacks(ble_eval, ble_eval_here, tmp_path, number):
    seeds = ["--seeds", 4, 8, 1]
    words = ["run", "--agent", "random", FAKE, f"{FAKE},wildness=0", *seeds]
    folder = tmp_path / "results" / "seeds"
    assert ble_eval_here("run", "--agent", "random", *seeds)[0] == 0
    written = (folder / "random.json").stat().st_mtime_ns

    stopped = ble_eval(*words, stop=f"8 {int(number)}")
    assert "Complete, and not flown again without --fresh: random." in stopped.stderr
    kept = {"random.json", "random.provenance", "FakeAgent.partial.jsonl", "FakeAgent,wildness=0.partial.jsonl"}
    assert {path.name for path in folder.glob("[!.]*")} == kept
    if number == signal.SIGINT:
        assert stopped.returncode == 130
        place = "results/seeds/FakeAgent.partial.jsonl"
        kept = f"1 of 3 result files are complete; 1 of 3 episodes are finished and kept in {place}. The same command"
        assert f"Stopped: {kept} continues from there." in stopped.stderr

    status, _, err = ble_eval_here(*words)
    assert status == 0, err
    assert "Continues after 1 episodes finished earlier (results/seeds/FakeAgent.partial.jsonl)." in err
    assert sorted(path.suffix for path in folder.iterdir()) == [".json"] * 3 + [".provenance"] * 3
    assert (folder / "random.json").stat().st_mtime_ns == written
    assert record(folder / "FakeAgent.provenance")["episodes_flown_earlier"] == 1
    assert ble_eval_here("run", "--agent", FAKE, *seeds, "--output-dir", "whole")[0] == 0
    assert (folder / "FakeAgent.json").read_bytes() == (tmp_path / "whole" / "seeds" / "FakeAgent.json").read_bytes()

    status, out, _ = ble_eval_here(*words)
    assert status == 0
    assert "nothing is flown: the results are complete, and --fresh flies anew" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--agent", "random", "randon"], "Unknown agent 'randon'. Did you mean 'random'?"),
        (["--agent", "random", "random,x=1"], "--agent random,x=1: Unknown flag --agent.x=1. What --agent names here"),
        (["--agent", "random_walk,hysteresis=much", "random"], "--agent.hysteresis"),
        (["--agent", "random", "--wind-field", "simple", "gird_file"], "Unknown wind field 'gird_file'"),
        (["--agent", "random", "--wind-field", "simple", "grid_file"], "Cannot make the wind field 'grid_file'"),
        (["--agent", "random", "none.npz"], "There is no none.npz"),
        (["--agent", "random", "--precision", "float32", "float16"], "float16"),
        (["--agent", "random", "random_walk", "--name-override", "mine"], "--name-override names one result file"),
        (["--agent", "random", "runs/p1"], "There is no folder runs/p1"),
        (["--agent", "random", "--engine", "ray", "--renderer", "matplotlib"], "Leave out --engine"),
    ],
)
def test_a_mistake_in_any_word_is_named_before_anything_is_flown(ble_eval_here, tmp_path, words, message):
    status, out, err = ble_eval_here("run", *words, "--seeds", 1)
    assert (status, out) == (2, "")
    assert message in " ".join(err.replace("│", " ").split())
    assert "flying" not in err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_compressed_results_are_known_again(ble_eval_here, tmp_path):
    words = ["run", "--agent", "random", "--seeds", 1]
    folder = tmp_path / "results" / "seeds"
    assert ble_eval_here(*words, "--compress")[0] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["random.json.gz", "random.provenance"]
    status, out, _ = ble_eval_here(*words, "--compress")
    assert status == 0
    assert "nothing is flown" in out
    status, _, err = ble_eval_here(*words)  # It would have the same record.
    assert status == 2
    assert "random.json.gz is there" in err
    assert ble_eval_here(*words, "--name-override", "plain")[0] == 0
    assert read_results(folder / "random.json.gz") == read_results(folder / "plain.json")


@pytest.mark.long
def test_agents_of_one_task_share_its_programs(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "EPISODE_STEPS", 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # Without the programs of earlier processes.
    traced, step = [], core.step

    def counted(*arguments):
        traced.append(arguments)
        return step(*arguments)

    monkeypatch.setattr(core, "step", counted)
    # An option of this test's own: no other test has traced the task.
    task = ["--wind-field", "uniform_shear", "--reward.radius-km", "43.25", "--seeds", "1", "2", "--no-flight-paths"]

    def fly(*agents):
        traced.clear()
        assert main(["run", "--agent", *agents, *task, "--output-dir", str(tmp_path)]) == 0
        return len(traced)

    assert fly("random") > 0
    assert fly("random_walk,hysteresis=1", "random_walk") == 0
    assert len(list(tmp_path.glob("seeds/*.json"))) == 3


def test_an_engine_makes_the_environment_of_a_task_and_the_agent_of_settings_once(ble_eval_here, monkeypatch):
    made = []
    make_agent = LocalEngine.agent
    monkeypatch.setattr(
        LocalEngine, "agent", lambda self, settings: made.append(make_agent(self, settings)) or made[-1]
    )
    words = ["--agent", "random", FAKE, "--precision", "float32", "float64", "--seeds", 1]
    assert ble_eval_here("run", *words)[0] == 0
    assert len(made) == 8  # Each of the four is checked, and then flown.
    assert len(set(map(id, made))) == 4
