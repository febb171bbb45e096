"""The engine of a Ray cluster. In most tests the environment is a fake one, in the workers too.

The cluster is started once, by this process; commands are given in processes of their own, which connect to it.
"""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from installed_plugins import GROUP, install_distribution, path_with

from ble_env.host.devices import num_cores
from ble_env.task_parts import TASK_PARTS, Choice
from ble_eval.engines import ray_engine
from ble_eval.engines.engine import Engine, Job
from ble_eval.engines.local import LocalEngine
from ble_eval.engines.options import RayOptions
from ble_eval.engines.ray_engine import Crew, RayEngine, divided, machine_cores
from ble_eval.errors import UserError
from ble_eval.results.records import to_json
from ble_eval.settings import EvaluationSettings
from ble_sim.plugins import NoOptions
from ble_sim.plugins.registries import AGENTS

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")

SUPPORT = Path(__file__).parents[1] / "support"
RAY_VARIABLES = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", *ray_engine.ENVIRONMENT)


@pytest.mark.parametrize(
    ("machines", "workers", "crew"),
    [
        ([2], None, Crew(1, 2, 2)),
        ([16, 4], None, Crew(5, 4, 4)),
        ([16, 6], None, Crew(5, 4, 4)),
        ([16, 3], None, Crew(6, 3, 3)),
        ([8, 8], 2, Crew(2, 8, 8)),
        ([6, 2], 2, Crew(2, 3, 3)),
        ([8, 8], 3, Crew(3, 4, 4)),
        ([2], 2, Crew(2, 1, 1)),
        ([2], 3, Crew(3, 1, 0.6666)),
        ([1, 1], 3, Crew(3, 1, 0.5)),
    ],
)
def test_cores_are_divided_among_workers(machines, workers, crew):
    assert divided(machines, workers) == crew
    assert sum(int(cores / crew.share + 1e-9) for cores in machines) >= crew.workers


def test_only_machines_with_cores_count():
    nodes = [
        {"Alive": True, "Resources": {"CPU": 4.0}},
        {"Alive": False, "Resources": {"CPU": 8.0}},
        {"Alive": True, "Resources": {"GPU": 1.0}},
    ]
    assert machine_cores(nodes) == [4]
    with pytest.raises(UserError, match=r"has no core\. Give its machines some with `ray start --num-cpus`"):
        divided([], None)


def test_numbers_are_at_least_one():
    with pytest.raises(UserError, match=r"--ray-workers is 0: give 1 or more\."):
        RayOptions(ray_workers=0)
    with pytest.raises(UserError, match=r"--ray-chunk is -1"):
        RayOptions(ray_chunk=-1)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ray://head:10001", "Ray's client is not supported. Give the command on a machine of the cluster"),
        ("head", "--ray-address is head: give HOST:PORT of the cluster's head, auto or local."),
        ("head:port", "--ray-address is head:port: give HOST:PORT"),
        ("no-such-host.invalid:6379", "No Ray cluster answers at no-such-host.invalid:6379: "),
        ("localhost:99999", "No Ray cluster answers at localhost:99999: "),
    ],
)
def test_an_address_without_a_cluster_is_said(address, message):
    with pytest.raises(UserError) as caught:
        RayEngine(RayOptions(ray_address=address))
    assert message in str(caught.value)


def test_a_closed_port_is_said_at_once(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    with pytest.raises(UserError, match=rf"answers at 127\.0\.0\.1:{port}: .*refused\. `ray start --head` starts one"):
        RayEngine(RayOptions())


def test_a_missing_ray_is_said(monkeypatch):
    monkeypatch.setattr(ray_engine.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'ble-eval\[ray\]'"):
        RayEngine(RayOptions())


def test_a_worker_with_other_software_or_files_is_refused():
    there = {"software": {"jax": "1"}, "content": {"the file a.csv": "a"}}
    ray_engine.check_same(there, there)
    here = {"software": {"jax": "2"}, "content": {"the file a.csv": "b"}}
    with pytest.raises(UserError, match=r'jax is "1" there and "2" here\n  the file a\.csv has changed'):
        ray_engine.check_same(there, here)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder that stands for the installed plugin."""
    folder = tmp_path_factory.mktemp("site")
    install_distribution(folder, "ble-ray-fake", "0.5", {GROUP: {"ray_fake": "ray_fakes"}})
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a cluster on all cores, which ends with the module."""
    before = {name: os.environ.get(name) for name in RAY_VARIABLES}
    with ray_engine.cluster(ray_engine.LOCAL) as started:
        yield started.get_runtime_context().gcs_address
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture
def command(site, tmp_path):
    """Begins `ble-eval run` with the fake agent in a process, which writes to the files `output` and `messages`."""

    def begin(*words: object, seeds: int = 12) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "ble_eval", "run", "--agent", "ray_fake", "--seeds", *range(seeds), *words]
        return subprocess.Popen(
            list(map(str, line)),
            env={
                **os.environ,
                "PYTHONPATH": path_with(SUPPORT, site),
                "JAX_PLATFORMS": "cpu",
                "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
            },
            cwd=tmp_path,
            stdout=(tmp_path / "output").open("wb"),
            stderr=(tmp_path / "messages").open("wb"),
        )

    return begin


def finished(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=240)
    finally:
        process.kill()


def wait_for(process: subprocess.Popen[bytes], is_done: Callable[[], bool]) -> None:
    for _ in range(1200):
        if is_done():
            return
        assert process.poll() is None
        time.sleep(0.1)
    raise AssertionError("nothing happens")


@pytest.mark.long
def test_a_killed_worker_and_then_a_killed_driver_change_nothing_in_the_file(command, address, tmp_path):
    folder = tmp_path / "results" / "seeds"
    assert finished(command("--name-override", "local")) == 0
    (tmp_path / "begun").unlink()

    def kept() -> list[int]:
        lines = (folder / "ray_fake.partial.jsonl").read_text().splitlines()[1:]
        return [json.loads(line)["seed"] for line in lines]

    words = ["--engine", "ray", "--ray-address", address, "--ray-workers", 1, "--ray-chunk", 6]
    (tmp_path / "kill-4").touch()
    (tmp_path / "hold-8").touch()
    driver = command(*words)
    try:
        wait_for(driver, (tmp_path / "reached-8").exists)
        wait_for(driver, lambda: len(kept()) == 8)
    finally:
        driver.send_signal(signal.SIGKILL)
    driver.wait()
    messages = (tmp_path / "messages").read_text()
    assert "has ended; 2 of its episodes are flown again." in messages
    assert "Traceback" not in messages
    assert not (folder / "ray_fake.json").exists()
    begun = [int(line) for line in (tmp_path / "begun").read_text().split()]
    assert begun == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]
    assert kept() == list(range(8))

    (tmp_path / "hold-8").unlink()
    (tmp_path / "begun").unlink()
    assert finished(command(*words)) == 0, (tmp_path / "messages").read_text()
    assert (tmp_path / "begun").read_text().split() == ["8", "9", "10", "11"]
    assert (folder / "ray_fake.json").read_bytes() == (folder / "local.json").read_bytes()
    records = [json.loads((folder / f"{name}.provenance").read_text()) for name in ("ray_fake", "local")]
    own = ("command", "started", "wall_time_seconds", "episodes_flown_earlier")
    assert records[0]["episodes_flown_earlier"] == 8
    assert len({json.dumps({key: record[key] for key in record if key not in own}) for record in records}) == 1


@pytest.mark.long
def test_balloons_fly_the_same_in_chunks_on_ray_and_in_one_piece_here(address):
    task = {part.argument: Choice(part.default, part.registry.get(part.default).options_type()) for part in TASK_PARTS}
    settings = EvaluationSettings(
        agent=Choice("station_seeker", AGENTS.get("station_seeker").options_type()),
        task=task,
        precision="float32",
        seed=0,
        suite=Choice("tiny_eval", NoOptions()),
        max_episode_length=10,
        num_shards=1,
        shard_idx=0,
        checkpoint_dir=None,
        checkpoint_idx=None,
        untrained=False,
        flight_paths=True,
        seeds=[3, 1, 4, 5],
    )

    def flown(engine: Engine) -> dict[int, str]:
        records: dict[int, str] = {}
        steps: list[int] = []
        engine.fly(
            [Job(settings, (3, 1, 4, 5))],
            lambda job, result: records.update({result.seed: json.dumps(to_json(result))}),
            lambda job, number, inside: steps.append(number),
        )
        assert sum(steps) == 40
        return records

    here = flown(LocalEngine())  # First, so that the worker finds the compiled programs.
    assert here.keys() == {1, 3, 4, 5}
    assert here == flown(RayEngine(RayOptions(ray_address=ray_engine.LOCAL, ray_workers=1, ray_chunk=3)))


@pytest.mark.long
def test_more_workers_than_cores_are_said_to_be_slow_and_steps_are_counted_once(command, address, tmp_path):
    (tmp_path / "kill-4").touch()
    words = ["--engine", "ray", "--ray-address", address, "--ray-workers", 3, "--ray-chunk", 4]
    assert finished(command(*words)) == 0, (tmp_path / "messages").read_text()
    cores = num_cores()
    workers = f"3 workers on {cores} cores are slower than {cores}"
    assert (workers in (tmp_path / "messages").read_text()) == (cores < 3)
    records = json.loads((tmp_path / "results" / "seeds" / "ray_fake.json").read_text())
    assert len(records) == 12
    assert not (tmp_path / "kill-4").exists()
    steps = sum(record["final_timestep"] for record in records)
    assert f"{steps} steps flown" in (tmp_path / "output").read_text()


@pytest.mark.long
def test_workers_that_end_again_and_again_are_given_up(command, address, tmp_path):
    (tmp_path / "always-1").touch()
    assert finished(command("--engine", "ray", "--ray-address", address, seeds=3)) == 2
    messages = (tmp_path / "messages").read_text()
    assert "ble-eval: error: 3 workers have ended one after another with 2 of its episodes unfinished" in messages
    assert (tmp_path / "begun").read_text().split() == ["0", "1", "1", "1"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("fails", "status", "message"),
    [
        ("plugin", 1, "ble-eval: error: The plugin ble-ray-fake 0.5 failed: KeyError: 'the winds'."),
        ("mistake", 2, "ble-eval: error: Cannot make the agent 'ray_fake': the winds are missing"),
    ],
)
def test_what_goes_wrong_in_a_worker_takes_a_line_here(command, address, tmp_path, fails, status, message):
    words = ["--engine", "ray", "--ray-address", address, "--agent.fails", fails]
    assert finished(command(*words, seeds=2)) == status
    messages = (tmp_path / "messages").read_text()
    assert message in messages
    assert "Traceback" not in messages


@pytest.mark.long
def test_something_else_that_listens_is_no_cluster(command, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=server.accept, daemon=True).start()
        started = time.monotonic()
        port = server.getsockname()[1]
        assert finished(command("--engine", "ray", "--ray-address", f"127.0.0.1:{port}")) == 2
        assert time.monotonic() - started < 60  # Most of it are imports.
    assert f"No Ray cluster answers at 127.0.0.1:{port}: " in (tmp_path / "messages").read_text()
