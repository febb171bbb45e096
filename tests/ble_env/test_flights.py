"""Whole flights from the seed alone, in float64, against the 24 recorded ones.

Rounding alone moves some of these flights by kilometres, as slow descents amplify it. `rounding_spread` says how far
it moved the original's own flights, step by step. A flight counts as determined up to the last row before that spread
first exceeds the tolerance, in pressure or in position; what comes later is not compared. Up to there, the bound is the
tolerance, or ten times the spread where that is more.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import NUM_SEEDS, POLICIES, flights, load
from vectorized import begin_batch, outside_of_space, step_batch, take

from ble_env.observation.layout import FIRST_WIND_FEATURE, Feature
from ble_sim.precision import precision_scope

PRESSURE = 0.1  # Pa
POSITION = 1.0  # m
BATTERY = 0.01  # Wh
REWARD = 1e-5
OBSERVATION = 1e-4
OBSERVATION_OF_POSITION_OR_WIND = 1e-3


class Flown(NamedTuple):
    """What our flights of one policy did: [seed, row], [seed, step] and [seed, number], as in the recordings."""

    state: dict[str, np.ndarray]
    reward: np.ndarray
    observation: np.ndarray
    num_outside_of_space: int


@pytest.fixture(scope="module")
def all_flown() -> dict[str, Flown]:
    """The 24 flights, flown side by side."""
    actions = np.concatenate([flights(policy)["last_command"] for policy in POLICIES])
    observed_steps = load("flight_observations_stay")["step"].tolist()
    scenario, state, observation = begin_batch(list(range(NUM_SEEDS)) * len(POLICIES), "float64")
    states, rewards, observations = [jax.device_get((state.balloon, state.safety))], [], [observation]
    num_outside = int(outside_of_space(observation).sum())
    with precision_scope("float64"):
        for step in range(1, actions.shape[1]):
            state, transition = step_batch(scenario, state, jnp.asarray(actions[:, step], jnp.int32))
            states.append(jax.device_get((state.balloon, state.safety)))
            rewards.append(np.asarray(transition.reward))
            observation = np.asarray(transition.observation)
            num_outside += int(outside_of_space(observation).sum())
            if step in observed_steps:
                observations.append(observation)

    balloon, safety = jax.tree.map(lambda *rows: np.stack(rows, axis=1), *states)
    columns = {**vars(balloon), **vars(safety)}
    rewards, observations = np.stack(rewards, axis=1), np.stack(observations, axis=1)
    parts = {policy: slice(i * NUM_SEEDS, (i + 1) * NUM_SEEDS) for i, policy in enumerate(POLICIES)}
    return {
        policy: Flown(take(columns, part), rewards[part], observations[part], num_outside)
        for policy, part in parts.items()
    }


@pytest.fixture(params=POLICIES)
def policy(request):
    return request.param


@pytest.fixture
def flown(all_flown, policy) -> Flown:
    return all_flown[policy]


@pytest.fixture
def spread(policy) -> tuple[np.ndarray, np.ndarray]:
    """Of pressure [Pa] and of position [m], [seed, row]."""
    recorded = load("rounding_spread")
    return recorded[f"{policy}_pressure"], recorded[f"{policy}_position"]


@pytest.fixture
def is_determined(spread) -> np.ndarray:
    """bool[seed, row]; true up to a row and false from there on."""
    pressure, position = spread
    return np.logical_and.accumulate((pressure <= PRESSURE) & (position <= POSITION), axis=1)


def test_what_is_compared(policy, is_determined):
    num_rows = is_determined.sum(axis=1)
    if policy == "sweep":
        assert (num_rows >= 250).all() and (num_rows[[0, 5]] == 961).all()
    else:
        assert (num_rows == 961).all()


def test_pressure(policy, flown, spread, is_determined):
    error = np.abs(flown.state["pressure"] - flights(policy)["pressure"])
    assert (error <= np.maximum(PRESSURE, 10.0 * spread[0]))[is_determined].all()


def test_position(policy, flown, spread, is_determined):
    recorded = flights(policy)
    error = np.hypot(flown.state["x"] - recorded["x"], flown.state["y"] - recorded["y"])
    assert (error <= np.maximum(POSITION, 10.0 * spread[1]))[is_determined].all()


def test_battery(policy, flown, is_determined):
    error = np.abs(flown.state["battery_charge"] - flights(policy)["battery_charge"])
    assert (error <= BATTERY)[is_determined].all()


def test_safety_layers_and_actions(policy, flown, is_determined):
    recorded = flights(policy)
    for name in ("power_paused", "sunrise", "sunset", "envelope", "altitude", "status", "last_command"):
        is_equal = flown.state[name] == recorded[name]
        assert is_equal[is_determined].all(), name
    is_equal = flown.state["effective_action"][:, 1:] == recorded["effective_action"]
    assert is_equal[is_determined[:, 1:]].all()


def test_reward(policy, flown, is_determined):
    error = np.abs(flown.reward - flights(policy)["reward"])
    assert (error <= REWARD)[is_determined[:, 1:]].all()


def test_observations(policy, flown, is_determined):
    recorded = load(f"flight_observations_{policy}")
    bound = np.full(recorded["obs"].shape[-1], OBSERVATION)
    bound[[Feature.SIN_HEADING, Feature.COS_HEADING, Feature.DISTANCE]] = OBSERVATION_OF_POSITION_OR_WIND
    bound[FIRST_WIND_FEATURE:] = OBSERVATION_OF_POSITION_OR_WIND
    is_close = np.abs(flown.observation - recorded["obs"]) <= bound
    assert is_close[is_determined[:, recorded["step"]]].all()


def test_every_observation_lies_in_the_space(flown):
    assert flown.num_outside_of_space == 0
