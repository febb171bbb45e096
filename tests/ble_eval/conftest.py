"""The fake environment and agent, and `ble-eval` as a process of its own."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ble_eval.results.records import EvaluationResult, FlightPathPoint

FAKES = Path(__file__).parent / "fakes"
ENTRY_POINTS = "[ble.agents]\nfake = ble_fake\n\n[ble.suites]\nfake = ble_fake\n"


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ble_fake", FAKES / "ble_fake.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def installed_fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for the installed plugin: its entry points are found when it is on the path."""
    site = tmp_path_factory.mktemp("site")
    metadata = site / "ble_fake-0.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ble-fake\nVersion: 0.5\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    return site


@pytest.fixture
def ble_eval(installed_fake: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`ble-eval` in a process with the fake environment, where the fake agent is installed."""

    def call(*words: object, stop: str = "") -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(FAKES), str(installed_fake), *filter(None, sys.path)])
        return subprocess.run(
            [sys.executable, str(FAKES / "ble_fake.py"), *map(str, words)],
            env={
                **os.environ,
                "PYTHONPATH": path,
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
            "flight_path": (FlightPathPoint(1.5, -2.5, 8_000.0, 300.0, 180.0, 0.9),),
        }
        return EvaluationResult(**(values | changes))

    return make
