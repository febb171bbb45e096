"""The episode loop: its protocol, and episodes side by side, which are those flown alone whatever flies beside them."""

import json
import os
import subprocess
import sys

import gymnasium
import pytest
from agent_fakes import OneByOne
from training_fakes import FAILING_STEPS, FakeAgent, FakeEnv

from ble_agents import FlownEpisode, create_agent, fly_episode, fly_side_by_side
from ble_env import BalloonEnv
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.state import BalloonStatus


def episode_calls(agent):
    return [call for call in agent.calls if call[0] != "set_mode"]


def test_the_agent_is_not_stepped_at_a_terminal_state():
    agent, env = FakeAgent(), FakeEnv()
    episode = fly_episode(agent, env, seed=5, max_steps=FAILING_STEPS)
    assert episode_calls(agent) == [
        ("begin_episode", 0.0),
        *[("step", float(n), n) for n in (1, 2, 3)],
        ("end_episode", 4.0, True),
    ]
    assert env.seeds == [5]
    assert (episode.reward, episode.length, episode.steps_inside) == (10.0, 4, 2)
    assert episode.last.terminated


@pytest.mark.parametrize(
    "options", [{"max_steps": 3}, {"max_steps": 3, "env": FakeEnv(truncated_at=9)}, {"env": FakeEnv(truncated_at=3)}]
)
def test_the_agent_is_stepped_at_a_time_limit(options):
    agent, env = FakeAgent(), options.pop("env", FakeEnv())
    episode = fly_episode(agent, env, **options)
    assert episode_calls(agent) == [
        ("begin_episode", 0.0),
        *[("step", float(n), n) for n in (1, 2, 3)],
        ("end_episode", 3.0, False),
    ]
    assert (episode.last.terminated, episode.last.truncated) == (False, True)
    assert env.actions == [0, 1, 2]


def test_an_observer_receives_every_step_before_the_agent_does():
    agent, steps = FakeAgent(), []

    def observe(step):
        steps.append((step.step, step.action, float(step.observation[0]), step.reward, step.terminated, step.truncated))
        assert len(episode_calls(agent)) == len(steps)

    fly_episode(agent, FakeEnv(), max_steps=4, on_step=observe)
    assert steps == [(n, n % 3, n + 1.0, n + 1.0, n == 3, n == 3) for n in range(4)]


def test_an_environment_without_a_radius():
    env = gymnasium.make("CartPole-v1")
    episode = fly_episode(create_agent("random", 2, (4,), seed=0), env, seed=0)
    assert episode.steps_inside is None
    assert episode.last.terminated
    assert episode.reward == episode.length > 1


@pytest.mark.parametrize("mode", ["ansi", "human", None])
def test_rendering_begins_with_the_first_step_and_is_left_to_a_window(mode):
    env = FakeEnv(fails=False, render_mode=mode)
    fly_episode(FakeAgent(), env, max_steps=12, render_period=5)
    assert env.rendered_at == ([1, 6, 11] if mode == "ansi" else [])
    env.rendered_at.clear()
    fly_episode(FakeAgent(), env, max_steps=12)
    assert env.rendered_at == []


def content(episode: FlownEpisode):
    return episode.rewards.tolist(), {name: field.tolist() for name, field in vars(episode.diagnostics).items()}


def fly(seeds, agent="station_seeker", tile_size=4, max_steps=90, **options):
    env = BalloonEnv(wind_field="simple", **options)
    episodes = fly_side_by_side(
        create_agent(agent).policy(),
        env.task,
        env.vehicle,
        env.precision,
        seeds,
        max_steps,
        agent_seeds=seeds,
        tile_size=tile_size,
    )
    return {episode.seed: content(episode) for episode in episodes}


@pytest.mark.long
@pytest.mark.parametrize("agent", ["station_seeker", "random_walk"])
def test_neither_number_nor_order_changes_an_episode(agent):
    many = fly(range(10), agent)
    assert sorted(many) == list(range(10))
    assert fly([7], agent) == {7: many[7]}
    assert fly([9, 3, 0, 5, 2], agent) == {seed: many[seed] for seed in (0, 2, 3, 5, 9)}


@pytest.mark.long
def test_an_episode_that_fails_ends_while_others_go_on():
    vehicle = Vehicle(battery_initial_charge=40.0, power_safety_enabled=False)
    lengths = {}
    for seed, (rewards, diagnostics) in fly(range(8), vehicle=vehicle, max_steps=40).items():
        lengths[seed] = len(rewards)
        *before, last = diagnostics["status"]
        assert before == [BalloonStatus.OK] * (len(rewards) - 1)
        assert last == (BalloonStatus.OUT_OF_POWER if len(rewards) < 40 else BalloonStatus.OK)
        assert all(len(field) == len(rewards) for field in diagnostics.values())
    failed = [seed for seed, length in lengths.items() if length < 40]
    assert 0 < len(failed) < 8
    env = BalloonEnv(wind_field="simple", vehicle=vehicle)
    alone = fly_episode(OneByOne(create_agent("station_seeker")), env, seed=failed[0], max_steps=40)
    assert alone.length == lengths[failed[0]]
    assert alone.last.terminated
    assert alone.last.info["out_of_power"]


def test_an_error_in_a_worker_is_raised():
    class BrokenVehicle(Vehicle):
        pass

    with pytest.raises(TypeError):
        fly([1], vehicle=BrokenVehicle())


@pytest.mark.long
def test_two_devices_fly_as_one_does():
    script = (
        "import json, jax; assert len(jax.devices()) == {devices};"
        "from ble_agents import create_agent, fly_side_by_side; from ble_env import BalloonEnv;"
        "env = BalloonEnv(wind_field='simple');"
        "policy = create_agent('station_seeker').policy();"
        "episodes = fly_side_by_side(policy, env.task, env.vehicle, 'float32', range(9), 60, agent_seeds=range(9),"
        " tile_size=4, device={device});"
        "print(json.dumps(sorted((one.seed, one.rewards.tolist(), [field.tolist() for field in"
        " vars(one.diagnostics).values()]) for one in episodes)))"
    )
    episodes = [
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
    assert len(episodes[0]) == 9
    assert episodes[0] == episodes[1] == episodes[2]
