"""Evaluation of an agent in the episodes of a suite."""

import dataclasses
import datetime
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

from ble_agents import (
    Agent,
    AgentMode,
    BatchPolicy,
    BatchPolicyAgent,
    EpisodeStep,
    EpisodeWatcher,
    FlownEpisode,
    fly_episode,
    fly_in_batches,
    fly_side_by_side,
    fly_with_views,
)
from ble_agents.flying.chunks import devices_that_fly
from ble_agents.flying.tiles import ACCELERATOR_TILE_SIZE, REPORT_PERIOD, TILE_SIZE
from ble_env import BalloonEnv, InformationTrack, Task
from ble_env.host.devices import Device
from ble_eval.results.flight_path import FlightPath
from ble_eval.results.records import FAILURES, EvaluationResult
from ble_eval.suites.suite import EvaluationSuite
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.seeds import mixed_seed
from ble_sim.state import BalloonStatus


def eval_agent(
    agent: Agent | BatchPolicy,
    env: "gymnasium.Env[Any, Any]",
    eval_suite: EvaluationSuite,
    *,
    render_period: int = 10,
    calculate_flight_path: bool = True,
    agent_seed: int = 0,
    on_episode: Callable[[EvaluationResult], None] = lambda result: None,
    on_steps: Callable[[int, int], None] = lambda steps, inside: None,
    watcher: EpisodeWatcher | None = None,
    tile_size: int | None = None,
) -> list[EvaluationResult]:
    """Flies one episode for each seed of the suite, with the agent in evaluation mode.

    An agent with a policy (`Agent.policy` or `Agent.batch_policy`; `Agent.view_policy` on the information tracks that
    see more than the observation) flies many episodes side by side on all cores, if the environment is a `BalloonEnv`
    that neither renders nor is wrapped in anything that changes it. Any other flies them one by one, by the protocol
    that `Agent` states.

    Args:
        agent: the agent; its mode is EVAL afterwards. Or a `BatchPolicy`: any function from a batch of observations to
            a batch of actions, such as a network of torch.
        env: a `ble_env.BalloonEnv`, or an environment whose info has the same keys, wrapped or not.
        eval_suite: seeds and time limit of the episodes.
        render_period: steps from one rendering to the next, beginning with the first, in an environment with a render
            mode. One with a window draws itself.
        calculate_flight_path: whether the results hold the path.
        agent_seed: seed of the agent's own randomness, not negative. The agent is reseeded for each episode from this
            number and the episode's seed, so that no episode depends on the others. A batch policy is not seeded.
        on_episode: called with each result as soon as its episode is finished.
        on_steps: called now and then with the number of steps since the last call, and the number of those that ended
            within the radius.
        watcher: sees every step of the episodes. The steps are the same without it.
        tile_size: episodes in one compiled step when they are flown side by side, at most the agent's `max_lanes` or
            `max_accelerator_lanes`; None for 64 on a processor and 1024 on an accelerator. Rounding differs between
            sizes.

    Returns:
        The results in the order of the suite's seeds.

    Raises:
        ValueError: the suite is not valid, the environment's info lacks a key, or a batch policy cannot fly it.
        ActionError: the agent returned something that is no action; a ValueError.
        InformationError: the agent used what its information track withholds, or the environment has no views.
        TypeError: `agent` is neither an agent nor a function, or `env` is a vector of environments.
    """
    suite = dataclasses.replace(eval_suite)  # Checks the values anew: the caller may have changed them.
    agent = _as_agent(agent, env)
    agent.set_mode(AgentMode.EVAL)
    agent_seeds = [mixed_seed(agent_seed, seed) for seed in suite.seeds]
    plain = _plain_balloon_env(env, suite.max_episode_length)
    flown = None
    if plain is not None:
        balloon_env, max_steps = plain
        flight = balloon_env.task, balloon_env.vehicle, balloon_env.precision, suite.seeds, max_steps
        common: Any = {
            "device": balloon_env.device,
            "on_steps": on_steps,
            "watcher": watcher,
            "tile_size": _tile_size(agent, balloon_env.device, tile_size),
        }
        if agent.information_track != InformationTrack.OBSERVATION:
            flown = _fly_with_views(agent, *flight, **common)
        elif (policy := agent.policy()) is not None:
            flown = fly_side_by_side(policy, *flight, agent_seeds=agent_seeds, **common)
        elif (batch_policy := agent.batch_policy()) is not None:
            flown = fly_in_batches(batch_policy, *flight, **common)
    if flown is not None:
        episodes = (_result(episode, calculate_flight_path) for episode in flown)
    else:
        episodes = (
            _fly_alone(
                agent,
                env,
                seed,
                own_seed,
                suite.max_episode_length,
                render_period,
                calculate_flight_path,
                on_steps,
                watcher or EpisodeWatcher(),
            )
            for seed, own_seed in zip(suite.seeds, agent_seeds, strict=True)
        )
    results = {}
    for result in episodes:
        results[result.seed] = result
        on_episode(result)
    return [results[seed] for seed in suite.seeds]


def _tile_size(agent: Agent, device: Device | None, wished: int | None) -> int:
    """Lanes of a compiled step with an agent on a device."""
    if devices_that_fly(device)[0].platform == "cpu":
        size, bound = wished or TILE_SIZE, agent.max_lanes
    else:
        size, bound = wished or ACCELERATOR_TILE_SIZE, agent.max_accelerator_lanes
    return min(size, bound or size)


def _fly_with_views(
    agent: Agent,
    task: Task,
    vehicle: Vehicle,
    precision: str,
    seeds: Sequence[int],
    max_steps: int,
    **options: Any,
) -> Iterator[FlownEpisode] | None:
    """The flights of an agent that has a `ViewPolicy`; None if it has none."""
    if type(agent).view_policy is Agent.view_policy:
        return None
    make_policy: Any = functools.partial(agent.view_policy, task)
    flight = task, vehicle, precision, seeds, max_steps
    return fly_with_views(make_policy, *flight, track=agent.information_track, **options)


def _as_agent(agent: Agent | BatchPolicy, env: "gymnasium.Env[Any, Any]") -> Agent:
    """The agent itself, or the one that follows a batch policy."""
    if isinstance(env, gymnasium.vector.VectorEnv):
        raise TypeError("eval_agent takes one environment and flies many of its episodes at once: give a BalloonEnv.")
    if isinstance(agent, Agent):
        return agent
    if not callable(agent):
        kind = type(agent).__name__
        raise TypeError(
            f"eval_agent takes a ble_agents.Agent, or a function from observations to actions in batches, not a {kind}."
            " For a model of Stable-Baselines3 give ble_agents.sb3.Sb3Policy(model)."
        )
    actions = env.action_space
    if not isinstance(actions, gymnasium.spaces.Discrete) or actions.start != 0:
        raise ValueError(f"A batch policy flies environments with actions 0, 1, ..., not {actions}.")
    return BatchPolicyAgent(int(actions.n), env.observation_space.shape or (), agent)


def _plain_balloon_env(env: "gymnasium.Env[Any, Any]", max_steps: int) -> tuple[BalloonEnv, int] | None:
    """The `BalloonEnv` within and its time limit; None if a wrapper or subclass may change a step."""
    if type(env.unwrapped) is not BalloonEnv or env.render_mode is not None:
        return None
    limits = [max_steps, env.unwrapped.max_episode_steps]
    layer = env
    while isinstance(layer, gymnasium.Wrapper) and type(layer) in (OrderEnforcing, PassiveEnvChecker, TimeLimit):
        if type(layer) is TimeLimit:
            if layer.spec is None:
                return None
            limits.append(layer.spec.max_episode_steps)
        layer = layer.env
    if layer is not env.unwrapped:
        return None
    return env.unwrapped, min(limit for limit in limits if limit is not None)


def _result(episode: FlownEpisode, keep_path: bool) -> EvaluationResult:
    flown, length = episode.diagnostics, len(episode.rewards)
    last_status = flown.status[-1]
    return EvaluationResult(
        seed=episode.seed,
        cumulative_reward=sum(episode.rewards.tolist()),
        time_within_radius=int(flown.inside_radius.sum()) / length,
        out_of_power=bool(last_status == BalloonStatus.OUT_OF_POWER),
        envelope_burst=bool(last_status == BalloonStatus.BURST),
        zeropressure=bool(last_status == BalloonStatus.ZEROPRESSURE),
        final_timestep=length,
        flight_path=_path(vars(flown), flown.elapsed, episode.rewards) if keep_path else FlightPath(),
    )


def _fly_alone(
    agent: Agent,
    env: "gymnasium.Env[Any, Any]",
    seed: int,
    agent_seed: int,
    max_steps: int,
    render_period: int,
    keep_path: bool,
    on_steps: Callable[[int, int], None],
    watcher: EpisodeWatcher,
) -> EvaluationResult:
    base: Any = env.unwrapped  # A `BalloonEnv` has snapshots.
    steps: list[_Measured] = []
    unreported = [0, 0]

    def keep(step: EpisodeStep) -> None:
        inside = bool(_entry(step.info, "inside_radius"))
        if keep_path:
            steps.append(_measured(step))
        unreported[:] = unreported[0] + 1, unreported[1] + inside
        if unreported[0] == REPORT_PERIOD or step.terminated or step.truncated:
            on_steps(*unreported)
            unreported[:] = 0, 0
        watcher.step(seed, step, lambda: base.get_snapshot())

    agent.reseed(agent_seed)
    episode = fly_episode(
        agent,
        env,
        seed=seed,
        max_steps=max_steps,
        on_start=lambda info: watcher.begin(seed, info, lambda: base.get_snapshot()),
        on_step=keep,
        render_period=render_period,
    )
    steps_inside = episode.steps_inside or 0
    return EvaluationResult(
        seed=seed,
        cumulative_reward=episode.reward,
        time_within_radius=steps_inside / episode.length,
        **{failure: bool(episode.last.info.get(failure, False)) for failure in FAILURES},
        final_timestep=episode.length,
        flight_path=_path_of_steps(steps),
    )


_IN_EVERY_INFO = ("x", "y", "pressure", "superpressure", "battery")
_IN_SOME_INFOS = ("lowest_pressure", "highest_pressure", "effective_action")


class _Measured(NamedTuple):
    """What a path keeps of a step."""

    info: dict[str, float]
    elapsed: float
    reward: float


def _measured(step: EpisodeStep) -> _Measured:
    info = {name: float(_entry(step.info, name)) for name in _IN_EVERY_INFO}
    info |= {name: float(step.info[name]) for name in _IN_SOME_INFOS if name in step.info}
    return _Measured(info, _seconds(_entry(step.info, "time_elapsed")), step.reward)


def _path_of_steps(steps: Sequence[_Measured]) -> FlightPath:
    if not steps:
        return FlightPath()
    columns = {name: np.array([step.info[name] for step in steps]) for name in steps[0].info}
    return _path(columns, [step.elapsed for step in steps], [step.reward for step in steps])


def _path(columns: Mapping[str, Any], elapsed: Any, rewards: Any) -> FlightPath:
    """The path of an episode.

    Args:
        columns: arrays [steps], by the keys of info.
        elapsed: s, [steps].
        rewards: [steps].
    """
    path = {
        "x": columns["x"] / 1000,
        "y": columns["y"] / 1000,
        "pressure": columns["pressure"],
        "superpressure": columns["superpressure"],
        "elapsed_seconds": elapsed,
        "power": columns["battery"],
        "reward": rewards,
        **{name: columns[name] for name in _IN_SOME_INFOS if name in columns},
    }
    return FlightPath(**{name: np.array(column, np.float64) for name, column in path.items()})


def _seconds(duration: Any) -> float:
    """Of a number of seconds, or of a duration as the original's environments give it."""
    return duration.total_seconds() if isinstance(duration, datetime.timedelta) else float(duration)


def _entry(info: Mapping[str, Any], key: str) -> Any:
    if key not in info:
        raise ValueError(
            f"The environment's info has no {key!r}, one of the keys of ble_env.BalloonEnv that are needed."
        )
    return info[key]
