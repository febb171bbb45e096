"""The episode loop: its protocol, and episodes side by side, which are those flown alone whatever flies beside them."""

import json
import os
import subprocess
import sys

import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest
from agent_fakes import OneByOne
from training_fakes import FAILING_STEPS, FakeAgent, FakeEnv

from ble_agents import ActionError, FlownEpisode, Policy, create_agent, fly_episode, fly_side_by_side
from ble_env import BalloonEnv
from ble_env.checks import NotFiniteError
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


class Faulty(FakeEnv):
    """Gives some value as an observation or a reward at one step; step 0 is the reset."""

    def __init__(self, at, *, reward=None, observation=None):
        super().__init__(fails=False)
        self._at, self._reward, self._observation = at, reward, observation

    def reset(self, **arguments):
        observation, info = super().reset(**arguments)
        return (np.full(1, self._observation, np.float32) if self._at == 0 else observation), info

    def step(self, action):
        observation, reward, *rest = super().step(action)
        if self._steps == self._at:
            observation = observation if self._observation is None else np.full(1, self._observation, np.float32)
            reward = reward if self._reward is None else self._reward
        return observation, reward, *rest


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"at": 3, "reward": 0}, r"the reward of Faulty is {} at step 3 of the episode of seed 7\."),
        ({"at": 3, "observation": 0}, r"the observation of Faulty is {} at step 3 of the episode of seed 7\."),
        ({"at": 0, "observation": 0}, r"the observation of Faulty is {} at step 0 of the episode of seed 7\."),
        # The observation comes first, since it does not follow from the reward.
        ({"at": 2, "observation": 0, "reward": 0}, r"the observation of Faulty is {} at step 2 of"),
    ],
)
def test_what_an_environment_gives_must_be_finite(value, fault, message):
    faults = {name: value if name != "at" else step for name, step in fault.items()}
    steps = []
    with pytest.raises(NotFiniteError, match=f"^{message.format(value)}"):
        fly_episode(FakeAgent(), Faulty(**faults), seed=7, max_steps=9, on_step=steps.append)
    assert len(steps) == max(fault["at"] - 1, 0)


def test_without_a_seed_the_step_is_named_alone():
    with pytest.raises(NotFiniteError, match=r"the reward of Faulty is nan at step 1 of the episode\.$"):
        fly_episode(FakeAgent(), Faulty(1, reward=np.nan), max_steps=9)


@pytest.mark.parametrize("action", [None, 1.0, float("nan"), 3, -1, np.array([1, 1]), "up"])
def test_an_action_that_is_none_is_refused_before_the_environment_receives_it(action):
    class Wrong(FakeAgent):
        def step(self, reward, observation):
            return action if super().step(reward, observation) == 2 else 1

    env = FakeEnv()
    message = r"^Wrong at step 3 of the episode of seed 5: An action is an integer from 0 to 2, not "
    with pytest.raises(ActionError, match=message):
        fly_episode(Wrong(), env, seed=5, max_steps=9)
    assert env.actions == [0, 1]


@pytest.mark.parametrize("one", [np.int8(1), np.array(1), np.array([1]), jnp.int32(1)])
def test_an_integer_of_any_library_is_an_action(one):
    class Numpys(FakeAgent):
        def step(self, reward, observation):
            return one

    env = FakeEnv()
    fly_episode(Numpys(), env, max_steps=3)
    assert env.actions == [0, 1, 1]
    assert {type(action) for action in env.actions} == {int}


class Corner:
    """An observation of two numbers, or one of them NaN for a balloon of a certain mass."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def __call__(self, wind_field, scenario, state, conditions):
        place = jnp.stack([state.balloon.x, state.balloon.y]).astype(jnp.float32)
        fails = (scenario.vehicle.envelope_mass == 60.0) & (state.elapsed == 2 * 180)
        return jnp.where(fails, jnp.inf, place)


class Moody:
    """A reward that fails for a balloon of another mass."""

    def __call__(self, scenario, state, conditions):
        return jnp.where((scenario.vehicle.envelope_mass == 61.0) & (state.elapsed == 3 * 180), jnp.nan, 1.0)


CORNER, MOODY = Corner(), Moody()


def constant(action):
    """The policy that gives this in every lane from the third step on."""

    def choose(params, observation):
        return jnp.int32(1)

    def step(params, key, carry, observation, reward):
        return carry + 1, jnp.where(carry >= 1, jnp.asarray(action), jnp.asarray(action) * 0 + 1)

    return Policy((), lambda params, key, observation: (jnp.int32(0), choose(params, observation)), step)


def fly_small(policy, mass=68.5, seeds=(4, 9)):
    env = BalloonEnv(
        wind_field="simple", observation=CORNER, reward=MOODY, vehicle=Vehicle(envelope_mass=mass), device="cpu"
    )
    flight = policy, env.task, env.vehicle, env.precision, seeds, 8
    return list(fly_side_by_side(*flight, agent_seeds=seeds, tile_size=2))


def test_side_by_side_what_is_not_finite_is_named_with_its_part():
    stay = constant(np.int32(1))
    assert [len(episode.rewards) for episode in fly_small(stay)] == [8, 8]
    with pytest.raises(NotFiniteError, match=r"the observation Corner is inf at step 2 of the episode of seed 4\."):
        fly_small(stay, mass=60.0)
    with pytest.raises(NotFiniteError, match=r"the reward Moody is nan at step 3 of the episode of seed 4\."):
        fly_small(stay, mass=61.0)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.int32(3), r"^The policy at step 3 of the episode of seed 4: An action is an integer from 0 to 2, not 3\."),
        (np.int32(-1), r"not -1, which stands for network outputs that are not finite\."),
        (np.float32(1), r"^A policy's action is an int32 scalar, not float32\[\]\."),
    ],
)
def test_side_by_side_actions_are_checked(action, message):
    with pytest.raises(ActionError, match=message):
        fly_small(constant(action))


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
