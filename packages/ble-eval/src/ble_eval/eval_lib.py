"""Flying an agent through the episodes of a suite."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ble_agents import Agent, AgentMode
from ble_eval.evaluation_suite import EvaluationSuite
from ble_eval.results import FAILURES, EvaluationResult, FlightPathPoint

if TYPE_CHECKING:
    import gymnasium


def eval_agent(
    agent: Agent,
    env: "gymnasium.Env[Any, Any]",
    eval_suite: EvaluationSuite,
    *,
    render_period: int = 10,
    calculate_flight_path: bool = True,
    agent_seed: int | None = None,
    on_episode: Callable[[EvaluationResult], None] | None = None,
) -> list[EvaluationResult]:
    """Flies one episode for each seed of the suite, with the agent in evaluation mode.

    After every step of the environment, the last included, the agent is stepped with what came of it, so an
    agent that learns sees every reward; its last answer is not flown. Then `end_episode` says whether the
    flight ended in a terminal state.

    Args:
        agent: the agent to evaluate; its mode is EVAL afterwards.
        env: a `ble_env.BalloonEnv`, or an environment whose info has the same keys, wrapped or not.
        eval_suite: which seeds to fly, and for how long.
        render_period: with an environment that renders, every how many steps it does, from the first on.
        calculate_flight_path: whether the results hold the path.
        agent_seed: seed of the agent's own randomness, not negative. If given, the agent is reseeded at every
            episode from this number and the episode's seed, which makes an episode the same whatever was
            flown before it. If None, the agent's random stream runs on from one episode to the next.
        on_episode: called with each result as soon as it is there.

    Returns:
        The results in the order of the suite's seeds.

    Raises:
        ValueError: the suite is not valid, or the environment's info lacks a key.
    """
    suite = dataclasses.replace(eval_suite)  # checks anew what the caller may have changed
    agent.set_mode(AgentMode.EVAL)
    render_period = render_period if env.render_mode is not None else 0
    results = []
    for seed in suite.seeds:
        if agent_seed is not None:
            agent.reseed(_mixed(agent_seed, seed))
        result = _fly(agent, env, seed, suite.max_episode_length, render_period, calculate_flight_path)
        results.append(result)
        if on_episode is not None:
            on_episode(result)
    return results


def _mixed(agent_seed: int, episode_seed: int) -> int:
    return int(np.random.SeedSequence([agent_seed, episode_seed]).generate_state(1)[0])


def _fly(
    agent: Agent,
    env: "gymnasium.Env[Any, Any]",
    seed: int,
    max_steps: int,
    render_period: int,
    keep_path: bool,
) -> EvaluationResult:
    """One flight; a `render_period` of 0 never renders."""
    observation, _ = env.reset(seed=seed)
    action = agent.begin_episode(observation)
    cumulative_reward = 0.0
    steps = steps_inside = 0
    path: list[FlightPathPoint] = []
    while True:
        observation, reward, terminated, truncated, info = env.step(action)
        reward = float(reward)
        action = agent.step(reward, observation)
        cumulative_reward += reward
        steps_inside += bool(_entry(info, "inside_radius"))
        if keep_path:
            path.append(_point(info))
        if render_period and steps % render_period == 0:
            env.render()
        steps += 1
        if terminated or truncated or steps == max_steps:
            break
    agent.end_episode(reward, terminated)
    return EvaluationResult(
        seed=seed,
        cumulative_reward=cumulative_reward,
        time_within_radius=steps_inside / steps,
        **{failure: bool(info.get(failure, False)) for failure in FAILURES},
        final_timestep=steps,
        flight_path=tuple(path),
    )


def _point(info: Mapping[str, Any]) -> FlightPathPoint:
    return FlightPathPoint(
        x=float(_entry(info, "x")) / 1000,
        y=float(_entry(info, "y")) / 1000,
        pressure=float(_entry(info, "pressure")),
        superpressure=float(_entry(info, "superpressure")),
        elapsed_seconds=_entry(info, "time_elapsed").total_seconds(),
        power=float(_entry(info, "battery")),
    )


def _entry(info: Mapping[str, Any], key: str) -> Any:
    if key not in info:
        raise ValueError(
            f"The environment's info has no {key!r}, one of the keys of ble_env.BalloonEnv that are needed."
        )
    return info[key]
