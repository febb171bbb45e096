"""Policies of other frameworks: functions from a batch of observations to a batch of actions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_agents import ActionError, BatchPolicyAgent, create_agent, fly_in_batches, fly_side_by_side
from ble_agents.actions import checked_action, checked_actions
from ble_agents.agents.station_seeker import station_seeker_action
from ble_env import BalloonEnv
from ble_env.checks import NotFiniteError

STEPS, TILE_SIZE = 30, 4
seek = jax.jit(station_seeker_action)


@pytest.fixture(scope="module")
def env():
    return BalloonEnv(wind_field="simple")


class Remembering:
    """Goes up in the first step of each episode and keeps what it is asked."""

    def __init__(self):
        self.calls = []

    def begin_episodes(self, begins):
        self.begins = begins

    def __call__(self, observations):
        self.calls.append((observations.shape, observations.dtype, self.begins.copy()))
        return np.where(self.begins, 2, 1)


def fly(policy, env, seeds, steps=STEPS, on_steps=lambda steps, inside: None):
    flown = fly_in_batches(
        policy, env.task, env.vehicle, env.precision, seeds, steps, on_steps=on_steps, tile_size=TILE_SIZE
    )
    return {episode.seed: (episode.rewards.tolist(), episode.diagnostics.x.tolist()) for episode in flown}


def test_a_batch_flies_as_the_policy_side_by_side(env):
    seeds = list(range(11))
    policy = create_agent("station_seeker").policy()
    flight = policy, env.task, env.vehicle, env.precision, seeds, STEPS
    expected = {
        episode.seed: (episode.rewards.tolist(), episode.diagnostics.x.tolist())
        for episode in fly_side_by_side(*flight, agent_seeds=seeds, tile_size=TILE_SIZE)
    }
    reported = []
    assert fly(seek, env, seeds, on_steps=lambda *numbers: reported.append(numbers)) == expected
    assert sum(steps for steps, _ in reported) == len(seeds) * STEPS
    assert 0 < sum(inside for _, inside in reported) < len(seeds) * STEPS


def test_episodes_are_dealt_to_a_fixed_number_of_lanes(env, monkeypatch):
    monkeypatch.setattr("ble_agents.flying.in_batches.num_cores", lambda: 1)
    policy = Remembering()
    many = fly(policy, env, [3, 1, 4, 15, 9, 2], steps=5)
    assert list(many) == [3, 1, 4, 15, 9, 2]
    assert {shape for shape, _, _ in policy.calls} == {(TILE_SIZE, 1099)}
    assert {dtype for _, dtype, _ in policy.calls} == {np.dtype("float32")}
    begins = [step.tolist() for _, _, step in policy.calls]
    assert begins[0] == [True] * 4 and begins[5] == [True, True, False, False]
    assert not np.any(begins[1:5] + begins[6:])
    assert len(begins) == 10
    assert fly(Remembering(), env, [15], steps=5) == {15: many[15]}


def test_no_seeds_are_no_flights(env):
    assert fly(seek, env, []) == {}


def test_an_agent_around_a_batch_policy_flies_one_episode_at_a_time():
    policy = Remembering()
    agent = BatchPolicyAgent(3, (1099,), policy)
    row = np.zeros(1099, np.float32)
    assert [agent.begin_episode(row), agent.step(0.0, row), agent.begin_episode(row)] == [2, 1, 2]
    assert {shape for shape, _, _ in policy.calls} == {(1, 1099)}
    assert agent.batch_policy() is policy
    assert agent.policy() is None
    with pytest.raises(ValueError, match=r"observes shape \(1099,\), got \(3,\)"):
        agent.begin_episode(row[:3])


class Tensor:
    """What torch's tensors have in common with arrays: numpy cannot read one with a gradient before `detach`."""

    def __init__(self, values):
        self._values = np.array(values)

    def detach(self):
        return self

    def cpu(self):
        return self._values


@pytest.mark.parametrize(
    "action", [1, np.int64(1), np.array(1), np.array([1]), jnp.int32(1), jnp.ones(1, jnp.uint8), Tensor(1), Tensor([1])]
)
def test_an_integer_of_any_library_is_an_action(action):
    number = checked_action(action, 3)
    assert (type(number), number) == (int, 1)


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        (None, "None"),
        (1.0, "1.0"),
        (float("nan"), "nan"),
        (True, "True"),
        ("1", "'1'"),
        (np.float32(1), r"np\.float32\(1\.0\)"),
        (np.array([1, 2]), r"int64\[2\]"),
        (np.zeros(3), r"float64\[3\]"),
        (jnp.float32(2), "Array"),
        ([[1], [2, 3]], r"\[\[1\], \[2, 3\]\]"),
        (object(), "<object"),
        (-2, "-2"),
        (3, "3"),
        (2**40, "1099511627776"),
        (-1, "-1, which stands for network outputs that are not finite"),
    ],
)
def test_anything_else_is_refused_by_value(action, shown):
    with pytest.raises(ActionError, match=f"^An action is an integer from 0 to 2, not {shown}"):
        checked_action(action, 3)


def test_actions_of_a_batch_are_integers_in_range():
    for actions in ([0, 2], np.array([0, 2], np.uint8), jnp.array([0, 2]), Tensor([0, 2])):
        checked = checked_actions(actions, 2, 3)
        assert (checked.dtype, checked.tolist()) == (np.dtype("int32"), [0, 2])


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0, 3], r"An action is an integer from 0 to 2, not 3, in row 1"),
        ([-1, 0], r"not -1, which stands for network outputs that are not finite, in row 0"),
        ([0.0, 1.0], r"A policy returns integers of shape \(2,\), not float64\[2\]\.$"),
        ([[0], [1]], r"A policy returns integers of shape \(2,\), not int64\[2, 1\]"),
        (np.zeros((2, 3)), r"not float64\[2, 3\]\. Take the largest of each row: argmax"),
        (1, r"integers of shape \(2,\), not 1\."),
        (None, r"not None"),
    ],
)
def test_other_actions_of_a_batch_are_refused(actions, message):
    with pytest.raises(ActionError, match=message):
        checked_actions(actions, 2, 3)


def test_what_the_policy_returns_is_checked_in_flight(env):
    with pytest.raises(ActionError, match=r"integers of shape \(\d+,\), not float32\[\d+, 3\]\. Take the largest"):
        fly(lambda observations: observations[:, :3], env, [0])


def test_torch_decides_as_numpy_does(env):
    torch = pytest.importorskip("torch")
    weights = np.random.default_rng(0).normal(size=(1099, 3)).astype(np.float32)
    network = torch.nn.Linear(1099, 3)
    network.load_state_dict({"weight": torch.as_tensor(weights.T.copy()), "bias": torch.zeros(3)})

    def policy(observations):
        return network(torch.as_tensor(observations)).argmax(dim=1)

    assert fly(policy, env, [0, 1]) == fly(lambda rows: (rows @ weights).argmax(axis=1), env, [0, 1])


def test_a_part_that_is_not_finite_is_named_with_the_episode_and_the_step(env):
    class Sour:
        """A reward that fails from the third step on."""

        def __call__(self, scenario, state, conditions):
            return jnp.where(state.elapsed > 2 * 180, jnp.nan, 1.0)

    sour = BalloonEnv(wind_field="simple", reward=Sour())
    with pytest.raises(NotFiniteError, match=r"the reward .*Sour is nan at step 3 of the episode of seed 5"):
        fly(seek, sour, [5])
