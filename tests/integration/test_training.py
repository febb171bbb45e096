"""Training, evaluating what was trained, and exporting it, from the command line and in one process."""

import json

import pytest

from ble_eval.cli import main as ble_eval
from ble_train.cli import main as ble_train

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

    assert ble_train(["run", "--base-dir", "run", "--num-iterations", "3", "--evaluation-period", "1"]) == 0
    assert [line["iteration"] for line in lines(run / "iterations.jsonl")] == [0, 1, 2]
    record = json.loads((run / "settings.json").read_text())
    assert json.loads(record["agent_options"]["network_options"])["level_sizes"] == [8]
    assert record["num_iterations"] == 3
    capsys.readouterr()

    assert ble_train(["run", "--base-dir", "run", "--agent.epochs", "7"]) == 2
    assert "agent option epochs is 3 there and 7 here" in capsys.readouterr().err
    assert ble_train(["run", "--base-dir", "run", "--agent", "dqn"]) == 2
    assert 'agent is "ppo" there and "dqn" here' in capsys.readouterr().err


@pytest.mark.long
def test_what_was_trained_is_evaluated_and_exported(run, tmp_path, capsys):
    flight = ["--seeds", "1", "2", "--wind-field", "simple", "--no-flight-paths"]
    assert ble_eval(["run", "--agent", "ppo", "--checkpoint", "run", *flight]) == 0
    evaluated = json.loads((tmp_path / "results/seeds/ppo_1.json").read_text())
    provenance = json.loads((tmp_path / "results/seeds/ppo_1.provenance").read_text())
    assert json.loads(provenance["settings"]["agent_options"]["network_options"])["summary_sizes"] == [8]

    assert ble_train(["export", "run", "--iteration", "1", "--output", "flyer.npz"]) == 0
    assert ble_eval(["run", "--agent", "flyer.npz", *flight]) == 0
    assert json.loads((tmp_path / "results/seeds/flyer.json").read_text()) == evaluated
    provenance = json.loads((tmp_path / "results/seeds/flyer.provenance").read_text())
    assert "SHA-256" in provenance["software"]["agent"]

    best = json.loads((run / "learning_curve.jsonl").read_text().splitlines()[0])
    assert ble_train(["export", "run", "--output", "best.npz"]) == 0
    assert best["iteration"] == 0
    capsys.readouterr()

    assert ble_eval(["run", "--agent", "ppo", "--checkpoint", "run", "--checkpoint-idx", "9", *flight]) == 2
    assert "no checkpoint 9" in capsys.readouterr().err
    assert ble_eval(["run", "--agent", "random", "--checkpoint", "run", *flight]) == 2
    assert "is of the agent 'ppo', not 'random'" in capsys.readouterr().err
    assert ble_eval(["run", "--agent", "nothing.npz", *flight]) == 2
    assert "nothing.npz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--agent", "pppo"], "Unknown agent 'pppo'. Did you mean 'ppo'?"),
        (["--agent", "ppo", "--collectors", "consol"], "Unknown collector 'consol'. Did you mean 'console'?"),
        (["--agent", "ppo", "--wind-field", "simpel"], "Unknown wind field 'simpel'. Did you mean 'simple'?"),
        (["--agent", "ppo", "--wind-field", "grid_file"], "Cannot make the wind field 'grid_file': No file is given"),
        (["--agent", "ppo", "--num-envs", "0"], "--num-envs must be at least 1, not 0"),
        (["--agent", "ppo", "--num-steps", "0"], "--num-steps must be at least 1, not 0"),
        (["--agent", "ppo", "--num-steps", "5", "--num-iterations", "2"], "--num-iterations or --num-steps, not both"),
        (["--agent", "a.npz"], "a.npz is an exported agent, which does not learn."),
        (["--agent", "a.npz"], "--agent finetune_perciatelli --agent.start a.npz"),
        (["--agent", "ppo", "--seed", "-1"], "--seed: "),
        (["--agent", "random", "--num-envs", "4"], "leave out --num-envs"),
        (["--agent", "ppo", "--settings", "nowhere.json"], "There is no nowhere.json"),
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


@pytest.mark.parametrize("lanes", [["1", "mlp"], ["4", "ppo", "--agent.rollout-steps", "4"]], ids=["classic", "lanes"])
def test_the_length_of_a_run_is_given_in_steps(tmp_path, monkeypatch, lanes):
    monkeypatch.chdir(tmp_path)
    words = ["--num-envs", lanes[0], "--agent", *lanes[1:], "--wind-field", "simple", "--max-episode-length", "8"]
    counts = ["--episodes-per-iteration", "2", "--evaluation-period", "9", "--evaluation-episodes", "2"]
    assert ble_train(["run", "--base-dir", "run", *words, *counts, "--num-steps", "30"]) == 0
    steps = [line["env_steps"] for line in lines(tmp_path / "run" / "iterations.jsonl")]
    assert steps[-2] < 30 <= steps[-1]
    assert [line["env_steps"] for line in lines(tmp_path / "run" / "learning_curve.jsonl")] == steps[-1:]
    record = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert record["num_steps"] == 30
    assert "num_iterations" not in record
    assert (
        ble_train(["run", "--base-dir", "run", "--evaluation-period", "0"]) == 0
    )  # Of the same length: nothing is left.
    assert [line["env_steps"] for line in lines(tmp_path / "run" / "iterations.jsonl")] == steps
