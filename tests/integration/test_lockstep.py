"""Flights side by side are those flown alone, whatever flies beside them."""

import json
import os
import subprocess
import sys

import pytest

from ble_agents import create_agent
from ble_agents.agent import Agent
from ble_env import BalloonEnv
from ble_eval.eval_lib import eval_agent
from ble_eval.lockstep import fly_in_lockstep
from ble_eval.suites import EvaluationSuite
from ble_sim.balloon.vehicle import Vehicle


class OneByOne(Agent):
    """Another agent without its policy."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(3, (1099,))
        self.agent = agent

    def reseed(self, seed):
        self.agent.reseed(seed)

    def begin_episode(self, observation):
        return self.agent.begin_episode(observation)

    def step(self, reward, observation):
        return self.agent.step(reward, observation)

    def end_episode(self, reward, terminal=True):
        self.agent.end_episode(reward, terminal)


def fly(seeds, agent="station_seeker", tile_size=4, max_steps=90, **options):
    env = BalloonEnv(wind_field="simple", **options)
    flights = fly_in_lockstep(
        create_agent(agent).policy(),
        env.task,
        env.vehicle,
        env.precision,
        seeds,
        max_steps,
        agent_seeds=seeds,
        keep_paths=True,
        tile_size=tile_size,
    )
    return {result.seed: result for result in flights}


@pytest.mark.parametrize("agent", ["station_seeker", "random_walk"])
def test_neither_number_nor_order_changes_a_flight(agent):
    many = fly(range(10), agent)
    assert sorted(many) == list(range(10))
    assert fly([7], agent) == {7: many[7]}
    assert fly([9, 3, 0, 5, 2], agent) == {seed: many[seed] for seed in (0, 2, 3, 5, 9)}


@pytest.mark.parametrize("agent", ["station_seeker", "random_walk", "perciatelli44", "random"])
def test_one_by_one_flies_the_same(agent):
    env, suite = BalloonEnv(wind_field="simple", precision="float64"), EvaluationSuite([4, 1], 90)
    steps = []
    together = eval_agent(create_agent(agent), env, suite, agent_seed=3, on_steps=lambda *counts: steps.append(counts))
    alone = eval_agent(OneByOne(create_agent(agent)), env, suite, agent_seed=3)
    for flight, other in zip(together, alone, strict=True):
        assert flight.time_within_radius == other.time_within_radius
        assert flight.cumulative_reward == pytest.approx(other.cumulative_reward, abs=1e-6)
        assert [point.pressure for point in flight.flight_path] == pytest.approx(
            [point.pressure for point in other.flight_path], abs=1e-3
        )
    assert sum(flown for flown, _ in steps) == 180
    assert sum(inside for _, inside in steps) == sum(round(90 * flight.time_within_radius) for flight in together)


def test_an_environment_that_changes_the_step_is_stepped_itself():
    class Calm(BalloonEnv):
        def step(self, action):
            observation, _, terminated, truncated, info = super().step(action)
            return observation, 0.25, terminated, truncated, info

    (flight,) = eval_agent(create_agent("station_seeker"), Calm(wind_field="simple"), EvaluationSuite([4], 8))
    assert flight.cumulative_reward == 2.0


def test_a_flight_that_fails_ends_while_others_go_on():
    vehicle = Vehicle(battery_initial_charge=40.0, power_safety_enabled=False)
    flights = fly(range(8), vehicle=vehicle, max_steps=40)
    failed = [flight for flight in flights.values() if flight.failed]
    assert failed
    assert len(failed) < len(flights)
    for flight in flights.values():
        assert flight.out_of_power == (flight.final_timestep < 40) == flight.failed
        assert len(flight.flight_path) == flight.final_timestep
    env = BalloonEnv(wind_field="simple", vehicle=vehicle)
    suite = EvaluationSuite([failed[0].seed], 40)
    (alone,) = eval_agent(OneByOne(create_agent("station_seeker")), env, suite)
    assert alone.final_timestep == failed[0].final_timestep
    assert alone.out_of_power


def test_an_error_in_a_worker_is_raised():
    class BrokenVehicle(Vehicle):
        pass

    with pytest.raises(TypeError):
        fly([1], vehicle=BrokenVehicle())


def test_two_devices_fly_as_one_does():
    script = (
        "import dataclasses, json, jax; assert len(jax.devices()) == {devices};"
        "from ble_agents import create_agent; from ble_env import BalloonEnv; from ble_eval.lockstep import *;"
        "env = BalloonEnv(wind_field='simple');"
        "policy = create_agent('station_seeker').policy();"
        "flights = fly_in_lockstep(policy, env.task, env.vehicle, 'float32', range(9), 60, agent_seeds=range(9),"
        " keep_paths=True, tile_size=4, device={device});"
        "print(json.dumps(sorted(map(dataclasses.astuple, flights))))"
    )
    flights = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", script.format(devices=devices, device=device)],
                env={**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"},
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for devices, device in ((1, None), (2, None), (2, "jax.devices()[1]"))
    ]
    assert len(flights[0]) == 9
    assert flights[0] == flights[1] == flights[2]
