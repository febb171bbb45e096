"""`ble-eval plugins`, and every command beside many plugins of others, some of them broken."""

import json
import os
import subprocess
import sys

import pytest
from installed_plugins import install_plugin, path_with

NUM_PLUGINS = 50
AGENT_PLUGIN = """
from ble_sim.plugins import AgentRegistration, hookimpl

@hookimpl
def ble_register_agents():
    return [AgentRegistration("agent_{number}", "agents_{number}:Agent", summary="Flies [east] {number}.")]
"""
BREAKAGES = [
    ("import no_such_library\n", "No module named 'no_such_library'"),
    ("1 / 0\n", "division by zero"),
    ("raise SystemExit(1)\n", "SystemExit: 1"),
    ("def oops(:\n", "SyntaxError"),
    (AGENT_PLUGIN.replace("ble_register_agents", "ble_register_agent"), "did you mean ble_register_agents?"),
    (AGENT_PLUGIN.replace("agents():", "agents(sky):"), "ble_register_agents(sky)"),
    (AGENT_PLUGIN.replace("return", "raise OSError('no sky') #"), "OSError: no sky"),
    (AGENT_PLUGIN.replace("return", "return None #"), "ble_register_agents returned None"),
    (AGENT_PLUGIN.replace("return", "return ['agent'] #"), "which is not a AgentRegistration"),
    (AGENT_PLUGIN.replace("summary=", "options_type=int, summary="), "is no dataclass"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of installed plugins, the first of which are broken."""
    folder = tmp_path_factory.mktemp("site")
    for number in range(NUM_PLUGINS):
        source = BREAKAGES[number][0] if number < len(BREAKAGES) else AGENT_PLUGIN
        install_plugin(folder, f"agents-{number}", f"1.{number}", source.replace("{number}", str(number)))
    return folder


@pytest.fixture
def ble_eval_beside_many(site, tmp_path):
    def call(*words: str, plugins: str = "all", code: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *(["-c", code] if code else ["-m", "ble_eval"]), *words],
            env={**os.environ, "PYTHONPATH": path_with(site), "BLE_PLUGINS": plugins, "COLUMNS": "200"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def check_warned_once_of_each(stderr: str) -> None:
    lines = [line for line in stderr.splitlines() if line.startswith("ble-eval: warning: ")]
    assert len(lines) == len(BREAKAGES)
    for number, (_, error) in enumerate(BREAKAGES):
        (line,) = (
            line for line in lines if f"'agents_{number} = agents_{number}' of agents-{number} 1.{number} " in line
        )
        assert "is left out" in line
        assert error in line


def test_the_listing_names_what_works_and_what_does_not(ble_eval_beside_many):
    done = ble_eval_beside_many("plugins")
    assert done.returncode == 0, done.stderr
    check_warned_once_of_each(done.stderr)
    for number, (_, error) in enumerate(BREAKAGES):
        assert f"agents_{number} = agents_{number} of agents-{number} 1.{number} is left out" in done.stdout
        assert error in done.stdout
    for number in range(len(BREAKAGES), NUM_PLUGINS):
        assert f"Flies [east] {number}." in done.stdout
    for name in ("station_seeker", "generative", "tiny_eval"):
        assert name in done.stdout
    assert "Traceback" not in done.stdout
    assert ble_eval_beside_many("plugins", "--tracebacks").stdout.count("Traceback") == len(BREAKAGES)


def test_the_listing_as_json(ble_eval_beside_many):
    listing = json.loads(ble_eval_beside_many("plugins", "--json").stdout)
    kinds = listing["kinds"]
    assert [kind["kind"] for kind in kinds] == [
        "agent",
        "network",
        "wind field",
        "observation",
        "reward",
        "renderer",
        "suite",
    ]
    agents = {record["name"]: record for record in kinds[0]["extensions"]}
    assert {f"agent_{number}" for number in range(len(BREAKAGES), NUM_PLUGINS)} < agents.keys()
    assert agents["agent_49"] == {
        "name": "agent_49",
        "distribution": "agents-49",
        "version": "1.49",
        "summary": "Flies [east] 49.",
        "information_track": "observation",
    }
    failures = [*kinds[0]["failures"], *listing["failures"]]
    assert len(failures) == len(BREAKAGES)
    assert all(failure["traceback"] for failure in failures)


@pytest.mark.parametrize("words", [["run", "--help"], ["run", "--agent", "agent_20", "--help"]])
def test_commands_work_beside_broken_plugins(ble_eval_beside_many, words):
    done = ble_eval_beside_many(*words)
    assert done.returncode == 0
    assert "agent_49" in done.stdout
    check_warned_once_of_each(done.stderr)


def test_commands_that_ask_for_no_plugin_load_none(ble_eval_beside_many):
    done = ble_eval_beside_many("merge", "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_plugins_of_others_can_be_left_out(ble_eval_beside_many):
    done = ble_eval_beside_many("run", "--help", plugins="none")
    assert (done.returncode, done.stderr) == (0, "")
    assert "agent_20" not in done.stdout
    done = ble_eval_beside_many("run", "--help", plugins="agents_20,agents-21,agents_66")
    assert "agent_20, agent_21" in done.stdout
    assert "agent_22" not in done.stdout
    assert done.stderr.startswith("ble-eval: warning: BLE_PLUGINS names 'agents-66', but no installed plugin")
    assert len(done.stderr.splitlines()) == 1


def test_listing_plugins_does_not_wait_for_jax(ble_eval_beside_many):
    code = (
        "import sys; from ble_eval.cli import main; assert main(['plugins']) == 0;"
        "assert not {'jax', 'flax', 'scipy'} & set(sys.modules)"
    )
    done = ble_eval_beside_many(code=code)
    assert done.returncode == 0, done.stderr
