"""The packages as users get them: built, installed into fresh environments with no more than they need, and used there.

Third-party packages are those of the environment that runs the tests, out of uv's cache. A checkpoint goes from an
environment with ble-train to one with only ble-eval, and the plugins of tests/plugins/ble-sample fly in both.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "plugins" / "ble-sample"
UV = os.environ.get("UV") or shutil.which("uv") or ""

pytestmark = [pytest.mark.long, pytest.mark.skipif(not UV, reason="needs uv")]

SIBLINGS = {
    "ble-sim": set(),
    "ble-env": {"ble-sim"},
    "ble-agents": {"ble-sim", "ble-env"},
    "ble-eval": {"ble-sim", "ble-env", "ble-agents"},
    "ble-train": {"ble-sim", "ble-env", "ble-agents", "ble-eval"},
}
"""Which of our packages come along with one."""

COMMAND_LINE = {"tyro"}
PLOTTING = {"matplotlib", "tensorboardx"}
LEARNING = {"flax", "optax", "orbax-checkpoint", "rich"}
ABSENT = {
    "ble-sim": COMMAND_LINE | PLOTTING | LEARNING | {"gymnasium"},
    "ble-env": COMMAND_LINE | PLOTTING | LEARNING,
    "ble-agents": COMMAND_LINE | PLOTTING,  # flax brings the others
    "ble-eval": PLOTTING,
    "ble-train": set(),
}
"""What a package must not bring."""

NEEDS_EXTRA = {
    "ble-env": ["ble_env.rendering.flight_picture", "ble_env.rendering.matplotlib_renderer"],
    "ble-eval": ["ble_eval.winds.picture"],
}
"""Modules that cannot be imported without one of the package's extras."""

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
failed = []
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    try:
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    except ImportError:
        failed.append(module.name)
print(json.dumps(failed))
"""

# What each package is for, in the wind that compiles fastest, with the data that it ships.
JOBS = {
    "ble-sim": """
import jax
from ble_sim.flight import initial_state, step
from ble_sim.scenario import make_params, sample_scenario
from ble_sim.plugins.registries import WIND_FIELDS

assert WIND_FIELDS.make("generative").parameters()
wind_field = WIND_FIELDS.make("simple")

@jax.jit
def fly(key):
    scenario = sample_scenario(wind_field, make_params(wind_field), key)
    start = initial_state(wind_field, scenario)
    return start.balloon.pressure, step(wind_field, scenario, start, 2).balloon.pressure

before, after = fly(jax.random.PRNGKey(0))
assert before != after
""",
    "ble-env": """
import gymnasium

env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", wind_field="simple")
env.reset(seed=0)
observation, reward, *_ = env.step(2)
assert observation.shape == (1099,) and 0.0 <= reward <= 1.0
""",
    "ble-agents": """
import numpy as np
from ble_agents import create_agent

assert create_agent("perciatelli44").begin_episode(np.zeros(1099, np.float32)) in (0, 1, 2)
""",
    "ble-train": """
from pathlib import Path
from ble_train.cli import main

flight = ["--agent", "mlp", "--wind-field", "simple", "--max-episode-length", "3", "--evaluation-period", "0"]
counts = ["--num-iterations", "1", "--episodes-per-iteration", "1"]
assert main(["run", "--base-dir", "run", *flight, *counts]) == 0
assert Path("run/iterations.jsonl").is_file() and list(Path("run/metrics/tensorboard").iterdir())
""",
    "ble-eval": """
import gymnasium
from ble_agents import create_agent
from ble_eval.eval_lib import eval_agent
from ble_eval.suites import EvaluationSuite, get_eval_suite

assert len(get_eval_suite("all_strata").seeds) == 10000
env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", wind_field="simple")
results = eval_agent(create_agent("random"), env, EvaluationSuite([0, 1], 5))
assert [result.final_timestep for result in results] == [5, 5]
""",
}


def run_uv(*words: object) -> str:
    """Out of the cache if everything is in it, which asks nobody."""
    for network in (["--offline"], []):
        done = subprocess.run([UV, *map(str, words), *network], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(f"uv {' '.join(map(str, words))}\n{done.stderr}")


class FreshEnvironment:
    """A virtual environment with one of our packages and what it needs."""

    def __init__(self, folder: Path, wheels: Path, package: str) -> None:
        self._folder = folder
        self._wheels = wheels
        run_uv("venv", "--python", sys.executable, folder)
        self._tested_versions = folder / "constraints.txt"
        self._tested_versions.write_text(
            "\n".join(f"{found.name}=={found.version}" for found in metadata.distributions() if not is_ours(found.name))
        )
        self.install(package, {package, *SIBLINGS[package]})
        self.distributions = set(json.loads(self.run("python", "-c", LIST_DISTRIBUTIONS)))

    def install(self, requirement: str, ours: set[str]) -> None:
        """Install it with what is missing; of our packages `ours`, and the resolution fails if it needs others."""
        into = ["pip", "install", "--python", self._program("python")]
        files = [next(self._wheels.glob(f"{name.replace('-', '_')}-*.whl")) for name in ours]
        # Without the cache, which would keep all these wheels, whose paths are new each time.
        run_uv(*into, "--no-cache", "--no-deps", *files)
        run_uv(*into, "--constraint", self._tested_versions, requirement)
        run_uv("pip", "check", "--python", self._program("python"))

    def run(self, program: str, *words: object, folder: Path | None = None) -> str:
        """Standard output of a program, which must succeed and finds nothing of the checkout."""
        hidden = {"PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "VIRTUAL_ENV", "BLE_PLUGINS"}
        done = subprocess.run(
            [self._program(program), *map(str, words)],
            cwd=folder or self._folder,
            env={name: value for name, value in os.environ.items() if name not in hidden},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program} {words}\n{done.stdout}\n{done.stderr}"
        assert "warning: The " not in done.stderr, done.stderr  # of a plugin
        return done.stdout

    def _program(self, name: str) -> Path:
        return self._folder / ("Scripts" if sys.platform == "win32" else "bin") / name


LIST_DISTRIBUTIONS = """
import json
from importlib import metadata
print(json.dumps([found.name.lower().replace("_", "-") for found in metadata.distributions()]))
"""


def is_ours(distribution: str) -> bool:
    return distribution.replace("_", "-") in {*SIBLINGS, "ble-sample"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    run_uv("build", "--wheel", "--all-packages", "--directory", ROOT, "--out-dir", folder)
    run_uv("build", "--wheel", SAMPLE, "--out-dir", folder)
    return folder


@pytest.fixture(scope="module")
def environments(wheels, tmp_path_factory) -> Callable[[str], FreshEnvironment]:
    """The environment of a package, made when it is first asked for."""
    made: dict[str, FreshEnvironment] = {}

    def environment(package: str) -> FreshEnvironment:
        if package not in made:
            made[package] = FreshEnvironment(tmp_path_factory.mktemp(package), wheels, package)
        return made[package]

    return environment


@pytest.mark.parametrize("package", SIBLINGS)
def test_a_package_alone_brings_little_and_does_its_job(package, environments, tmp_path):
    environment = environments(package)
    assert {name for name in environment.distributions if is_ours(name)} == {package, *SIBLINGS[package]}
    assert environment.distributions.isdisjoint(ABSENT[package])
    program = JOBS[package] + IMPORT_EVERYTHING
    out = environment.run("python", "-c", program, package.replace("-", "_"), folder=tmp_path)
    assert json.loads(out.splitlines()[-1]) == NEEDS_EXTRA.get(package, [])


@pytest.fixture(scope="module")
def trained(environments, tmp_path_factory) -> Path:
    """A run of the sample's agent and collector in an environment of the sample's parts."""
    environment = environments("ble-train")
    environment.install("ble-sample[train]", {"ble-sample"})
    folder = tmp_path_factory.mktemp("trained")
    flags = "--collectors reward_histogram --collector.reward-histogram.bins 4 --agent bandit --agent.exploration 0.5"
    wind = "--wind-field sea_breeze --wind-field.speed 4"
    task = "--observation gauges --observation.distance-scale 80 --reward inside"
    counts = "--num-iterations 1 --episodes-per-iteration 2 --max-episode-length 6 --evaluation-period 0"
    environment.run("ble-train", "run", "--base-dir", "run", *f"{flags} {wind} {task} {counts}".split(), folder=folder)
    return folder / "run"


def test_a_sample_package_trains(trained, environments):
    histograms = sorted((trained / "metrics" / "reward_histogram").iterdir())
    assert [sum(json.loads(file.read_text())) for file in histograms] == [6, 6]
    assert [len(json.loads(file.read_text())) for file in histograms] == [4, 4]
    options = json.loads((trained / "settings.json").read_text())
    for part in ("agent", "wind field", "observation", "reward"):
        assert options["software"][part] == "ble-sample 1.2.3"
    assert options["observation_options"] == {"distance_scale": 80.0}
    assert options["reward_options"] == {"radius_km": 50.0}
    listing = environments("ble-train").run("ble-train", "plugins")
    for name in ("bandit", "tanh", "sea_breeze", "gauges", "inside", "line", "reward_histogram"):
        assert f"{name} " in listing


def test_a_sample_package_is_evaluated_in_another_environment(trained, environments, tmp_path):
    environment = environments("ble-eval")
    environment.install("ble-sample[eval]", {"ble-sample"})
    listing = json.loads(environment.run("ble-eval", "plugins", "--json"))
    kinds = listing["kinds"]
    assert not any(kind["failures"] for kind in [listing, *kinds])
    sampled = {found["name"] for kind in kinds for found in kind["extensions"] if found["distribution"] == "ble-sample"}
    assert sampled == {"bandit", "tanh", "sea_breeze", "gauges", "inside", "line", "two_hours"}

    flight = ["--agent", "bandit", "--suite", "two_hours", "--wind-field", "sea_breeze", "--wind-field.speed", "4"]
    environment.run("ble-eval", "run", *flight, "--checkpoint", trained, folder=tmp_path)
    records = json.loads((tmp_path / "results" / "two_hours" / "bandit_0.json").read_text())
    assert [(record["seed"], record["final_timestep"]) for record in records] == [(3, 40), (14, 40), (15, 40)]
    provenance = json.loads((tmp_path / "results" / "two_hours" / "bandit_0.provenance").read_text())
    assert provenance["settings"]["agent_options"]["exploration"] == 0.5
    assert provenance["software"]["wind field"] == "ble-sample 1.2.3"
    assert provenance["settings"]["observation"] == "gauges"  # as it was trained
    assert provenance["settings"]["observation_options"] == {"distance_scale": 80.0}
    assert provenance["settings"]["reward"] == "station_keeping"
    assert {record["cumulative_reward"] % 1.0 for record in records} != {0.0}


def test_a_sample_renderer_draws(environments, tmp_path):
    program = """
import gymnasium
env = gymnasium.make(
    "ble_env:BalloonLearningEnvironment-v0", render_mode="ansi", renderer="line", wind_field="sea_breeze"
)
env.reset(seed=0)
for _ in range(3):
    env.step(1)
print(env.render())
"""
    environment = environments("ble-eval")
    environment.install("ble-sample[eval]", {"ble-sample"})
    drawn = environment.run("python", "-c", program, folder=tmp_path)
    assert re.fullmatch(r"[Io]{4} \(50 km\)", drawn.strip())
