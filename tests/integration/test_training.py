"""Training, evaluating what was trained, and exporting it, from the command line and in one process."""

import json
import os
import signal
from pathlib import Path

import pytest

from ble_eval.cli import main as ble_eval
from ble_sim.files.locks import locked
from ble_train.cli import main as ble_train
from ble_train.progress import TrainingProgress

PPO = [
    *("--agent", "ppo", "--num-envs", "4", "--wind-field", "simple", "--max-episode-length", "12"),
    *("--episodes-per-iteration", "3", "--evaluation-period", "1", "--evaluation-episodes", "4"),
    *("--agent.network-options", '{"level_sizes": [8], "summary_sizes": [8]}', "--agent.rollout-steps", "4"),
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A training run of two iterations."""
    monkeypatch.chdir(tmp_path)
    assert ble_train(["run", "--base-dir", "run", "--num-iterations", "2", *PPO]) == 0
    return tmp_path / "run"


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.long
def test_a_run_leaves_its_results_and_goes_on_by_its_folder_alone(run, capsys):
    assert [line["iteration"] for line in lines(run / "iterations.jsonl")] == [0, 1]
    points = lines(run / "learning_curve.jsonl")
    assert [point["iteration"] for point in points] == [0, 1]
    assert all(0.0 <= point["twr50"] <= 1.0 and point["num_episodes"] == 4 for point in points)
    assert (run / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    assert list((run / "metrics" / "tensorboard").glob("events.*"))
    assert (
        len(lines(run / "metrics" / "json_lines" / "episodes.jsonl")) == lines(run / "iterations.jsonl")[-1]["episodes"]
    )

    assert ble_train(["run", "--base-dir", "run", "--num-iterations", "3"]) == 0
    assert [line["iteration"] for line in lines(run / "iterations.jsonl")] == [0, 1, 2]
    record = json.loads((run / "settings.json").read_text())
    assert json.loads(record["agent_options"]["network_options"])["level_sizes"] == [8]
    assert record["plan"]["num_iterations"] == 3
    capsys.readouterr()

    assert ble_train(["run", "--base-dir", "run", "--agent.epochs", "7"]) == 2
    assert "agent option epochs is 3 there and 7 here" in capsys.readouterr().err
    assert ble_train(["run", "--base-dir", "run", "--agent", "dqn"]) == 2
    assert 'agent is "ppo" there and "dqn" here' in capsys.readouterr().err


@pytest.mark.long
def test_what_was_trained_is_evaluated_and_exported(run, tmp_path, capsys):
    flight = ["--seeds", "1", "2", "--wind-field", "simple", "--no-flight-paths"]
    points = lines(run / "learning_curve.jsonl")
    best = 0 if points[0]["twr50"] >= points[1]["twr50"] else 1
    capsys.readouterr()
    assert ble_eval(["run", "--agent", "ppo", "--checkpoint", "run", *flight]) == 0
    chosen = f"ppo from checkpoint {best} of run/best, the best of 2 validations, TWR50 {points[best]['twr50']:.3f}"
    out, err = capsys.readouterr()
    assert chosen in err
    assert f"ppo, checkpoint {best}, on seeds" in out
    evaluated = json.loads((tmp_path / f"results/seeds/ppo_{best}.json").read_text())
    provenance = json.loads((tmp_path / f"results/seeds/ppo_{best}.provenance").read_text())
    assert json.loads(provenance["settings"]["agent_options"]["network_options"])["summary_sizes"] == [8]

    assert ble_train(["export", "run", "--output", "exported/flyer.npz"]) == 0
    assert chosen.replace("from", "of") in capsys.readouterr().out
    (tmp_path / "exported/flyer.npz").rename("flyer.npz")
    assert ble_eval(["run", "--agent", "flyer.npz", *flight]) == 0
    assert json.loads((tmp_path / "results/seeds/flyer.json").read_text()) == evaluated
    provenance = json.loads((tmp_path / "results/seeds/flyer.provenance").read_text())
    assert "SHA-256" in provenance["software"]["agent"]

    other = 1 - best
    assert ble_eval(["run", "--agent", "run", f"run@{other}", "flyer.npz", *flight]) == 0
    assert "Complete, and not flown again without --fresh: flyer." in capsys.readouterr().err
    assert json.loads((tmp_path / f"results/seeds/run_{best}.json").read_text()) == evaluated
    provenance = json.loads((tmp_path / f"results/seeds/run_{other}.provenance").read_text())
    assert provenance["settings"]["checkpoint_idx"] == other

    capsys.readouterr()
    assert ble_eval(["run", "--agent", "ppo", "--checkpoint", "run", "--checkpoint-idx", "9", *flight]) == 2
    assert "There is no checkpoint 9 in run. There are 0, 1 in run/checkpoints" in capsys.readouterr().err
    assert ble_eval(["run", "--agent", "random", "--checkpoint", "run", *flight]) == 2
    assert "is of the agent 'ppo', not 'random'" in capsys.readouterr().err
    assert ble_eval(["run", "--agent", "nothing.npz", *flight]) == 2
    assert "nothing.npz" in capsys.readouterr().err


@pytest.mark.long
def test_a_run_goes_on_in_one_compiled_program_and_back(run, capsys):
    capsys.readouterr()
    assert ble_train(["run", "--base-dir", "run", "--num-iterations", "4", "--on-device"]) == 0
    assert "Continues with iteration 2" in capsys.readouterr().err
    compiled = lines(run / "iterations.jsonl")[2:]
    assert [line["iteration"] for line in compiled] == [2, 3]
    assert all(0.0 <= line["twr50"] <= 1.0 for line in compiled)
    assert json.loads((run / "settings.json").read_text())["plan"]["on_device"] is True
    assert ble_train(["run", "--base-dir", "run", "--num-iterations", "5", "--no-on-device"]) == 0
    assert [point["iteration"] for point in lines(run / "learning_curve.jsonl")] == [0, 1, 2, 3, 4]
    assert ble_eval(["run", "--agent", "run@3", "--seeds", "1", "--wind-field", "simple", "--no-flight-paths"]) == 0


def test_a_stopped_run_goes_on_as_it_was_by_its_folder_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["--agent", "mlp", "--agent.hidden-sizes", "4", "--wind-field", "simple", "--max-episode-length", "8"]
    counts = ["--episodes-per-iteration", "4", "--evaluation-period", "1", "--evaluation-episodes", "2"]
    watched = ["--collectors", "json_lines", "console", "--collector.console.no-save-to-file"]
    shown = TrainingProgress.episode_done

    def stop(self, episode):
        shown(self, episode)
        if episode.episode == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "episode_done", stop)
        assert ble_train(["run", "--base-dir", "run", "--num-iterations", "2", *words, *counts, *watched]) == 143
    assert "`ble-train run --base-dir run` continues from run/unfinished/1." in capsys.readouterr().err
    plan = json.loads(Path("run/settings.json").read_text())["plan"]
    assert (plan["num_iterations"], plan["evaluation_period"], plan["evaluation_episodes"]) == (2, 1, 2)
    assert plan["collectors"] == ["json_lines", "console"]
    assert plan["collector_options"]["console"]["save_to_file"] is False

    assert ble_train(["run", "--base-dir", "run"]) == 0
    err = capsys.readouterr().err
    assert "Continues with iteration 0, after 2 episodes, 16 steps" in err
    assert "from run/unfinished/1/checkpoints." in err
    assert json.loads(Path("run/settings.json").read_text())["plan"] == plan
    assert [line["episodes"] for line in lines(Path("run/iterations.jsonl"))] == [4, 8]
    assert len(lines(Path("run/metrics/json_lines/episodes.jsonl"))) == 8
    assert not Path("run/metrics/console/console.log").exists()
    points = lines(Path("run/learning_curve.jsonl"))
    assert [(point["iteration"], point["num_episodes"]) for point in points] == [(0, 2), (1, 2)]

    curve = Path("run/learning_curve.jsonl")
    curve.write_text(curve.read_text().splitlines(keepends=True)[0])  # As if the last validation had been killed.
    assert ble_train(["run", "--base-dir", "run"]) == 0
    err = capsys.readouterr().err
    assert "The run has its length of 2 iterations. To train on, give a larger --num-iterations." in err
    again = lines(curve)
    assert again == [points[0], {**points[1], "seconds": again[1]["seconds"]}]

    assert ble_train(["run", "--base-dir", "run", "--num-hours", "0.00001", "--collectors"]) == 0
    assert "The run has its length of 1e-05 hours." in capsys.readouterr().err
    plan = json.loads(Path("run/settings.json").read_text())["plan"]
    assert (plan["num_iterations"], plan["num_hours"], plan["collectors"]) == (None, 1e-05, [])

    record = json.loads(Path("run/settings.json").read_text())
    record["content"]["the wind field's content"] = "another"
    Path("run/settings.json").write_text(json.dumps(record))
    assert ble_train(["run", "--base-dir", "run"]) == 2
    err = capsys.readouterr().err
    assert "other content: the wind field's content has changed. Give --accept-changes" in err
    assert ble_train(["run", "--base-dir", "run", "--accept-changes"]) == 0
    with locked(Path("run")):
        assert ble_train(["run", "--base-dir", "run"]) == 2
    assert "is in use by process" in capsys.readouterr().err


def test_an_untrained_learner_is_evaluated_only_on_demand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert ble_eval(["run", "--agent", "mlp", "--seeds", "1", "--wind-field", "simple"]) == 2
    assert "The agent 'mlp' learns, and without a checkpoint it flies untrained." in capsys.readouterr().err
    assert ble_eval(["run", "--agent", "mlp", "--untrained", "--checkpoint", "run", "--seeds", "1"]) == 2
    assert "Give a checkpoint or --untrained, not both" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--agent", "pppo"], "Unknown agent 'pppo'. Did you mean 'ppo'?"),
        (["--agent", "ppo", "--collectors", "consol"], "Unknown collector 'consol'. Did you mean 'console'?"),
        (["--agent", "ppo", "--wind-field", "simpel"], "Unknown wind field 'simpel'. Did you mean 'simple'?"),
        (["--agent", "ppo", "--wind-field", "grid_file"], "Cannot make the wind field 'grid_file': No file is given"),
        (["--agent", "ppo", "--num-envs", "0"], "--num-envs must be at least 1, got 0"),
        (["--agent", "ppo", "--num-steps", "0"], "--num-steps must be at least 1, got 0"),
        (["--agent", "ppo", "--num-steps", "5", "--num-iterations", "2"], "not --num-iterations and --num-steps"),
        (["--agent", "ppo", "--num-hours", "0"], "--num-hours must be positive, got 0.0"),
        (["--agent", "ppo", "--evaluation-period", "-1"], "--evaluation-period must be 0 or more, got -1"),
        (["--agent", "ppo", "--checkpoint-minutes", "nan"], "--checkpoint-minutes must be 0 or more, got nan"),
        (["--agent", "a.npz"], "a.npz is an exported agent, which does not learn."),
        (["--agent", "a.npz"], "--agent finetune_perciatelli --agent.start a.npz"),
        (["--agent", "ppo", "--seed", "-1"], "--seed: "),
        (["--agent", "random", "--num-envs", "4"], "leave out --num-envs"),
        (["--agent", "ppo", "--settings", "nowhere.json"], "There is no nowhere.json"),
        (["--agent", "dqn", "--on-device"], "The agent 'dqn' cannot be trained with --on-device; ppo can."),
        (["--agent", "ppo", "--on-device", "--precision", "float64"], "leave out --precision float64"),
        (["--agent", "ppo", "--on-device", "--env-device", "cpu"], "leave out --env-device cpu"),
        (["--agent", "ppo", "--on-device", "--renderer", "text"], "leave out --renderer"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert ble_train(["run", "--base-dir", "run", *words]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.startswith("ble-train: error: ")
    assert out == ""


SMALL_QUANTILE = ["--agent.hidden-sizes", "4", "--agent.replay-capacity", "64", "--agent.min-replay-history", "4"]


@pytest.mark.long
@pytest.mark.parametrize("agent", [["random"], ["mlp"], ["quantile", *SMALL_QUANTILE]], ids=lambda words: words[0])
def test_any_agent_trains_in_one_environment(tmp_path, monkeypatch, agent):
    monkeypatch.chdir(tmp_path)
    words = ["--agent", *agent, "--wind-field", "simple", "--max-episode-length", "8", "--evaluation-period", "1"]
    counts = ["--num-iterations", "1", "--episodes-per-iteration", "2", "--evaluation-episodes", "4"]
    assert ble_train(["run", "--base-dir", "run", *words, *counts, "--collectors", "pickle", "console"]) == 0
    assert [line["episodes"] for line in lines(tmp_path / "run" / "iterations.jsonl")] == [2]
    assert len(list((tmp_path / "run" / "metrics" / "pickle").iterdir())) == 2
    if agent != ["random"]:
        assert ble_train(["export", "run", "--output", "flyer.npz"]) == 0


def test_the_length_of_a_run_is_given_in_steps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--num-envs", "4", "--agent", "ppo", "--agent.rollout-steps", "4", "--wind-field", "simple"]
    words += ["--max-episode-length", "8"]
    counts = ["--episodes-per-iteration", "2", "--evaluation-period", "9", "--evaluation-episodes", "2"]
    assert ble_train(["run", "--base-dir", "run", *words, *counts, "--num-steps", "30"]) == 0
    steps = [line["env_steps"] for line in lines(tmp_path / "run" / "iterations.jsonl")]
    assert steps[-2] < 30 <= steps[-1]
    assert [line["env_steps"] for line in lines(tmp_path / "run" / "learning_curve.jsonl")] == steps[-1:]
    record = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert record["plan"]["num_steps"] == 30
    assert record["plan"]["num_iterations"] is None
    assert (
        ble_train(["run", "--base-dir", "run", "--evaluation-period", "0"]) == 0
    )  # Of the same length: nothing is left.
    assert [line["env_steps"] for line in lines(tmp_path / "run" / "iterations.jsonl")] == steps
