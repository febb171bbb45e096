"""NaN and infinity in what learners receive, compute and load: they stop the training, or are skipped and counted."""

import dataclasses
import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_agents import Architecture, ExportedPolicy, save_policy
from ble_agents.options import QuantileNetworkOptions
from ble_env.checks import NotFiniteError
from ble_train.algorithms.dqn import DqnAgent
from ble_train.algorithms.finite import FAULTS, fault_of, unless, vectors
from ble_train.algorithms.options import DqnOptions, MlpOptions, PpoOptions, QuantileOptions
from ble_train.algorithms.ppo_agent import PpoAgent
from ble_train.algorithms.qr_dqn import QuantileAgent
from ble_train.algorithms.sarsa import MlpAgent
from ble_train.learner import LaneStep, Learner

SHAPE, LANES = (3,), 2
REPLAY: dict[str, Any] = {
    "hidden_sizes": (8,),
    "replay_capacity": 400,
    "min_replay_history": 10,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "exploration": "none",
    "update_period": 2,
}
MAKERS = {
    "ppo": lambda **options: PpoAgent(
        2,
        SHAPE,
        seed=0,
        options=PpoOptions(
            network="actor_critic_mlp",
            network_options='{"hidden_sizes": [8]}',
            rollout_steps=8,
            minibatch_size=8,
            **options,
        ),
    ),
    "quantile": lambda **options: QuantileAgent(
        2, SHAPE, seed=0, options=QuantileOptions(**{**REPLAY, **options}, num_quantiles=5)
    ),
    "dqn": lambda **options: DqnAgent(2, SHAPE, seed=0, options=DqnOptions(**{**REPLAY, **options})),
}
EVERY_LEARNER = pytest.mark.parametrize("name", MAKERS)


def lane_step(rng, begins=False, **changes) -> LaneStep:
    no = np.zeros(LANES, bool)
    step = LaneStep(rng.random((LANES, *SHAPE), np.float32), rng.random(LANES, np.float32), no, no, no | begins)
    return step._replace(**changes)


def feed(agent: Learner, number: int, **changes: Any) -> None:
    """Steps of episodes that do not end."""
    rng = np.random.default_rng(number)
    if not agent.num_lanes:
        agent.start_lanes(LANES)
        agent.step_lanes(lane_step(rng, begins=True))
    for _ in range(number):
        agent.step_lanes(lane_step(rng, **changes))


def params_of(agent: Any) -> Any:
    return jax.tree.map(np.array, agent.exported_policy().params)


def is_equal(one: Any, other: Any) -> bool:
    return all(map(np.array_equal, jax.tree.leaves(one), jax.tree.leaves(other)))


HUGE = np.full(LANES, 2e38, np.float32)
"""Rewards that are numbers, and losses that are none."""


@EVERY_LEARNER
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_environments_give_is_refused_before_it_is_learned_or_stored(name, value):
    agent = MAKERS[name]()
    feed(agent, 3)
    before = agent.working_state()
    rng = np.random.default_rng(0)
    wrong = rng.random((LANES, *SHAPE), np.float32)
    wrong[1, 2] = value
    with pytest.raises(
        NotFiniteError, match=f"^the observation is {value} in lane 1, for the agent {agent.get_name()}"
    ):
        agent.step_lanes(lane_step(rng, observation=wrong))
    with pytest.raises(NotFiniteError, match=f"^the reward is {value} in lane 0, for the agent"):
        agent.step_lanes(lane_step(rng, reward=np.array([value, 0.0], np.float32)))
    assert is_equal(agent.working_state(), before)
    agent.step_lanes(lane_step(rng, begins=True, reward=np.full(LANES, value, np.float32)))  # It means nothing there.


@EVERY_LEARNER
def test_a_loss_that_is_not_finite_stops_the_training_by_default(name):
    agent = MAKERS[name]()
    with pytest.raises(NotFiniteError, match=rf"^The loss of {agent.get_name()} is not finite in .* step \d+\."):
        feed(agent, 40, reward=HUGE)


@EVERY_LEARNER
def test_updates_are_skipped_and_counted_on_demand(name):
    agent = MAKERS[name](not_finite="skip")
    before = params_of(agent)
    feed(agent, 24, reward=HUGE)
    assert is_equal(params_of(agent), before)
    metrics = agent.take_metrics()
    assert metrics["SkippedUpdates"] > 0
    assert all(np.isfinite(value) for value in metrics.values())
    if name != "ppo":
        assert np.isfinite(agent.working_state()["memory"]["tree"]["nodes"]).all()
    feed(agent, 1, begins=True)
    feed(agent, 400)  # The huge rewards leave a replay memory of 400 transitions.
    agent.take_metrics()
    feed(agent, 24)
    assert agent.take_metrics()["SkippedUpdates"] == 0.0
    assert not is_equal(params_of(agent), before)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params_of(agent)))


@EVERY_LEARNER
def test_skipping_changes_nothing_where_all_is_finite(name):
    stopping, skipping = MAKERS[name](), MAKERS[name](not_finite="skip")
    for agent in (stopping, skipping):
        feed(agent, 40)
    for one, other in zip(*[jax.tree.leaves(params_of(agent)) for agent in (stopping, skipping)], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert skipping.take_metrics() == pytest.approx({**stopping.take_metrics(), "SkippedUpdates": 0.0}, rel=1e-4)


def test_the_priority_of_a_sample_whose_loss_is_not_finite_stays_as_it_was():
    agent = MAKERS["quantile"](not_finite="skip")
    feed(agent, 24, reward=HUGE)
    tree = agent.working_state()["memory"]["tree"]
    assert np.isfinite(tree["largest"]) and tree["nodes"][1] > 0.0


def test_observations_beyond_the_memorys_type_are_refused_with_the_remedy():
    large = np.full((LANES, *SHAPE), 1e5, np.float32)
    message = r"cannot store an observation of 100000: .* is 65504\. Give replay_dtype='float32'\."
    with pytest.raises(ValueError, match=message):
        feed(MAKERS["dqn"](), 1, observation=large)
    feed(MAKERS["dqn"](replay_dtype="float32"), 1, observation=large)


class TestSarsa:
    def flight(self, agent, reward=0.5, observation=1.0, steps=4):
        agent.begin_episode(np.full(SHAPE, observation, np.float32))
        for _ in range(steps):
            agent.step(reward, np.full(SHAPE, observation, np.float32))
        agent.end_episode(reward, False)

    def test_it_stops_or_skips(self):
        agent = MlpAgent(2, SHAPE, seed=0)
        with pytest.raises(NotFiniteError, match=r"^The loss of MlpAgent is not finite in update 1\. A smaller"):
            self.flight(agent, reward=1e30)
        skipping = MlpAgent(2, SHAPE, seed=0, options=MlpOptions(not_finite="skip"))
        before = params_of(skipping)
        self.flight(skipping, reward=1e30)
        assert (skipping.skipped_updates, is_equal(params_of(skipping), before)) == (4, True)
        self.flight(skipping)
        assert (skipping.skipped_updates, is_equal(params_of(skipping), before)) == (4, False)

    def test_it_refuses_what_is_not_finite(self):
        with pytest.raises(NotFiniteError, match=r"^the reward is nan for the agent MlpAgent"):
            self.flight(MlpAgent(2, SHAPE, seed=0), reward=np.nan)
        with pytest.raises(NotFiniteError, match=r"^the observation is inf for the agent MlpAgent"):
            self.flight(MlpAgent(2, SHAPE, seed=0), observation=np.inf)


def test_a_fault_is_in_the_loss_or_in_the_gradient():
    gradient = {"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2), "scale": jnp.float32(1)}
    assert FAULTS[int(fault_of(jnp.float32(1), gradient))] == ""
    assert FAULTS[int(fault_of(jnp.float32(jnp.nan), gradient))] == "loss"
    for name in gradient:
        for value in (jnp.nan, jnp.inf, -jnp.inf):
            wrong = {**gradient, name: gradient[name] * value}
            assert FAULTS[int(fault_of(jnp.float32(1), wrong))] == "gradient"
    opposite = {**gradient, "bias": jnp.array([jnp.inf, -jnp.inf])}
    assert FAULTS[int(fault_of(jnp.float32(1), opposite))] == "gradient"
    assert sorted(leaf.ndim for leaf in vectors(gradient)) == [0, 1]
    assert unless(jnp.int32(2), {"a": jnp.float32(1)}, {"a": jnp.float32(0)}) == {"a": 0}


@EVERY_LEARNER
def test_a_state_that_is_not_finite_is_refused(name):
    agent = MAKERS[name]()
    state = agent.learned_state()
    broken = {**state, "params": jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), state["params"])}
    with pytest.raises(NotFiniteError, match=rf"the parameter .*(kernel|bias).* of {agent.get_name()} is nan"):
        agent.set_learned_state(broken)
    assert is_equal(agent.learned_state(), state)


def test_a_start_that_is_not_finite_is_refused(tmp_path):
    architecture = Architecture("quantile", SHAPE, 2, QuantileNetworkOptions((8,), 5, precision="highest"))
    params = architecture.network().init(jax.random.key(0), np.zeros(SHAPE, np.float32))
    path = tmp_path / "start.npz"
    save_policy(path, ExportedPolicy(architecture, params))
    MAKERS["quantile"](start=os.fspath(path))
    with np.load(path) as archive:
        arrays = {name: array.copy() for name, array in archive.items()}
    name = next(name for name in arrays if name.endswith("kernel"))
    arrays[name][0, 0] = np.inf
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"start\.npz cannot be flown: array {name} has values that are not finite"):
        MAKERS["quantile"](start=os.fspath(path))


@pytest.mark.parametrize("options_type", [QuantileOptions, DqnOptions, PpoOptions, MlpOptions])
def test_there_are_two_ways(options_type):
    assert options_type().not_finite == "stop"
    with pytest.raises(ValueError, match="not_finite must be 'stop' or 'skip', not 'ignore'"):
        dataclasses.replace(options_type(), not_finite="ignore")
