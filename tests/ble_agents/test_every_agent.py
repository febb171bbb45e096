"""What holds for every agent of this package: it does not smoke, and flies in a batch as it flies alone.

Agents that are handed views need an environment: their flights are in test_views.py and test_planner.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_agents import Agent, AgentMode, PolicyAgent, agent_names, create_agent
from ble_agents import builtins as builtin_agents
from ble_agents.policy import next_key, start_stream
from ble_env import InformationTrack

RECORDS = builtin_agents.ble_register_agents()
EVERY_AGENT = pytest.mark.parametrize("name", [record.name for record in RECORDS])
EVERY_OBSERVER = pytest.mark.parametrize(
    "name", [record.name for record in RECORDS if record.information_track == InformationTrack.OBSERVATION]
)
STEPS = 12


def fly(agent: Agent, observations: np.ndarray) -> list[int]:
    actions = [agent.begin_episode(observations[0])]
    actions += [agent.step(0.5, observation) for observation in observations[1:]]
    agent.end_episode(0.5, terminal=False)
    return actions


def test_the_agents_of_the_benchmark_are_registered():
    assert {"perciatelli44", "random", "random_walk", "station_seeker"} <= set(agent_names())


@EVERY_OBSERVER
@pytest.mark.parametrize("mode", list(AgentMode))
def test_it_flies_two_episodes_without_smoke(name, mode, observations, tmp_path):
    agent = create_agent(name, seed=1)
    assert agent.get_name().isidentifier()
    agent.set_mode(mode)
    agent.set_summary_writer(None)
    for start in (0, 100):
        actions = fly(agent, observations[start : start + STEPS])
        assert all(type(action) is int and action in (0, 1, 2) for action in actions)
    agent.save_checkpoint(str(tmp_path), 0)
    assert agent.reload_latest_checkpoint(str(tmp_path)) in (-1, 0)


@EVERY_OBSERVER
def test_a_seed_determines_the_flight_whatever_flew_before(name, observations):
    first, second = create_agent(name, seed=5), create_agent(name, seed=6)
    fly(second, observations[:STEPS])
    second.reseed(5)
    for start in (0, STEPS):
        episode = observations[start : start + STEPS]
        assert fly(first, episode) == fly(second, episode)


@EVERY_OBSERVER
@pytest.mark.parametrize("x64", [False, True], ids=["float32", "float64"])
def test_the_policy_in_a_batch_flies_as_the_agent_alone(name, x64, observations):
    """Lanes mapped by vmap, time by scan, in either precision; each with its own seed and observations."""
    seeds = [0, 5, 4294967295]
    lanes = observations[: len(seeds) * STEPS].reshape(len(seeds), STEPS, -1)
    alone = [fly(create_agent(name, seed=seed), lane) for seed, lane in zip(seeds, lanes, strict=True)]

    policy = create_agent(name).policy()
    assert policy is not None

    def fly_lane(params, rng, lane):
        rng, key = next_key(rng)
        carry, first = policy.init(params, key, lane[0])

        def step(state, observation):
            rng, carry = state
            rng, key = next_key(rng)
            carry, action = policy.step(params, key, carry, observation, jnp.float32(0.5))
            return (rng, carry), action

        return jnp.append(first, jax.lax.scan(step, (rng, carry), lane[1:])[1])

    with jax.enable_x64(x64):
        streams = jnp.stack([start_stream(seed) for seed in seeds])
        together = jax.jit(jax.vmap(fly_lane, in_axes=(None, 0, 0)))(policy.params, streams, lanes)
        assert together.dtype == jnp.int32
    assert together.tolist() == alone


@EVERY_OBSERVER
def test_an_observation_of_another_shape_is_refused(name, observations):
    agent = create_agent(name, seed=1)
    assert isinstance(agent, PolicyAgent)
    with pytest.raises(ValueError, match=r"observes shape \(1099,\), got \(1098,\)"):
        agent.begin_episode(observations[0][:-1])


@EVERY_AGENT
def test_a_step_outside_an_episode_is_refused(name, observations):
    agent = create_agent(name, seed=1)
    with pytest.raises(RuntimeError, match="call begin_episode first"):
        agent.step(0.0, observations[0])
    if agent.information_track == InformationTrack.OBSERVATION:
        fly(agent, observations[:2])
        with pytest.raises(RuntimeError, match="call begin_episode first"):
            agent.step(0.0, observations[0])


@EVERY_AGENT
@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, "7"])
def test_a_bad_seed_is_refused_by_value(name, seed):
    with pytest.raises(ValueError, match=f"seed.*{seed!r}"):
        create_agent(name, seed=seed)


@pytest.mark.parametrize("name", ["perciatelli44", "random_walk", "station_seeker"])
@pytest.mark.parametrize(("num_actions", "shape"), [(4, (1099,)), (3, (1098,)), (3, (1099, 1))])
def test_agents_that_read_features_refuse_other_environments(name, num_actions, shape):
    with pytest.raises(ValueError, match=f"{name} flies with 3 actions .* not with {num_actions} actions"):
        create_agent(name, num_actions, shape)
