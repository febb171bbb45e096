"""The classic training loop: one agent in one environment, step by step."""

import dataclasses
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from ble_agents import Agent, AgentMode
from ble_sim.seeds import check_seed
from ble_train.collectors.collector import Collector
from ble_train.collectors.dispatcher import CollectorDispatcher
from ble_train.collectors.statistics_instance import StatisticsInstance
from ble_train.loops.records import EpisodeRecord, IterationLog, IterationRecord

TRAINING_SEEDS = 2**31
"""The seeds of training resets begin here; those of the built-in evaluation suites are far below."""


def run_training_loop(
    base_dir: str | os.PathLike[str],
    env: "gymnasium.Env[Any, Any]",
    agent: Agent,
    num_iterations: int,
    max_episode_length: int,
    collector_constructors: Iterable[Callable[[str | None, int, int], Collector]],
    *,
    render_period: int = 10,
    episodes_per_iteration: int = 50,
    seed: int | None = None,
    on_episode: Callable[[EpisodeRecord], None] = lambda record: None,
    on_iteration: Callable[[IterationRecord], None] = lambda record: None,
) -> None:
    """Trains an agent for iterations of episodes, with a checkpoint after each iteration.

    A run that was stopped goes on after the newest checkpoint that the agent finds. Everything is kept in `base_dir`:
    checkpoints/ by the agent, metrics/ by the collectors, and iterations.jsonl with an `IterationRecord` a line.

    An episode ends at a terminal state, or at a time limit, `max_episode_length` or the environment's own. At a time
    limit the agent is stepped with the last observation before `end_episode`, and its answer is not flown; at a
    terminal state it is not, since nothing comes after.

    Args:
        base_dir: the run's folder, made where need be.
        env: the environment; its actions are discrete.
        agent: the agent; its mode is TRAIN afterwards.
        num_iterations: how many iterations the run has in all, those of earlier processes included.
        max_episode_length: steps after which an episode ends.
        collector_constructors: make the collectors, see `CollectorDispatcher`.
        render_period: with an environment that renders, every how many steps it does, from the first on. One with a
            window shows itself, and has a period of its own.
        episodes_per_iteration: the same in all processes of a run, since episodes are numbered by it.
        seed: of the episodes: each iteration begins with a reset to a seed that is made from this one and the
            iteration's number, so that a resumed run flies the episodes that it would have flown. None leaves them
            to the environment.
        on_episode: called with each finished episode.
        on_iteration: called with each finished iteration, once its checkpoint is written.

    Raises:
        ValueError: a number is below 1, the seed is not one of 32 bits, the environment's actions are not discrete, or
            iterations.jsonl is damaged.
        NotADirectoryError: `base_dir` is a file.
        OSError: a file cannot be written.
    """
    check_counts(
        num_iterations=num_iterations,
        max_episode_length=max_episode_length,
        render_period=render_period,
        episodes_per_iteration=episodes_per_iteration,
    )
    seed = None if seed is None else check_seed(seed)
    num_actions = _num_actions(env)
    base_dir = prepare_run_folder(base_dir)
    checkpoint_dir = str(base_dir / "checkpoints")
    first_iteration = agent.reload_latest_checkpoint(checkpoint_dir) + 1
    log = IterationLog(base_dir / "iterations.jsonl", first_iteration)
    first_episode = first_iteration * episodes_per_iteration
    dispatcher = CollectorDispatcher(str(base_dir), num_actions, collector_constructors, first_episode)
    render_period = render_period if env.render_mode not in (None, "human") else 0
    loop = _Loop(env, agent, dispatcher, max_episode_length, render_period)
    agent.set_mode(AgentMode.TRAIN)
    try:
        loop.hand_over_summary_writer()
        dispatcher.pre_training()
        for iteration in range(first_iteration, num_iterations):
            episodes = []
            for index in range(episodes_per_iteration):
                reset_seed = iteration_seed(seed, iteration) if seed is not None and index == 0 else None
                number = iteration * episodes_per_iteration + index
                episodes.append(loop.fly(iteration, number, reset_seed, log))
                on_episode(episodes[-1])
            agent.save_checkpoint(checkpoint_dir, iteration)
            on_iteration(log.append(iteration, (iteration + 1) * episodes_per_iteration, episodes))
    finally:
        dispatcher.end_training()


def iteration_seed(seed: int, iteration: int) -> int:
    """The seed of an iteration's first reset: 32 bits mixed from both, from `TRAINING_SEEDS` on."""
    return TRAINING_SEEDS | int(np.random.SeedSequence([seed, iteration]).generate_state(1)[0])


def check_counts(**counts: int) -> None:
    """Check that all of them are at least 1.

    Raises:
        ValueError: one is not; the message has its name.
    """
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, not {count}.")


def prepare_run_folder(base_dir: str | os.PathLike[str]) -> Path:
    """Make the folder of a run, with one for its checkpoints, where need be.

    Raises:
        NotADirectoryError: there is a file of that name.
        OSError: the folder cannot be made.
    """
    folder = Path(base_dir)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"The folder of the training run, {folder}, is a file. Choose another.")
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    return folder


def _num_actions(env: "gymnasium.Env[Any, Any]") -> int:
    if not isinstance(env.action_space, gymnasium.spaces.Discrete) or env.action_space.start != 0:
        raise ValueError(f"Agents choose among actions counted from 0, but the environment takes {env.action_space}.")
    return int(env.action_space.n)


class _Loop:
    """Flies episodes; a `render_period` of 0 never renders."""

    def __init__(
        self,
        env: "gymnasium.Env[Any, Any]",
        agent: Agent,
        dispatcher: CollectorDispatcher,
        max_episode_length: int,
        render_period: int,
    ) -> None:
        self._env = env
        self._agent = agent
        self._dispatcher = dispatcher
        self._max_episode_length = max_episode_length
        self._render_period = render_period
        self._writer: Any = None

    def hand_over_summary_writer(self) -> None:
        """Give the agent the collectors' writer."""
        self._writer = self._dispatcher.get_summary_writer()
        self._agent.set_summary_writer(self._writer)

    def fly(self, iteration: int, number: int, seed: int | None, log: IterationLog) -> EpisodeRecord:
        """One episode, which the log's steps count."""
        total_reward = 0.0
        steps_inside = 0
        self._dispatcher.begin_episode()
        observation, _ = self._env.reset(seed=seed)
        action = self._agent.begin_episode(observation)
        for step in range(self._max_episode_length):
            observation, reward, terminated, truncated, info = self._env.step(action)
            statistics = StatisticsInstance(step, int(action), float(reward), bool(terminated))
            if self._render_period and step % self._render_period == 0:
                self._env.render()
            self._dispatcher.step(statistics)
            total_reward += statistics.reward
            steps_inside += bool(info.get("inside_radius"))
            if terminated:
                break
            action = self._agent.step(statistics.reward, observation)
            if truncated:
                break
        self._agent.end_episode(statistics.reward, statistics.terminal)
        length = statistics.step + 1
        self._dispatcher.end_episode(dataclasses.replace(statistics, step=length))
        self._take_back_lost_writer()
        log.env_steps += length
        return EpisodeRecord(
            iteration=iteration,
            episode=number,
            reward=total_reward,
            length=length,
            terminal=statistics.terminal,
            twr50=steps_inside / length if "inside_radius" in info else None,
            env_steps=log.env_steps,
        )

    def _take_back_lost_writer(self) -> None:
        # The collector that owned it may have been dropped, for a full disk: the agent would fail as it did.
        if self._dispatcher.get_summary_writer() is not self._writer:
            self.hand_over_summary_writer()
