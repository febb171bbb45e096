"""The classic training loop: one agent in one environment, episode by episode."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import gymnasium

from ble_agents import Agent, AgentMode
from ble_agents.flying import EpisodeStep, fly_episode
from ble_eval.trained import CHECKPOINTS_FOLDER
from ble_sim.seeds import check_seed, mixed_seed
from ble_train.collectors.collector import Collector
from ble_train.collectors.dispatcher import CollectorDispatcher
from ble_train.collectors.statistics_instance import StatisticsInstance
from ble_train.learner import Learner
from ble_train.loops.records import EpisodeRecord, IterationLog, IterationRecord
from ble_train.loops.runs import TRAINING_SEEDS, RunLength, check_counts, number_of_actions, prepare_run_folder


def run_training_loop(
    base_dir: str | os.PathLike[str],
    env: "gymnasium.Env[Any, Any]",
    agent: Agent,
    num_iterations: int | None,
    max_episode_length: int,
    collector_constructors: Iterable[Callable[[str | None, int, int], Collector]],
    *,
    num_steps: int | None = None,
    render_period: int = 10,
    episodes_per_iteration: int = 50,
    seed: int | None = None,
    on_episode: Callable[[EpisodeRecord], None] = lambda record: None,
    on_iteration: Callable[[IterationRecord], None] = lambda record: None,
) -> None:
    """Trains an agent for iterations of episodes, with a checkpoint after each iteration.

    A run that was stopped continues after the newest checkpoint that the agent finds. Everything is kept in `base_dir`:
    checkpoints/ by the agent, metrics/ by the collectors, and iterations.jsonl with an `IterationRecord` a line.

    An episode ends at a terminal state, or at a time limit: `max_episode_length` or the environment's own. `Agent`
    states how the agent is called then.

    Args:
        base_dir: the run's folder, made where it is missing.
        env: the environment; its actions are discrete.
        agent: the agent; its mode is TRAIN afterwards.
        num_iterations: number of iterations of the run in all, those of earlier processes included; None with
            `num_steps`.
        max_episode_length: time limit of an episode in steps.
        collector_constructors: make the collectors, see `CollectorDispatcher`.
        num_steps: in place of `num_iterations`: the run ends after the first iteration with so many environment steps
            in all.
        render_period: steps from one rendering to the next, beginning with the first, in an environment with a render
            mode. One with a window draws itself.
        episodes_per_iteration: the same in all processes of a run, since episodes are numbered by it.
        seed: of the episodes. Each iteration begins with a reset to a seed made from this one and the iteration's
            number, so that a resumed run has the episodes of one that was never stopped. None leaves them to the
            environment.
        on_episode: called with each finished episode.
        on_iteration: called with each finished iteration, once its checkpoint is written.

    Raises:
        ValueError: a number is below 1, the seed is not one of 32 bits, the environment's actions are not discrete, or
            iterations.jsonl is damaged.
        NotADirectoryError: `base_dir` is a file.
        OSError: a file cannot be written.
    """
    run_length = RunLength(num_iterations, num_steps)
    check_counts(
        max_episode_length=max_episode_length,
        render_period=render_period,
        episodes_per_iteration=episodes_per_iteration,
    )
    seed = None if seed is None else check_seed(seed)
    num_actions = number_of_actions(env.action_space)
    base_dir = prepare_run_folder(base_dir)
    checkpoint_dir = str(base_dir / CHECKPOINTS_FOLDER)
    if isinstance(agent, Learner):
        agent.plan(run_length.total_steps(episodes_per_iteration * max_episode_length))
    first_iteration = agent.reload_latest_checkpoint(checkpoint_dir) + 1
    log = IterationLog(base_dir / "iterations.jsonl", first_iteration)
    first_episode = first_iteration * episodes_per_iteration
    dispatcher = CollectorDispatcher(str(base_dir), num_actions, collector_constructors, first_episode)
    agent.set_mode(AgentMode.TRAIN)

    writer = dispatcher.get_summary_writer()
    agent.set_summary_writer(writer)

    def collect(step: EpisodeStep) -> None:
        dispatcher.step(StatisticsInstance(step.step, step.action, step.reward, step.terminated))

    def run_episode(iteration: int, index: int) -> EpisodeRecord:
        nonlocal writer
        dispatcher.begin_episode()
        episode = fly_episode(
            agent,
            env,
            seed=iteration_seed(seed, iteration) if seed is not None and index == 0 else None,
            max_steps=max_episode_length,
            on_step=collect,
            render_period=render_period,
        )
        last = episode.last
        dispatcher.end_episode(StatisticsInstance(episode.length, last.action, last.reward, last.terminated))
        if dispatcher.get_summary_writer() is not writer:  # Its collector has failed; the agent would, too.
            writer = dispatcher.get_summary_writer()
            agent.set_summary_writer(writer)
        log.env_steps += episode.length
        return EpisodeRecord(
            iteration=iteration,
            episode=iteration * episodes_per_iteration + index,
            reward=episode.reward,
            length=episode.length,
            terminal=last.terminated,
            twr50=None if episode.steps_inside is None else episode.steps_inside / episode.length,
            env_steps=log.env_steps,
        )

    try:
        dispatcher.pre_training()
        for iteration in run_length.remaining(first_iteration, log):
            episodes = []
            for index in range(episodes_per_iteration):
                episodes.append(run_episode(iteration, index))
                on_episode(episodes[-1])
            agent.save_checkpoint(checkpoint_dir, iteration)
            on_iteration(log.append(iteration, (iteration + 1) * episodes_per_iteration, episodes))
    finally:
        dispatcher.end_training()


def iteration_seed(seed: int, iteration: int) -> int:
    """The seed of an iteration's first reset: 32 bits mixed from both, from `TRAINING_SEEDS` on."""
    return TRAINING_SEEDS | mixed_seed(seed, iteration)
