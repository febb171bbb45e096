"""The column planner: the winds that it works out of observations, its table of vertical motion, and its flights."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_agents import create_agent, fly_episode, fly_side_by_side
from ble_agents.agents.column_planner import ColumnPlannerAgent, column_planner_policy, steady_values
from ble_agents.options import ColumnPlannerOptions
from ble_agents.planner.column_winds import LEVELS, first_sighting, next_sighting
from ble_agents.planner.grid import PlanGrid
from ble_agents.planner.typical_motion import TABLE, load_typical_motion, measure_typical_motion
from ble_agents.planner.values import plan_settings
from ble_env import BalloonEnv, Task
from ble_env.wind_column import winds_at_levels
from ble_sim.balloon.altitude_control import Action

SMALL = ColumnPlannerOptions(num_distances=16, num_pressures=8)


@pytest.fixture(scope="module")
def env() -> BalloonEnv:
    return BalloonEnv()


@pytest.mark.parametrize("seed", [3, 4])
def test_the_sides_of_the_winds_are_found(env, seed):
    """After two observations the winds are those that the observation was made of, which has lost their sides."""

    @jax.jit
    def true_winds(scenario, state):
        return winds_at_levels(env.task.wind_field, scenario, state, jnp.asarray(LEVELS, jnp.float32)).predicted

    next_one = jax.jit(next_sighting)
    observation, _ = env.reset(seed=seed)
    sighting = jax.jit(first_sighting)(observation)
    wrong = []
    for action in np.random.default_rng(seed).integers(0, 3, 12).repeat(10):
        observation, *_ = env.step(action)
        sighting = next_one(sighting, observation)
        snapshot = env.get_snapshot()
        differences = np.abs(sighting.winds - np.asarray(true_winds(snapshot.scenario, snapshot.state))).max(axis=1)
        wrong.append(differences[sighting.is_reachable] > 0.2)
        balloon = snapshot.state.balloon
        np.testing.assert_allclose(sighting.place, [balloon.x, balloon.y], atol=20.0)
        np.testing.assert_allclose(sighting.pressure, balloon.pressure, rtol=1e-5)
    assert np.concatenate(wrong).mean() < 0.01


def test_the_table_is_what_the_tool_measures():
    stored, measured = json.loads(TABLE.read_text(encoding="utf-8")), measure_typical_motion()
    assert stored.keys() == measured.keys()
    for when, rows in stored.items():
        np.testing.assert_allclose(rows, measured[when], atol=0.5)


def test_actions_move_a_typical_balloon_as_they_should():
    grid = PlanGrid(16, 8, 5_600.0, 12_400.0)
    motion = load_typical_motion(grid)
    assert motion.shape == (2, len(Action), 8)
    middle = motion[..., 2:6] * grid.pressure_spacing
    assert (middle[:, Action.UP] < -50.0).all()
    assert (middle[:, Action.DOWN] > 10.0).all()
    assert np.abs(middle[:, Action.STAY]).max() < 5.0


def test_values_follow_the_winds_of_the_column():
    """In a wind to the east at every level, to be west of the station is worth more than to be east of it."""
    settings = plan_settings(Task(), SMALL)
    nothing = settings.grid.nothing_to_come()
    still, free = jnp.zeros((3, 8), jnp.float32), jnp.zeros(3, jnp.float32)
    plan = jax.jit(steady_values, static_argnums=(0, 1))
    values = plan(settings, 60, nothing, jnp.broadcast_to(jnp.array([5.0, 0.0]), (len(LEVELS), 2)), still, free)
    assert values.shape == nothing.shape
    west, east = values[4, 3, 8], values[4, 12, 8]
    assert west > east + 5.0
    # A level with still air is worth more than the others, and whoever can reach it has that.
    winds = jnp.where(np.abs(LEVELS - 9000.0)[:, None] < 500.0, 0.0, jnp.array([5.0, 0.0]))
    moving = still.at[Action.UP].set(-1.0).at[Action.DOWN].set(1.0)
    calm = plan(settings, 60, nothing, winds, moving, free)
    assert calm[:, 8, 8].min() > values[:, 8, 8].max()


def test_values_are_the_same_on_an_accelerator(monkeypatch):
    """It computes all lanes at once; of their arguments, some may be common to all."""
    settings = plan_settings(Task(), SMALL)
    winds = 10.0 * jax.random.normal(jax.random.key(3, impl="threefry2x32"), (2, len(LEVELS), 2), jnp.float32)
    motion, free = jnp.zeros((3, 8), jnp.float32).at[Action.UP].set(-0.7), jnp.zeros(3, jnp.float32)

    def values():
        def of_winds(winds):
            return steady_values(settings, 12, settings.grid.nothing_to_come(), winds, motion, free)

        return np.asarray(jax.jit(jax.vmap(of_winds))(winds))

    in_turn = values()
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *arrays, cpu, default: default(*arrays))
    np.testing.assert_allclose(values(), in_turn, rtol=1e-5)
    assert np.abs(in_turn[0] - in_turn[1]).max() > 0.1


def test_an_episode_alone_is_the_one_in_lanes(env):
    agent = create_agent("column_planner", 3, (1099,), options=SMALL)
    assert isinstance(agent, ColumnPlannerAgent)
    rewards: list[float] = []
    fly_episode(agent, env, seed=5, max_steps=12, on_step=lambda step: rewards.append(step.reward))
    flown = fly_side_by_side(
        agent.policy(), env.task, env.vehicle, env.precision, [5], 12, agent_seeds=[0], tile_size=2
    )
    np.testing.assert_allclose(next(flown).rewards, rewards, rtol=1e-5)


def test_tradewind_decides_where_its_weight_is_large(env):
    alone, both = (
        column_planner_policy(ColumnPlannerOptions(num_distances=16, num_pressures=8, tradewind_weight=weight))
        for weight in (0.0, 1e6)
    )
    tradewind = create_agent("tradewind")
    assert alone.params[1] == ()
    init, key = jax.jit(both.init), jax.random.key(0)
    actions, alone_actions = [], []
    for seed in range(12):
        observation, _ = env.reset(seed=seed)
        actions.append(int(init(both.params, key, observation)[1]) - tradewind.begin_episode(observation))
        alone_actions.append(int(jax.jit(alone.init)(alone.params, key, observation)[1]))
    assert set(actions) == {0}
    assert len(set(alone_actions)) > 1


def test_what_it_cannot_fly_is_refused():
    with pytest.raises(ValueError, match="column_planner flies with 3 actions"):
        ColumnPlannerAgent(4, (1099,))
    with pytest.raises(ValueError, match="must be 1 at least, not 0 and 120"):
        ColumnPlannerOptions(stages_per_step=0)
    with pytest.raises(ValueError, match=r"tradewind_weight must be 0 or positive and finite, not -0\.1"):
        ColumnPlannerOptions(tradewind_weight=-0.1)


@pytest.mark.long
def test_it_keeps_station(env):
    """On eight seeds it is above StationSeeker, which has 0.44 on them."""
    policy = column_planner_policy(ColumnPlannerOptions(num_distances=32, num_pressures=24))
    seeds = range(100_000, 100_008)
    flown = fly_side_by_side(policy, env.task, env.vehicle, env.precision, seeds, 960, agent_seeds=[0] * 8, tile_size=8)
    assert np.mean([episode.diagnostics.inside_radius.mean() for episode in flown]) > 0.5
