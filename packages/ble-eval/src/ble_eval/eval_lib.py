"""Flying an agent through the episodes of a suite."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ble_agents import Agent, AgentMode
from ble_eval.results.records import FAILURES, EvaluationResult, FlightPathPoint
from ble_eval.suites.suite import EvaluationSuite

if TYPE_CHECKING:
    import gymnasium

    from ble_env import BalloonEnv


def eval_agent(
    agent: Agent,
    env: "gymnasium.Env[Any, Any]",
    eval_suite: EvaluationSuite,
    *,
    render_period: int = 10,
    calculate_flight_path: bool = True,
    agent_seed: int = 0,
    on_episode: Callable[[EvaluationResult], None] = lambda result: None,
    on_steps: Callable[[int, int], None] = lambda steps, inside: None,
) -> list[EvaluationResult]:
    """Flies one episode for each seed of the suite, with the agent in evaluation mode.

    An agent that offers its policy as pure functions (`Agent.policy`) flies many episodes side by side on all
    cores, if the environment is a `BalloonEnv` that neither renders nor is wrapped in anything that changes it.

    Any other flies them one by one: after every step of the environment, the last included, the agent is stepped with
    what came of it, so an agent that learns sees every reward; its last answer is not flown. Then `end_episode` says
    whether the flight ended in a terminal state.

    Args:
        agent: the agent to evaluate; its mode is EVAL afterwards.
        env: a `ble_env.BalloonEnv`, or an environment whose info has the same keys, wrapped or not.
        eval_suite: which seeds to fly, and for how long.
        render_period: with an environment that renders, every how many steps it does, from the first on. One with a
            window shows itself, and has a period of its own.
        calculate_flight_path: whether the results hold the path.
        agent_seed: seed of the agent's own randomness, not negative. The agent is reseeded at every episode from this
            number and the episode's seed, which makes an episode the same whatever is flown before or beside it.
        on_episode: called with each result as soon as it is there, in the order in which they are finished.
        on_steps: called now and then with the number of steps flown since the last call, and how many of them ended
            within the radius.

    Returns:
        The results in the order of the suite's seeds.

    Raises:
        ValueError: the suite is not valid, or the environment's info lacks a key.
    """
    suite = dataclasses.replace(eval_suite)  # checks anew what the caller may have changed
    agent.set_mode(AgentMode.EVAL)
    agent_seeds = [_mixed(agent_seed, seed) for seed in suite.seeds]
    policy, plain = agent.policy(), _plain_balloon_env(env, suite.max_episode_length)
    if policy is not None and plain is not None:
        from ble_eval.lockstep import fly_in_lockstep

        balloon_env, max_steps = plain
        flown = fly_in_lockstep(
            policy,
            balloon_env.task,
            balloon_env.vehicle,
            balloon_env.precision,
            suite.seeds,
            max_steps,
            agent_seeds=agent_seeds,
            keep_paths=calculate_flight_path,
            device=balloon_env.device,
            on_steps=on_steps,
        )
    else:
        render_period = render_period if env.render_mode not in (None, "human") else 0
        flown = (
            _fly(agent, env, seed, own_seed, suite.max_episode_length, render_period, calculate_flight_path, on_steps)
            for seed, own_seed in zip(suite.seeds, agent_seeds, strict=True)
        )
    results = {}
    for result in flown:
        results[result.seed] = result
        on_episode(result)
    return [results[seed] for seed in suite.seeds]


def _plain_balloon_env(env: "gymnasium.Env[Any, Any]", max_steps: int) -> "tuple[BalloonEnv, int] | None":
    """The `BalloonEnv` within, and its longest episode; None if the environment has to be stepped itself."""
    from gymnasium import Wrapper
    from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

    from ble_env import BalloonEnv

    # Exactly these types: a subclass may change what a step does.
    if type(env.unwrapped) is not BalloonEnv or env.render_mode is not None:
        return None
    limits = [max_steps, env.unwrapped.max_episode_steps]
    layer = env
    while isinstance(layer, Wrapper) and type(layer) in (OrderEnforcing, PassiveEnvChecker, TimeLimit):
        if type(layer) is TimeLimit:
            if layer.spec is None:
                return None
            limits.append(layer.spec.max_episode_steps)
        layer = layer.env
    if layer is not env.unwrapped:
        return None
    return env.unwrapped, min(limit for limit in limits if limit is not None)


def _mixed(agent_seed: int, episode_seed: int) -> int:
    return int(np.random.SeedSequence([agent_seed, episode_seed]).generate_state(1)[0])


def _fly(
    agent: Agent,
    env: "gymnasium.Env[Any, Any]",
    seed: int,
    agent_seed: int,
    max_steps: int,
    render_period: int,
    keep_path: bool,
    on_steps: Callable[[int, int], None],
) -> EvaluationResult:
    """One flight; a `render_period` of 0 never renders."""
    agent.reseed(agent_seed)
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
    on_steps(steps, steps_inside)
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
