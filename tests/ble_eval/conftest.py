"""The fake environment and agent, and `ble-eval` as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import evaluation_fakes
import numpy as np
import pytest
from installed_plugins import GROUP, install_distribution, path_with

from ble_eval import cli
from ble_eval.engines import local
from ble_eval.results.flight_path import FlightPath
from ble_eval.results.records import EvaluationResult


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    return evaluation_fakes


@pytest.fixture(scope="session")
def installed_fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for the installed plugin: its entry points are found when it is on the path."""
    site = tmp_path_factory.mktemp("site")
    install_distribution(site, "ble-fake", "0.5", {GROUP: {"fake": "evaluation_fakes"}})
    return site


@pytest.fixture
def ble_eval(installed_fake: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`ble-eval` in a process with the fake environment, where the fake agent is installed."""

    def call(*words: object, stop: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, evaluation_fakes.__file__, *map(str, words)],
            env={
                **os.environ,
                "PYTHONPATH": path_with(Path(evaluation_fakes.__file__).parent, installed_fake),
                "BLE_FAKE_STOP": stop,
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def ble_eval_here(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """`ble-eval` in this process, with the fake environment and the built-in agents: (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")  # set, and so left alone
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "1")
    monkeypatch.setattr(local, "make_environment", lambda parts, precision: evaluation_fakes.FakeEnv())

    def call(*words: object) -> tuple[int, str, str]:
        try:
            status = cli.main([str(word) for word in words])
        except SystemExit as stop:
            status = int(stop.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def make_result() -> Callable[..., EvaluationResult]:
    def make(seed: int = 0, **changes) -> EvaluationResult:
        values = {
            "seed": seed,
            "cumulative_reward": 100.0 + seed,
            "time_within_radius": 0.25,
            "out_of_power": False,
            "envelope_burst": False,
            "zeropressure": False,
            "final_timestep": 960,
            "flight_path": FlightPath(*map(np.atleast_1d, (1.5, -2.5, 8_000.0, 300.0, 180.0, 0.9))),
        }
        return EvaluationResult(**(values | changes))

    return make
