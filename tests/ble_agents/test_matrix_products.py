"""Accelerators round the factors of matrix products unless the precision is given; so it is given in every one."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from vectorized import NUM_LANES, TASK, begin_batch, step_batch

from ble_agents import create_agent
from ble_agents.options import PlannerOptions
from ble_agents.planner.beam import best_flight
from ble_agents.planner.choice import choose_action
from ble_agents.planner.motion import NUM_HOURS, vertical_motion
from ble_agents.planner.values import plan_settings, plan_values
from ble_agents.planner.wind_belief import Belief
from ble_agents.policy import policy_scope

SETTINGS = plan_settings(TASK, PlannerOptions(num_distances=16, num_pressures=8))
GRID = SETTINGS.grid
VALUES = jnp.zeros((12, GRID.num_pressures, GRID.num_distances, GRID.num_distances), jnp.float32)
MOTION = jnp.zeros((NUM_HOURS, 3, GRID.num_pressures), jnp.float32)
BELIEF = Belief(jnp.zeros((8, 4), jnp.float32), jnp.zeros((8, 2), jnp.float32), jnp.int32(8))
FULL = {"HIGHEST, HIGHEST"}


def precisions(function, *args) -> set[str]:
    """Of the matrix products in a program."""
    program = jax.jit(function).lower(*args).as_text()
    products = [line for line in program.splitlines() if "stablehlo.dot_general" in line]
    return {match[1] if (match := re.search(r"precision = \[(.*?)\]", line)) else "none" for line in products}


@pytest.fixture(scope="module")
def flights():
    """The scenarios and states of a batch."""
    return begin_batch(range(NUM_LANES), "float32")[:2]


@pytest.fixture(scope="module")
def flight(flights):
    """The scenario and state of one."""
    return jax.tree.map(lambda leaf: leaf[0], flights)


def test_the_environment(flights):
    found = precisions(step_batch, *flights, jnp.zeros(NUM_LANES, jnp.int32))
    assert found == FULL


@pytest.mark.parametrize("belief", [BELIEF, None])
def test_plans(flight, belief):
    plan = functools.partial(plan_values, SETTINGS, len(VALUES))
    found = precisions(plan, flight[0], MOTION, belief, np.int32(0), np.int32(10), VALUES[0])
    assert found == FULL


@pytest.mark.parametrize(
    ("function", "others"),
    [
        (functools.partial(choose_action, SETTINGS), (VALUES, np.int32(0))),
        (lambda *args: best_flight(SETTINGS, *args, 4), (VALUES,)),
    ],
    ids=["choose_action", "best_flight"],
)
def test_what_follows_a_plan(flight, function, others):
    found = precisions(function, *flight, *others)
    assert found == FULL


def test_the_vertical_motion(flight):
    assert precisions(functools.partial(vertical_motion, GRID), flight[0]) <= FULL


@pytest.mark.parametrize("agent", ["column_planner", "tradewind", "perciatelli44"])
def test_policies(agent):
    policy = create_agent(agent).policy()
    observation, key = jnp.zeros(1099, jnp.float32), jax.random.key(0)
    with policy_scope():
        carry, _ = jax.eval_shape(policy.init, policy.params, key, observation)
        found = precisions(policy.step, policy.params, key, carry, observation, jnp.float32(0.0))
    assert found == FULL
