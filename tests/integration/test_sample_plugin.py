"""The sample package of plugins: one extension of each kind is found by name and constructed."""

import tomllib
from pathlib import Path

import pytest
from installed_plugins import install_distribution, run_python

pytestmark = pytest.mark.long

SAMPLE = Path(__file__).parents[1] / "plugins" / "ble-sample"

PROGRAM = """
import jax
import numpy as np
from ble_agents import Architecture, ExportedPolicy, create_agent, load_policy, save_policy
from ble_env import BalloonEnv
from ble_eval.suites import get_eval_suite
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.plugins import registries
from ble_sim.plugins.registries import *
from ble_sim.plugins.registry import Registry
from ble_train.collectors.construction import create_collector_constructors

for registry in (value for value in vars(registries).values() if isinstance(value, Registry)):
    (sample,) = (one for one in registry.extensions() if str(one.origin) == "ble-sample 1.2.3")
    assert not registry.broken and sample.record.summary
assert not PLUGINS.broken

options = OBSERVATIONS.get("gauges").options_type(distance_scale=80.0)
observation = OBSERVATIONS.make("gauges", Vehicle(), options=options)
env = BalloonEnv(wind_field="sea_breeze", observation=observation, reward="inside", render_mode="ansi", renderer="line")
agent = create_agent("bandit", 3, env.observation_space.shape, seed=0)
seen, _ = env.reset(seed=get_eval_suite("two_hours").seeds[0])
_, reward, *_ = env.step(agent.begin_episode(seen))
assert seen.shape == (3,) and reward in (0.0, 1.0) and env.render().endswith("(50 km)"), env.render()

architecture = Architecture("tanh", (3,), 3, NETWORKS.get("tanh").options_type(hidden_size=4))
save_policy("tanh.npz", ExportedPolicy(architecture, architecture.network().init(jax.random.key(0), seen)))
assert load_policy("tanh.npz").architecture == architecture
assert create_agent("tanh.npz", 3, (3,)).begin_episode(seen) in (0, 1, 2)

(collector,) = create_collector_constructors(["reward_histogram"])
assert collector(None, 3, 0).get_name() == "reward_histogram"
"""


def test_one_of_each_kind_works(tmp_path, monkeypatch):
    project = tomllib.loads((SAMPLE / "pyproject.toml").read_text())["project"]
    install_distribution(tmp_path, project["name"], project["version"], project["entry-points"])
    monkeypatch.setenv("BLE_PLUGINS", "ble-sample")
    monkeypatch.chdir(tmp_path)
    run_python(PROGRAM, tmp_path, SAMPLE / "src")
