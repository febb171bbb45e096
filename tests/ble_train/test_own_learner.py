"""A learner of a third party with a network of its own: the one of docs/extending.md, "Your learning agent"."""

import re
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from ble_agents.exported_policy import ExportedPolicyError, load_policy, save_policy
from ble_sim.plugins import NetworkRegistration
from ble_sim.plugins.registries import NETWORKS
from ble_train.learner import LaneStep
from ble_train.loops.classic import run_training_loop
from ble_train.loops.lanes import run_lane_training_loop

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
MODULE = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    """The class, out of the page."""
    folder = tmp_path_factory.mktemp("package")
    section = PAGE.read_text(encoding="utf-8").split("\n## Your learning agent\n")[1].split("\n## ")[0]
    for name, source in MODULE.findall(section):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        from reinforce_agent.agent import ReinforceAgent  # type: ignore[import-not-found]

        yield ReinforceAgent
    for name in [name for name in sys.modules if name.startswith("reinforce_agent")]:
        del sys.modules[name]


@pytest.fixture
def linear_network(learner, monkeypatch):
    """The kind of network, registered."""
    registration = NetworkRegistration("linear", "reinforce_agent.network:LinearNetwork")
    found = NETWORKS.get
    monkeypatch.setattr(NETWORKS, "get", lambda name: registration if name == "linear" else found(name))


def cart_poles(number=8):
    return gymnasium.make_vec("CartPole-v1", num_envs=number, vectorization_mode="sync")


def test_it_learns_in_lanes_and_a_run_continues_after_its_newest_checkpoint(learner, tmp_path):
    lengths = []
    for num_iterations in (3, 4):
        agent = learner(2, (4,), seed=num_iterations)
        run_lane_training_loop(
            tmp_path,
            cart_poles(),
            agent,
            num_iterations,
            [],
            episodes_per_iteration=10,
            seed=0,
            on_episode=lambda record: lengths.append(record.length),
        )
    assert np.mean(lengths[-20:]) > 4 * np.mean(lengths[:20])
    assert agent.planned_env_steps == 4 * 10 * 500
    restored = learner(2, (4,))
    assert restored.reload_latest_checkpoint(str(tmp_path / "checkpoints")) == 3
    np.testing.assert_array_equal(restored.learned_state()["kernel"], agent.learned_state()["kernel"])


def test_it_learns_one_by_one(learner, tmp_path):
    lengths = []
    agent = learner(2, (4,), seed=1)
    with gymnasium.make("CartPole-v1") as env:
        run_training_loop(
            tmp_path,
            env,
            agent,
            2,
            200,
            [],
            episodes_per_iteration=50,
            seed=0,
            on_episode=lambda record: lengths.append(record.length),
        )
    assert np.mean(lengths[-20:]) > 1.8 * np.mean(lengths[:20])
    assert agent.mode.value == "train"


def test_its_export_acts_as_it_does_in_evaluation(learner, linear_network, tmp_path):
    agent = learner(2, (4,), seed=0)
    rng = np.random.default_rng(0)
    agent.set_learned_state({"kernel": rng.normal(size=(4, 2)).astype(np.float32)})
    save_policy(tmp_path / "agent.npz", agent.exported_policy())
    policy = load_policy(tmp_path / "agent.npz").policy()
    agent.set_mode("eval")
    agent.start_lanes(6)
    observations, no = rng.normal(size=(6, 4)).astype(np.float32), np.zeros(6, bool)
    actions = agent.step_lanes(LaneStep(observations, np.zeros(6, np.float32), no, no, ~no))
    assert len(set(actions.tolist())) == 2
    for observation, action in zip(observations, actions, strict=True):
        assert policy.init(policy.params, None, observation)[1] == action


def test_a_file_whose_network_is_not_installed_says_so(learner, tmp_path):
    save_policy(tmp_path / "agent.npz", learner(2, (4,)).exported_policy())
    with pytest.raises(ExportedPolicyError, match="network 'linear'"):
        load_policy(tmp_path / "agent.npz")
