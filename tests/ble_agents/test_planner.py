"""The planner: interpolation, the belief about the wind, the motion of the balloon, the values, and whole flights."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_agents import create_agent, fly_episode, fly_with_views
from ble_agents.agents import planner
from ble_agents.agents.oracle import OracleAgent
from ble_agents.agents.planner import PlannerAgent, PlanTimes, plan_times
from ble_agents.options import OracleOptions, PlannerOptions, PlanOptions
from ble_agents.planner.choice import value_at
from ble_agents.planner.grid import NUM_STAGES, PlanGrid, interpolation_matrix, shifted
from ble_agents.planner.lanes import map_lanes
from ble_agents.planner.motion import NUM_HOURS, vertical_motion
from ble_agents.planner.values import horizontal_shifts, plan_settings, plan_values, reward_at
from ble_agents.planner.wind_belief import Belief, GrowingBelief, error_map
from ble_env import BalloonEnv, InformationTrack, Task, core, first_episode_keys
from ble_env.information import FlightView
from ble_env.task import make_task
from ble_sim import Vehicle
from ble_sim.balloon.altitude_control import Action
from ble_sim.wind.noise import GAINS, SCALES, sample_wind_noise, wind_noise

SMALL = PlannerOptions(num_distances=16, num_pressures=8, replan_steps=480)
GRID = PlanGrid(16, 8, 5_600.0, 12_400.0)
ERROR_GRID = PlanGrid(20, 24, 5_600.0, 12_400.0)


def belief_of(points, errors, nugget):
    """The belief of one flight after its measurements."""
    growing = GrowingBelief(1, len(points), nugget)
    for point, error in zip(points, errors, strict=True):
        growing.add(point[None], error[None])
    return jax.tree.map(lambda array: array[0], growing.beliefs())


@pytest.fixture(scope="module")
def episode():
    """A task, and the scenario and state at the start of an episode."""
    task, vehicle = make_task()
    scenario, state, _ = jax.jit(core.reset, static_argnums=0)(
        task, task.make_params(vehicle), first_episode_keys([3])[0]
    )
    return task, scenario, state


def test_values_are_shifted_along_an_axis():
    x = jnp.arange(10.0)
    line = jnp.stack([3.0 * x + 1.0] * 2)
    for shift in (0.0, 0.25, 1.0, -0.5, -1.0):
        moved = shifted(line, jnp.full_like(line, shift), axis=1)
        np.testing.assert_allclose(moved[:, 2:-2], (line + 3.0 * shift)[:, 2:-2], rtol=1e-6)
        np.testing.assert_allclose(shifted(line.T, jnp.full_like(line.T, shift), axis=0), moved.T, rtol=1e-6)
    edge = jnp.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    half = shifted(edge, jnp.full_like(edge, 0.5), axis=0)
    assert half.min() == 0.0
    assert half.max() == 1.0
    assert half[2] == 0.5


def test_knots_are_interpolated_to_points():
    knots = np.linspace(-2.0, 2.0, 5)
    points = np.array([-3.0, -2.0, 0.25, 1.9, 2.0, 5.0])
    values = knots**2
    found = interpolation_matrix(points, knots) @ values
    np.testing.assert_allclose(found, np.interp(points, knots, values), rtol=1e-6)


def test_the_grid_finds_its_own_points():
    np.testing.assert_allclose(GRID.place(jnp.asarray(GRID.distances)), np.arange(16), atol=1e-4)
    np.testing.assert_allclose(GRID.level(jnp.asarray(GRID.pressures)), np.arange(8), atol=1e-4)
    assert (GRID.pressures[0], GRID.pressures[-1]) == (5_600.0, 12_400.0)


def test_plans_hold_all_pressures_that_balloons_reach():
    """16 balloons go up, and down, for a day: atmospheres differ, and the grid ends where the last of them do."""
    task, vehicle = make_task()

    @jax.jit
    def pressures(keys, action):
        def flown(key):
            scenario, start, _ = core.reset(task, task.make_params(vehicle), key)

            def step(state, _):
                state, transition = core.step(task, scenario, state, action)
                return state, transition.diagnostics.pressure

            return jax.lax.scan(step, start, None, 480)[1]

        return jax.vmap(flown)(keys)

    options, keys = PlanOptions(), first_episode_keys(range(100_000, 100_016))
    assert -50.0 < pressures(keys, Action.UP).min() - options.min_pressure < 200.0
    assert -200.0 < pressures(keys, Action.DOWN).max() - options.max_pressure < 100.0


def test_the_noise_has_the_covariance_of_the_belief():
    """Over 4000 episodes: measured at one point, the error at another is expected to be k(q, X) / k(X, X) of it."""
    noises = jax.vmap(sample_wind_noise)(jax.random.split(jax.random.key(0, impl="threefry2x32"), 4000))
    origin = np.array([20_000.0, -10_000.0, 9000.0, 7200.0])
    at = jax.jit(jax.vmap(wind_noise, (0, None, None, None, None)))
    here = np.stack(at(noises, *origin))
    measured = belief_of(origin[None].astype(np.float32), np.ones((1, 2)), nugget=0.0)
    for x, pressure, elapsed in ((10, 12, 7200.0), (12, 12, 7200.0), (10, 15, 7200.0), (10, 12, 25_000.0)):
        place = (ERROR_GRID.distances[x], ERROR_GRID.distances[9], ERROR_GRID.pressures[pressure], elapsed)
        there = np.stack(at(noises, *place))
        slope = np.sum(here * there, axis=1) / np.sum(here * here, axis=1)
        belief = error_map(ERROR_GRID, measured, jnp.float32(elapsed))
        np.testing.assert_allclose(belief[:, pressure, x, 9], slope, atol=0.08)


def test_the_belief_agrees_with_what_was_measured():
    generator = np.random.default_rng(0)
    i, k = generator.integers(4, 16, 12), generator.integers(2, 20, 12)
    points = np.stack(
        [ERROR_GRID.distances[i], ERROR_GRID.distances[i[::-1]], ERROR_GRID.pressures[k], np.full(12, 3600.0)], axis=-1
    )
    errors = generator.normal(size=(12, 2))
    measured = belief_of(points.astype(np.float32), errors, nugget=1e-9)
    belief = error_map(ERROR_GRID, measured, jnp.float32(3600.0))
    found = belief[:, k, i, i[::-1]].T
    np.testing.assert_allclose(found[:, 0], errors[:, 0], atol=0.02)  # All harmonics of u are mapped.
    far = error_map(ERROR_GRID, measured, jnp.float32(3600.0 * 24 * 90))
    assert np.abs(far).max() < 1e-3


def test_a_belief_that_grows_solves_for_all_measurements():
    """Of two flights, with 100 measurements and room for more, against a solution of the whole system."""
    generator = np.random.default_rng(0)
    points = np.cumsum(generator.normal(size=(2, 100, 4)), axis=1) * np.array([3e3, 3e3, 100.0, 0.0])
    points[..., 2:] += np.stack([np.full(100, 9000.0), np.arange(100) * 720.0], axis=-1)
    points, errors = points.astype(np.float32), generator.normal(size=(2, 100, 2))
    growing = GrowingBelief(2, 120, nugget=0.02)
    for number in range(100):
        growing.add(points[:, number], errors[:, number])
    beliefs = growing.beliefs()
    np.testing.assert_array_equal(beliefs.count, 100)
    np.testing.assert_array_equal(beliefs.weights[:, 100:], 0.0)
    shares = GAINS**2 / np.sum(GAINS**2, axis=1, keepdims=True)
    for flight in range(2):
        differences = points[flight, :, None].astype(float) - points[flight]
        for component in range(2):
            scales = SCALES[component, :, None, None] * np.array([1000.0, 1000.0, 1.0, 3600.0])
            covariance = np.exp(-2.45 * np.sum((differences / scales) ** 2, axis=-1))
            system = np.tensordot(shares[component], covariance, 1) + 0.02 * np.eye(100)
            weights = np.linalg.solve(system, errors[flight, :, component])
            np.testing.assert_allclose(beliefs.weights[flight, :100, component], weights, rtol=1e-5, atol=1e-5)


def test_a_map_is_the_sum_of_its_measurements():
    """Those of one block and those of two, and none of what follows the count."""
    generator = np.random.default_rng(0)
    points = (generator.normal(size=(90, 4)) * np.array([1e5, 1e5, 2e3, 1e4]) + np.array([0, 0, 9e3, 0])).astype(
        np.float32
    )
    weights = generator.normal(size=(90, 2)).astype(np.float32)
    whole = error_map(ERROR_GRID, Belief(points, weights, np.int32(90)), jnp.float32(0.0))
    first = error_map(ERROR_GRID, Belief(points, weights, np.int32(60)), jnp.float32(0.0))
    rest = error_map(ERROR_GRID, Belief(points[60:], weights[60:], np.int32(30)), jnp.float32(0.0))
    assert np.abs(rest).max() > 0.5
    np.testing.assert_allclose(first + rest, whole, atol=1e-4)


def test_actions_move_the_balloon_as_they_should(episode):
    _, scenario, _ = episode
    motion = np.asarray(jax.jit(vertical_motion, static_argnums=0)(GRID, scenario))
    assert motion.shape == (NUM_HOURS, len(Action), GRID.num_pressures)
    middle = motion[:, :, 2:6] * GRID.pressure_spacing
    assert (middle[:, Action.UP] < -50.0).all()
    assert (middle[:, Action.DOWN] >= 0.0).all()
    assert middle[:, Action.DOWN].max() > 100.0
    assert np.abs(middle[:, Action.STAY]).max() < 20.0


def test_values_are_what_can_still_be_collected(episode):
    task, scenario, _ = episode
    settings = plan_settings(task, SMALL)
    still = jnp.zeros((NUM_HOURS, 3, GRID.num_pressures), jnp.float32)
    belief = Belief(jnp.zeros((1, 4), jnp.float32), jnp.zeros((1, 2), jnp.float32), jnp.int32(0))
    nothing = jnp.zeros((GRID.num_pressures, 16, 16), jnp.float32)
    compute = jax.jit(plan_values, static_argnums=(0, 1))

    def plan(motion, first, last=NUM_STAGES, last_values=nothing, *part):
        times = np.int32(first), np.int32(last)
        return compute(settings, 12, scenario, motion, belief, *times, last_values, *part)

    early, late = plan(still, 0), plan(still, NUM_STAGES - 10)
    assert early.shape == (12, GRID.num_pressures, 16, 16)
    assert np.isfinite(early).all()
    # Ten stages are twenty agent steps; nothing is collected after the end.
    assert 15.0 < late[0].max() <= 20.0
    np.testing.assert_array_equal(late[10:], 0.0)
    assert early[0].max() > early[-1].max() > late[0].max()
    # With actions that move, the best of three is at least as good as to stay.
    moving = jax.jit(vertical_motion, static_argnums=0)(GRID, scenario)
    assert (plan(moving, 0)[0].mean()) > early[0].mean()
    # A plan that begins with the values of a later stage goes on as the plan that they come from.
    np.testing.assert_allclose(plan(still, 0, 10, early[10])[:11], early[:11], rtol=1e-5)
    np.testing.assert_array_equal(plan(still, 0, 5, early[10])[5:], jnp.stack([early[10]] * 7))
    # A part of the places has the values of the whole, as far from its edge as the wind carries.
    part = jnp.int32(3) + np.arange(10), jnp.int32(5) + np.arange(10)
    own = plan(moving, 0, 2, early[2][:, 3:13, 5:15], part)
    np.testing.assert_allclose(own[0][:, 4:6, 4:6], plan(moving, 0, 2, early[2])[0][:, 7:9, 9:11], rtol=1e-5)


def test_a_fine_grid_follows_a_fast_wind_in_several_shifts():
    wind = jnp.full((2, 4, 97, 97), 40.0)
    middle, seconds = 48, 360
    for num_shifts in (1, 2, 3):
        settings = plan_settings(Task(), PlanOptions(num_distances=97, num_pressures=4, num_shifts=num_shifts))
        spacing = settings.grid.distances[middle + 1]
        expected = min(40.0 * seconds, num_shifts * spacing)
        for shift in horizontal_shifts(settings, wind):
            carried = num_shifts * np.asarray(shift)[..., middle, middle] * spacing
            np.testing.assert_allclose(carried, expected, rtol=1e-3)


def test_plans_are_made_at_the_times_of_the_options():
    for options, times in (
        (PlannerOptions(replan_steps=120, refresh_steps=20, refresh_hours=5.0), PlanTimes(60, 10, 50, 24)),
        (PlannerOptions(replan_steps=60, refresh_steps=60), PlanTimes(30, 30, 30, 24)),
        (PlannerOptions(replan_steps=50, refresh_steps=20, refresh_hours=0.1), PlanTimes(20, 10, 10, 24)),
        (PlannerOptions(num_distances=16, replan_steps=50, refresh_steps=20), PlanTimes(20, 10, 30, 16)),
        (PlannerOptions(replan_steps=1, refresh_steps=7), PlanTimes(1, 1, 30, 24)),
    ):
        assert plan_times(options) == times


def test_a_refreshed_plan_is_of_the_places_about_the_balloon(episode):
    """Its values at the balloon are those of a refresh of the whole grid, and far away those of the last plan."""
    task, scenario, state = episode
    balloon = dataclasses.replace(state.balloon, x=jnp.float32(-90e3), y=jnp.float32(60e3))
    view = FlightView(jnp.zeros(1), scenario, dataclasses.replace(state, balloon=balloon))
    view = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], view)
    settings, growing = plan_settings(task, SMALL), GrowingBelief(1, 4, 0.02)
    motion = jnp.zeros((1, NUM_HOURS, 3, GRID.num_pressures), jnp.float32)
    before = growing.beliefs()
    growing.add(np.array([[-90e3, 60e3, 9000.0, 0.0]], np.float32), np.array([[8.0, -8.0]], np.float32))
    places = balloon.x, balloon.y, jnp.float32(9000.0), jnp.int32(0)
    found = {}
    for size in (8, 16):
        _, plans, refreshed_plans, _ = planner._compiled(settings, PlanTimes(20, 2, 5, size))
        plan, old = plans(view.scenario, motion, before, np.int32(0))
        found[size] = refreshed_plans(view, motion, growing.beliefs(), plan, np.int32(0), np.int32(0))[0]
    old, part, whole = (float(value_at(GRID, values, *places)) for values in (old[0], found[8], found[16]))
    assert abs(whole - old) > 0.1
    assert part == pytest.approx(whole, abs=0.02 * abs(whole - old))
    np.testing.assert_array_equal(found[8][:, :, 12:, :4], plan[0, : len(found[8]), :, 12:, :4])
    assert np.abs(found[16][:, :, 12:, :4] - found[8][:, :, 12:, :4]).max() > 0.0


def test_lanes_side_by_side_have_the_values_of_lanes_in_turn(episode):
    task, scenario, _ = episode
    settings = plan_settings(task, SMALL)
    motion = 0.5 * jax.random.normal(jax.random.key(2, impl="threefry2x32"), (2, NUM_HOURS, 3, GRID.num_pressures))
    belief = Belief(jnp.zeros((1, 4), jnp.float32), jnp.zeros((1, 2), jnp.float32), jnp.int32(0))

    def values(settings):
        def planned(motion):
            times = jnp.int32(0), jnp.int32(20)
            return plan_values(settings, 2, scenario, motion, belief, *times, GRID.nothing_to_come())

        return jax.jit(functools.partial(map_lanes, settings, planned))(motion)

    in_turn, at_once = values(settings), values(dataclasses.replace(settings, side_by_side=True))
    assert in_turn.shape == (2, 2, 8, 16, 16)
    np.testing.assert_allclose(at_once, in_turn, rtol=1e-5)
    assert np.abs(in_turn[0] - in_turn[1]).max() > 0.1


@pytest.mark.long
@pytest.mark.parametrize("accelerated", [False, True], ids=["in turn", "side by side"])
def test_a_planner_flies_alone_as_in_a_tile(accelerated, monkeypatch):
    """Over the times of plans and refreshed plans, in a tile as on a processor and as on an accelerator."""
    options = PlannerOptions(
        num_distances=16, num_pressures=8, replan_steps=12, refresh_steps=4, refresh_hours=0.6, refresh_distances=8
    )
    agent = PlannerAgent(3, (1099,), options=options)
    env = BalloonEnv()
    flown = [fly_episode(agent, env, seed=seed, max_steps=30) for seed in (4, 5)]
    assert flown[0].reward != flown[1].reward
    monkeypatch.setattr(planner, "is_on_accelerator", lambda: accelerated)
    together = fly_with_views(
        lambda lanes: agent.view_policy(Task(), lanes),
        Task(),
        Vehicle(),
        "float32",
        [4, 5],
        30,
        track=agent.information_track,
        tile_size=2,
    )
    for alone, episode in zip(flown, together, strict=True):
        assert np.sum(episode.rewards) == pytest.approx(alone.reward, rel=1e-4)


def test_a_value_is_looked_up_between_the_points():
    values = jax.random.normal(jax.random.key(1, impl="threefry2x32"), (3, 8, 16, 16), jnp.float32)
    x, y, pressure = (jnp.float32(value) for value in (GRID.distances[5], GRID.distances[9], GRID.pressures[3]))
    np.testing.assert_allclose(value_at(GRID, values, x, y, pressure, jnp.int32(2)), values[1, 3, 5, 9], atol=1e-3)
    between = value_at(GRID, values, x, y, pressure, jnp.int32(1))
    np.testing.assert_allclose(between, (values[0, 3, 5, 9] + values[1, 3, 5, 9]) / 2, atol=1e-3)
    # A parabola is reproduced, with its maximum between two levels.
    parabola = jnp.broadcast_to(-((jnp.arange(8.0) - 3.4) ** 2)[:, None, None], (3, 8, 16, 16))
    for level in (3.0, 3.25, 3.4, 3.9):
        at_level = jnp.float32(GRID.pressures[0] + level * GRID.pressure_spacing)
        np.testing.assert_allclose(
            value_at(GRID, parabola, x, y, at_level, jnp.int32(0)), -((level - 3.4) ** 2), atol=1e-4
        )
    outside = value_at(GRID, values, jnp.float32(1e9), y, pressure, jnp.int32(0))
    np.testing.assert_allclose(outside, values[0, 3, 15, 9], atol=1e-3)


def test_the_reward_falls_over_its_ramp():
    settings = plan_settings(Task(), PlanOptions(ramp=10.0))
    rewards = reward_at(settings, jnp.array([0.0, 44e3, 50e3, 55.1e3, 150e3, 450e3]))
    np.testing.assert_allclose(rewards[:2], 1.0)
    np.testing.assert_allclose(rewards[2], 0.55, atol=1e-6)
    np.testing.assert_allclose(rewards[4], 0.05, rtol=1e-5)
    assert (np.diff(rewards) <= 0).all()


@pytest.mark.parametrize(
    ("name", "agent_type", "options"), [("planner", PlannerAgent, SMALL), ("oracle", OracleAgent, OracleOptions())]
)
def test_planners_are_made_by_name(name, agent_type, options):
    agent = create_agent(name, 3, (1099,), options=options)
    assert type(agent) is agent_type
    assert agent.information_track == InformationTrack("forecast" if name == "planner" else "oracle")
    with pytest.raises(ValueError, match="3 actions, the environment 4"):
        agent_type(4, (1099,))


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (PlanOptions, {"num_pressures": 3}, "must be 4 at least, not 48 and 3"),
        (PlanOptions, {"min_pressure": 13e3}, "below max_pressure, which must be finite, not 13000.0 and 12400.0 Pa"),
        (PlanOptions, {"max_pressure": float("inf")}, "which must be finite, not 5600.0 and inf Pa"),
        (PlanOptions, {"num_shifts": 0}, "num_shifts must be 1 at least, not 0"),
        (PlanOptions, {"ramp": 0.0}, "ramp must be positive, not 0.0 km"),
        (PlanOptions, {"night_descent_cost": float("nan")}, "must not be negative, as nan is"),
        (PlannerOptions, {"discount": 1.5}, "discount must be above 0 and at most 1, not 1.5"),
        (PlannerOptions, {"refresh_steps": 0}, "must be 1 at least, not 120 and 0"),
        (PlannerOptions, {"refresh_distances": 3}, "refresh_distances must be 4 at least, not 3"),
        (PlannerOptions, {"refresh_hours": 0.0}, "refresh_hours must be positive and finite, not 0.0"),
        (OracleOptions, {"num_error_pressures": 1}, "num_error_pressures must be 2 at least, not 28 and 1"),
        (OracleOptions, {"width": 0}, "width must be 1 at least, not 0"),
    ],
)
def test_bad_options_are_refused_by_value(options, values, message):
    with pytest.raises(ValueError, match=message):
        options(**values)


@pytest.mark.long
def test_planners_keep_station():
    """On four seeds the planner is far above what a balloon that drifts reaches, and exact winds are worth more."""
    small = {"num_distances": 24, "num_pressures": 16}
    agents = [
        PlannerAgent(3, (1099,), options=PlannerOptions(**small)),
        OracleAgent(3, (1099,), options=OracleOptions(width=8, **small)),
    ]
    shares = []
    for agent in agents:
        flown = fly_with_views(
            lambda lanes, agent=agent: agent.view_policy(Task(), lanes),
            Task(),
            Vehicle(),
            "float32",
            range(100_000, 100_004),
            960,
            track=agent.information_track,
            tile_size=4,
        )
        shares.append(np.mean([np.sum(episode.diagnostics.inside_radius) / 960 for episode in flown]))
    assert shares[0] > 0.4
    assert shares[1] > shares[0]
