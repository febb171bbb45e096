"""A training that is killed at random moments ends as one that was not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from vector_fakes import DigestAgent

from ble_train.checkpoints import Checkpoints

pytestmark = pytest.mark.long

NUM_KILLS = 20
NUM_ITERATIONS = 120
SUPPORT = Path(__file__).parents[1] / "support"

TRAINING = f"""
import sys
import numpy as np
sys.path.insert(0, {str(SUPPORT)!r})
from training_fakes import FakeEnv
from vector_fakes import DigestAgent
from ble_train.collectors.construction import create_collector_constructors
from ble_train.loops.classic import run_training_loop

class SeededEnv(FakeEnv):
    "Observations depend on the seed of the iteration."
    def reset(self, *, seed=None, options=None):
        super().reset()
        self.rng = np.random.default_rng(seed) if seed is not None else self.rng
        return self.rng.random(1, np.float32), {{}}

    def step(self, action):
        _, reward, terminated, truncated, info = super().step(action)
        return self.rng.random(1, np.float32), reward + 0.1 * float(action), terminated, truncated, info

print("ready", flush=True)
run_training_loop(sys.argv[1], SeededEnv(fails=False), DigestAgent(), {NUM_ITERATIONS}, 5,
    create_collector_constructors(["json_lines", "tensorboard"]), episodes_per_iteration=3, seed=4,
    on_iteration=lambda record: print(record.iteration, flush=True))
print("done", flush=True)
"""


def start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished_iterations(folder: Path) -> list[dict]:
    text = (folder / "iterations.jsonl").read_text() if (folder / "iterations.jsonl").exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_killed_at_random_moments_loses_at_most_an_iteration_and_ends_the_same(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(whole)
    out, err = process.communicate(timeout=300)
    assert out.endswith("done\n"), err
    moments = random.Random(1)
    reached = -1
    for _ in range(NUM_KILLS):
        process = start(killed)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0.0, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        printed = process.communicate()[0].split()
        checkpoints = Checkpoints(killed / "checkpoints").iterations()
        newest = max(checkpoints, default=-1)
        # Nothing that was finished is lost, and nothing is flown twice but the iteration that was cut short.
        numbers = [int(word) for word in printed if word != "done"]
        assert newest >= max([reached, *numbers])
        assert not numbers or numbers[0] in (reached + 1, reached + 2)
        reached = newest
    out, err = start(killed).communicate(timeout=300)
    assert out.endswith("done\n"), err
    assert "Warning" not in err

    parts = [
        Checkpoints(folder / "checkpoints").load_latest({"agent": DigestAgent().learned_state()})
        for folder in (whole, killed)
    ]
    assert parts[0] is not None and parts[0][0] == NUM_ITERATIONS - 1
    assert parts[1] is not None
    np.testing.assert_equal(parts[0], parts[1])
    episodes = [(folder / "metrics/json_lines/episodes.jsonl").read_text() for folder in (whole, killed)]
    assert episodes[0] == episodes[1]
    logs = [[{**line, "seconds": 0.0} for line in finished_iterations(folder)] for folder in (whole, killed)]
    assert logs[0] == logs[1]
    assert len(logs[0]) == NUM_ITERATIONS
