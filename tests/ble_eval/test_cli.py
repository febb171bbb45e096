import json
import shlex
import signal

import pytest

from ble_env.checks import NotFiniteError
from ble_eval.eval_lib import eval_agent
from ble_eval.results.files import read_results, write_results
from ble_eval.suites import EvaluationSuite
from ble_sim.files.models import ModelFileError


def records(path):
    return json.loads(path.read_text())


def test_a_run_writes_results_and_how_they_came_about(ble_eval, tmp_path):
    words = [
        "run",
        "--agent",
        "fake",
        "--suite",
        "fake_suite",
        "--output-dir",
        "out",
        "--agent.wildness",
        "0.25",
    ]
    done = ble_eval(*words)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "fake_suite"
    assert sorted(path.name for path in folder.iterdir()) == ["fake.json", "fake.provenance"]
    assert [(record["seed"], record["final_timestep"]) for record in records(folder / "fake.json")] == [
        (4, 20),
        (3, 7),
        (8, 7),
    ]
    assert "out of power 2, envelope burst 0, zeropressure 0" in done.stdout
    assert "TWR50 [95% interval]" in done.stdout
    assert "not failed" in done.stdout
    assert "out/fake_suite/fake.json" in done.stdout
    assert "out/fake_suite/fake.provenance" in done.stdout
    assert "Traceback" not in done.stderr

    provenance = records(folder / "fake.provenance")
    assert shlex.split(provenance["command"]) == ["ble-eval", *words]
    assert provenance["settings"]["seeds"] == ["4", "3", "8"]
    assert provenance["settings"]["agent_options"] == {"wildness": 0.25}
    assert provenance["settings"]["precision"] == "float32"
    assert provenance["software"]["agent"] == "ble-fake 0.5"
    assert provenance["software"]["wind field"].startswith("ble")
    assert {"python", "jax", "numpy"} <= provenance["software"].keys()
    assert provenance["wall_time_seconds"] > 0
    assert provenance["episodes_flown_earlier"] == 0


def test_the_wind_field_has_options_too(ble_eval_here, tmp_path):
    words = ["run", "--agent", "random", "--seeds", 1, "--wind-field", "uniform_shear"]
    assert ble_eval_here(*words, "--wind-field.speed", 3)[0] == 0
    settings = records(tmp_path / "results" / "seeds" / "random.provenance")["settings"]
    assert settings["wind_field"] == "uniform_shear"
    assert settings["wind_field_options"]["speed"] == 3.0
    status, _, err = ble_eval_here(*words, "--wind-field.speed", 4)
    assert status == 2
    assert "wind field option speed is 3.0 there and 4.0 here" in err
    status, out, _ = ble_eval_here("run", "--wind-field", "uniform_shear", "--help")
    assert status == 0
    assert "--wind-field.heading-shear FLOAT" in out


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "Ctrl-C"])
def test_a_stopped_run_goes_on_and_ends_like_one_that_was_not(ble_eval, fake, tmp_path, number):
    words = ["run", "--agent", "fake", "--seeds", 4, 3, 8, 1, 2]
    folder = tmp_path / "results" / "seeds"

    stopped = ble_eval(*words, stop=f"8 {int(number)}")
    assert [path.name for path in folder.glob("[!.]*")] == ["fake.partial.jsonl"]
    if number == signal.SIGINT:
        assert stopped.returncode == 130
        assert "2 of 5 episodes" in stopped.stderr
        assert "results/seeds/fake.partial.jsonl" in stopped.stderr
        assert "Traceback" not in stopped.stderr
    else:
        assert stopped.returncode == -signal.SIGKILL
        other = ble_eval(*words, "--precision", "float64")
        assert other.returncode == 2
        assert "--fresh" in other.stderr
        assert 'precision is "float32" there and "float64" here' in other.stderr

    # A process that would stop at an episode that is finished does not stop: it is not flown again.
    assert ble_eval(*words, stop=f"4 {int(signal.SIGKILL)}").returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["fake.json", "fake.provenance"]
    assert records(folder / "fake.provenance")["episodes_flown_earlier"] == 2
    agent, suite = fake.FakeAgent(3, (2,)), EvaluationSuite([4, 3, 8, 1, 2], 960)
    write_results(tmp_path / "whole.json", eval_agent(agent, fake.FakeEnv(), suite, agent_seed=0))
    assert (folder / "fake.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_shards_merge_into_the_whole(ble_eval_here, tmp_path):
    words = ["run", "--agent", "random", "--suite", "tiny_eval"]
    assert ble_eval_here(*words)[0] == 0
    for index in range(2):
        assert ble_eval_here(*words, "--num-shards", 2, "--shard-idx", index)[0] == 0
    folder = tmp_path / "results" / "tiny_eval"
    shards = [folder / "random_0.json", folder / "random_1.json"]
    assert [[record["seed"] for record in records(shard)] for shard in shards] == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
    ]

    merged = folder / "merged.json"
    status, out, err = ble_eval_here("merge", *shards, "--output", merged, "--flight-paths")
    assert (status, err) == (0, "")
    assert "10 episodes of 2 files" in out
    assert read_results(merged) == read_results(folder / "random.json")
    provenance = records(folder / "merged.provenance")
    assert provenance["settings"]["suite"] == "tiny_eval"
    assert list(provenance["merged_from"]) == [str(shard) for shard in shards]

    status, _, err = ble_eval_here("merge", shards[1], "--output", folder / "less.json")
    assert status == 2
    assert "Missing: 5 seeds 0-4." in err
    assert "--allow-missing" in err
    assert not (folder / "less.json").exists()
    status, _, err = ble_eval_here("merge", shards[1], "--output", folder / "less.json", "--allow-missing")
    assert status == 0
    assert "Missing: 5 seeds 0-4." in err
    assert all(not result.flight_path for result in read_results(folder / "less.json"))


def test_merging_files_without_provenance(ble_eval_here, tmp_path, make_result):
    write_results(tmp_path / "a.json", [make_result(0), make_result(1)])
    write_results(tmp_path / "b.json", [make_result(1), make_result(2)])
    status, _, err = ble_eval_here("merge", "a.json", "b.json", "--output", "new/ab.json")
    assert status == 0
    assert "Double, with equal results: 1 seed 1." in err
    assert "give --suite" in err
    assert [result.seed for result in read_results(tmp_path / "new" / "ab.json")] == [0, 1, 2]
    status, _, err = ble_eval_here("merge", "a.json", "b.json", "--output", "ab.json", "--suite", "tiny_eval")
    assert status == 2
    assert "Missing: 7 seeds 3-9." in err
    write_results(tmp_path / "b.json", [make_result(1, cumulative_reward=0.0)])
    status, _, err = ble_eval_here("merge", "a.json", "b.json", "--output", "ab.json")
    assert status == 2
    assert "different results for 1 seed 1" in err
    (tmp_path / "b.json").write_text("[{}]")
    status, _, err = ble_eval_here("merge", "a.json", "b.json", "--output", "ab.json")
    assert status == 2
    assert "b.json, record 0: 'seed' is missing" in err
    assert not (tmp_path / "ab.json").exists()


def test_runs_with_other_settings_do_not_merge(ble_eval_here, tmp_path):
    for index, precision in enumerate(["float32", "float64"]):
        words = ["--num-shards", 2, "--shard-idx", index, "--precision", precision]
        assert ble_eval_here("run", "--agent", "random", "--seeds", 1, 2, *words)[0] == 0
    files = [tmp_path / "results" / "seeds" / f"random_{index}.json" for index in range(2)]
    status, _, err = ble_eval_here("merge", *files, "--output", "ab.json")
    assert status == 2
    assert 'precision is "float32" there and "float64" here' in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--agent", "randon"], "Unknown agent 'randon'. Did you mean 'random'?"),
        (["--wind-field", "simpel"], "Unknown wind field 'simpel'. Did you mean 'simple'?"),
        (["--wind-field", "grid_file"], "Cannot make the wind field 'grid_file': No file is given"),
        (["--wind-field.speed", 3], "--wind-field.speed"),
        (["--suite", "tiny"], "Unknown suite 'tiny'. Did you mean 'tiny_eval'?"),
        (["--suite", "tiny_eval", "--seeds", 1], "--suite or --seeds, not both"),
        (["--seeds", 1, -1], "not -1"),
        (["--seeds", 2**64], "not 18446744073709551616"),
        (["--seeds", "one"], "--seeds"),
        (["--seeds", 1.5], "--seeds"),
        (["--seeds", 4, 5, 4], "seed 4 is given twice"),
        (["--seeds", 4, "--seed", -3], "not -3"),
        (["--seeds", 4, "--num-shards", 2, "--shard-idx", 2], "no shard 2 of 2"),
        (["--seeds", 4, "--num-shards", 0], "no shard 0 of 0"),
        (["--seeds", 4, "--precision", "float16"], "float16"),
        (["--seeds", 4, "--checkpoint-idx", 3], "--checkpoint-idx goes with --checkpoint"),
        (["--seeds", 4, "--checkpoint", "a"], "There is no folder a. Give that of a training run"),
        (["--seeds"], "--seeds is given without a seed"),
        (["--seeds", 4, "--name-override", ""], "--name-override is empty"),
        (["--seeds", 4, "--name-override", "a/b"], "'a/b.json' is not a file name"),
        (["--seeds", 4, "--output-dir", "file"], "Cannot write to file/seeds: Not a directory"),
        (["--no-such-flag"], "--no-such-flag"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(ble_eval_here, tmp_path, words, message):
    (tmp_path / "file").touch()
    words = ["run", *words] if "--agent" in words else ["run", "--agent", "random", *words]
    status, out, err = ble_eval_here(*words)
    assert status == 2
    assert message in err
    assert out == ""
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_mistakes_in_merging_are_named(ble_eval_here, tmp_path, make_result):
    write_results(tmp_path / "a.json", [make_result(0)])
    for words, message in [
        (["--output", "b.json"], "Name the files to merge."),
        (["a.json", "--output", "folder"], "ends in .json"),
        (["none.json", "--output", "b.json"], "none.json"),
        (["a.json", "--output", "a.json/b.json"], "Cannot write to a.json"),
        (["a.json", "--output", "b.json", "--suite", "tiny"], "Did you mean 'tiny_eval'?"),
    ]:
        status, out, err = ble_eval_here("merge", *words)
        assert (status, out) == (2, "")
        assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_shard_without_seeds_is_an_empty_file(ble_eval_here, tmp_path):
    assert ble_eval_here("run", "--agent", "random", "--seeds", 1, "--num-shards", 2)[0] == 0
    assert records(tmp_path / "results" / "seeds" / "random_0.json") == []


def test_a_run_needs_an_agent_and_a_command_a_verb(ble_eval_here):
    status, _, err = ble_eval_here("run", "--seeds", 4)
    assert status == 2
    assert "--agent" in err
    status, _, err = ble_eval_here()
    assert status == 2
    assert "run" in err
    assert "merge" in err


def test_mistakes_that_show_when_the_agent_is_made(ble_eval, tmp_path):
    done = ble_eval("run", "--agent", "fake", "--seeds", 1, "--agent.wildness", 3)
    assert done.returncode == 2
    assert done.stderr == "ble-eval: error: Cannot make the agent 'fake': wildness is 3.0, outside [0, 1].\n"
    (tmp_path / "runs").mkdir()
    done = ble_eval("run", "--agent", "fake", "--seeds", 1, "--checkpoint", "runs", "--checkpoint-idx", 7)
    assert done.returncode == 2
    assert "No checkpoint 7 in runs." in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "results" / "seeds").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModelFileError("decoder.npz is altered"), "decoder.npz is altered"),
        (OSError(28, "No space left on device"), "No space is left for the output. Free some and"),
        (NotFiniteError("episode 1, step 3: the reward is nan"), "episode 1, step 3: the reward is nan"),
    ],
)
def test_errors_from_below_in_the_middle_of_a_flight(ble_eval_here, fake, monkeypatch, error, message):
    def reset(self, *, seed=None, options=None):
        raise error

    monkeypatch.setattr(fake.FakeEnv, "reset", reset)
    status, out, err = ble_eval_here("run", "--agent", "random", "--seeds", 1)
    assert (status, out) == (2, "")
    assert err.startswith("flying: compiling")
    assert err.splitlines()[1].startswith(f"ble-eval: error: {message}")
    assert len(err.splitlines()) == 2


def test_an_error_in_the_code_of_others_names_it(ble_eval_here, fake, monkeypatch):
    def reset(self, *, seed=None, options=None):
        raise ValueError("a bug")

    monkeypatch.setattr(fake.FakeEnv, "reset", reset)
    status, _, err = ble_eval_here("run", "--agent", "random", "--seeds", 1)
    assert status == 1
    assert f"error: The module {__name__} ({__file__}) failed: ValueError: a bug. Set BLE_TRACEBACK=1" in err


def test_results_of_another_run_are_replaced_only_on_demand(ble_eval_here, tmp_path):
    words = ["run", "--agent", "random", "--seeds"]
    path = tmp_path / "results" / "seeds" / "random.json"
    assert ble_eval_here(*words, 1)[0] == 0
    first = path.read_bytes()
    status, _, err = ble_eval_here(*words, 2)
    assert status == 2
    assert 'seeds is ["1"] there and ["2"] here' in err
    assert path.read_bytes() == first
    written = path.stat().st_mtime_ns
    status, out, _ = ble_eval_here(*words, 1)
    assert status == 0
    assert "nothing is flown: the results are complete" in out
    assert path.stat().st_mtime_ns == written
    assert ble_eval_here(*words, 2, "--fresh")[0] == 0
    assert path.read_bytes() != first
    path.with_suffix(".provenance").unlink()
    status, _, err = ble_eval_here(*words, 2)
    assert status == 2
    assert "its settings are unknown" in err
    path.with_suffix(".provenance").write_text("[]")
    status, _, err = ble_eval_here(*words, 2)
    assert status == 2
    assert "is not a record of a run" in err


def test_files_are_named_and_laid_out_as_asked(ble_eval_here, tmp_path):
    words = [
        "run",
        "--agent",
        "random",
        "--seeds",
        1,
        "--output-dir",
        "a/b",
        "--no-flight-paths",
        "--pretty-json",
    ]
    assert ble_eval_here(*words, "--name-override", "mine")[0] == 0
    path = tmp_path / "a" / "b" / "seeds" / "mine.json"
    assert records(path)[0]["flight_path"] == []
    assert "\n  {\n" in path.read_text()


def test_help_names_agents_suites_and_the_agents_options(ble_eval, ble_eval_here):
    status, out, _ = ble_eval_here("run", "--help")
    assert status == 0
    assert "station_seeker" in out
    assert "tiny_eval" in out
    assert "generative" in out
    assert "--agent.wildness" not in out
    done = ble_eval("run", "--agent=fake", "--help")
    assert done.returncode == 0
    assert "--agent.wildness FLOAT" in done.stdout
    assert "Share of its actions that are random." in done.stdout
