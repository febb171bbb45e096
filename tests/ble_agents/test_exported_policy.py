"""Exported policies: files, their networks, and the agents that follow them."""

import json
from importlib import resources

import jax
import numpy as np
import pytest

from ble_agents import Architecture, ExportedPolicy, ExportedPolicyError, create_agent, load_policy, save_policy
from ble_agents.options import LevelNetworkOptions, QuantileNetworkOptions, QValueNetworkOptions
from ble_agents.policy import NO_ACTION
from ble_sim.plugins import UnknownNameError

ARCHITECTURES = [
    Architecture("quantile", (5,), 2, QuantileNetworkOptions((4, 3), num_quantiles=7, precision="highest")),
    Architecture("q_values", (5,), 4, QValueNetworkOptions((6,))),
    Architecture("levels", (1099,), 3, LevelNetworkOptions((4,), (3, 2))),
]


def exported(architecture: Architecture) -> ExportedPolicy:
    observation = np.zeros(architecture.observation_shape, np.float32)
    return ExportedPolicy(architecture, architecture.network().init(jax.random.key(0), observation))


def observations(architecture: Architecture, number: int = 6) -> np.ndarray:
    return np.random.default_rng(1).uniform(size=(number, *architecture.observation_shape)).astype(np.float32)


def damaged(path, **changes):
    """The file with another description."""
    with np.load(path) as archive:
        arrays = dict(archive)
    description = json.loads(str(arrays.pop("description"))) | changes
    np.savez(path, description=np.array(json.dumps(description)), **arrays)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: one.kind)
def test_a_file_holds_the_network_and_its_parameters(tmp_path, architecture):
    policy = exported(architecture)
    save_policy(tmp_path / "policy.npz", policy)
    loaded = load_policy(tmp_path / "policy.npz")
    assert loaded.architecture == architecture
    assert jax.tree.structure(loaded.params) == jax.tree.structure(policy.params)
    jax.tree.map(np.testing.assert_array_equal, loaded.params, policy.params)
    assert [path.name for path in tmp_path.iterdir()] == ["policy.npz"]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: one.kind)
def test_the_policy_takes_the_action_of_the_largest_preference(architecture):
    policy = exported(architecture)
    preferences = architecture.preferences(policy.params, observations(architecture))
    assert preferences.shape == (6, architecture.num_actions)
    actions = architecture.greedy_action(policy.params, observations(architecture))
    np.testing.assert_array_equal(actions, np.argmax(preferences, axis=-1))
    functions = policy.policy()
    for observation, action in zip(observations(architecture), actions, strict=True):
        assert functions.init(functions.params, jax.random.key(0), observation)[1] == action
        assert functions.step(functions.params, jax.random.key(0), (), observation, 0.0)[1] == action


def test_policies_of_equal_architectures_share_their_functions():
    one, other = exported(ARCHITECTURES[1]).policy(), exported(Architecture(*vars(ARCHITECTURES[1]).values())).policy()
    assert (one.init, one.step) == (other.init, other.step)


def test_an_agent_follows_the_policy_of_a_file(tmp_path):
    policy = exported(ARCHITECTURES[0])
    save_policy(tmp_path / "policy.npz", policy)
    agent = create_agent(str(tmp_path / "policy.npz"), 2, (5,))
    rows = observations(ARCHITECTURES[0])
    actions = [agent.begin_episode(rows[0]), *[agent.step(0.0, row) for row in rows[1:]]]
    assert actions == ARCHITECTURES[0].greedy_action(policy.params, rows).tolist()
    assert agent.exported_policy().architecture == ARCHITECTURES[0]
    with pytest.raises(ValueError, match=r"trained for 2 actions and observations of shape \(5,\), not for 3 and"):
        create_agent(str(tmp_path / "policy.npz"), 3, (5,))


@pytest.mark.parametrize(("name", "kind"), [("windward", "levels"), ("tradewind", "quantile")])
def test_the_agents_of_this_package_are_exported_policies(tmp_path, name, kind):
    shipped = load_policy(resources.files("ble_agents") / "data" / f"{name}.npz")
    assert (shipped.architecture.kind, shipped.architecture.observation_shape) == (kind, (1099,))
    save_policy(tmp_path / "copy.npz", shipped)
    with (
        (resources.files("ble_agents") / "data" / f"{name}.npz").open("rb") as file,
        np.load(file) as original,
        np.load(tmp_path / "copy.npz") as copy,
    ):
        assert original.files == copy.files
        assert json.loads(str(original["description"])) == json.loads(str(copy["description"]))


def test_an_unknown_network_has_the_nearest_spelling(tmp_path):
    with pytest.raises(UnknownNameError, match=r"Unknown network 'quantil'\. Did you mean 'quantile'\?"):
        Architecture("quantil", (5,), 2).network()
    save_policy(tmp_path / "policy.npz", exported(ARCHITECTURES[0]))
    damaged(tmp_path / "policy.npz", kind="quantil")
    with pytest.raises(
        ExportedPolicyError, match=r"policy\.npz .*Unknown network 'quantil'\. Did you mean 'quantile'\?"
    ):
        load_policy(tmp_path / "policy.npz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "has format 2, not 1: it needs another ble-agents"),
        ({"options": {"hiden_sizes": [4]}}, "hiden_sizes"),
        ({"options": {"hidden_sizes": [4, 4], "num_quantiles": 7}}, r"array .*Dense_1.* has shape \(.*\) instead of"),
        ({"num_actions": 3}, "has shape .* instead of"),
        ({"owner": "me"}, "does not hold an exported policy"),
        ({"observation_shape": None}, "does not hold an exported policy"),
    ],
)
def test_a_damaged_description_is_refused(tmp_path, changes, message):
    save_policy(tmp_path / "policy.npz", exported(ARCHITECTURES[0]))
    damaged(tmp_path / "policy.npz", **changes)
    with pytest.raises(ExportedPolicyError, match=message):
        load_policy(tmp_path / "policy.npz")


@pytest.mark.parametrize("content", [b"", b"PK", b"an agent"])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "policy.npz"
    path.write_bytes(content)
    with pytest.raises(ExportedPolicyError, match=r"policy\.npz does not hold an exported policy: it is no \.npz"):
        load_policy(path)


def test_a_file_that_is_not_there_is_named_without_the_systems_words(tmp_path):
    with pytest.raises(ExportedPolicyError, match=r"^The file of an exported agent .*agent\.npz does not exist\.$"):
        create_agent(str(tmp_path / "agent.npz"))
    (tmp_path / "agent.npz").mkdir()
    with pytest.raises(ExportedPolicyError, match=r"agent\.npz is a folder\.$"):
        load_policy(tmp_path / "agent.npz")


def test_arrays_of_another_program_are_called_what_they_are(tmp_path):
    np.savez(tmp_path / "winds.npz", u=np.zeros((3, 2)), v=np.zeros(4))
    message = r"winds\.npz holds no exported agent but other arrays: u \[3, 2\], v \[4\]\. `ble-train export"
    with pytest.raises(ExportedPolicyError, match=message):
        load_policy(tmp_path / "winds.npz")
    np.savez(tmp_path / "many.npz", **{f"layer{i}": np.zeros(1) for i in range(10)})
    with pytest.raises(ExportedPolicyError, match=r"layer7 \[1\] and 2 more"):
        load_policy(tmp_path / "many.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(ExportedPolicyError, match=r"it is a single array \(\.npy\)"):
        load_policy(tmp_path / "one.npz")


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_policy("~/mine.npz", exported(ARCHITECTURES[0]))
    assert load_policy(tmp_path / "mine.npz").architecture == ARCHITECTURES[0]
    assert create_agent("~/mine.npz", 2, (5,)).exported_policy().architecture == ARCHITECTURES[0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite_are_neither_written_nor_read(tmp_path, value):
    policy = exported(ARCHITECTURES[0])
    path = tmp_path / "policy.npz"
    save_policy(path, policy)
    with np.load(path) as archive:
        arrays = dict(archive)
    name = next(name for name in arrays if name.endswith("bias"))
    arrays[name][1] = value
    np.savez(path, **arrays)
    with pytest.raises(ExportedPolicyError, match=rf"policy\.npz cannot be flown: array {name} has values"):
        load_policy(path)
    broken = jax.tree.map(lambda leaf: np.full(leaf.shape, value, np.float32), policy.params)
    with pytest.raises(ValueError, match=r"other\.npz is not written: the parameters .* are not finite"):
        save_policy(tmp_path / "other.npz", ExportedPolicy(policy.architecture, broken))
    assert not (tmp_path / "other.npz").exists()


@pytest.mark.parametrize("architecture", ARCHITECTURES[:2], ids=lambda one: one.kind)
def test_outputs_that_are_not_finite_choose_no_action(architecture):
    params = exported(architecture).params
    rows = observations(architecture, 3)
    rows[1] = np.nan
    actions = np.asarray(architecture.greedy_action(params, rows))
    assert actions[1] == NO_ACTION
    assert (actions[[0, 2]] >= 0).all()


def test_reading_executes_nothing_of_the_file(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    np.savez(tmp_path / "policy.npz", description=np.array(Trap(), dtype=object), allow_pickle=True)
    with pytest.raises(ExportedPolicyError):
        load_policy(tmp_path / "policy.npz")
    assert not (tmp_path / "sprung").exists()
