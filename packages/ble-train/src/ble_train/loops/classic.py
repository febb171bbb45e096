"""The classic training loop: one agent in one environment, episode by episode."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gymnasium

from ble_agents import Agent, AgentMode, EpisodeStep, fly_episode
from ble_env.checks import check_counts
from ble_eval.trained import CHECKPOINTS_FOLDER
from ble_sim.seeds import check_seed, mixed_seed
from ble_train.collectors.collector import Collector
from ble_train.collectors.dispatcher import CollectorDispatcher
from ble_train.collectors.statistics_instance import StatisticsInstance
from ble_train.learner import Learner
from ble_train.loops.records import EpisodeRecord, IterationRecord
from ble_train.loops.runs import TRAINING_SEEDS, RunLength, StartPoint, number_of_actions, prepare_run_folder
from ble_train.loops.unfinished import DEFAULT_MINUTES, Position, UnfinishedIteration, log_from, reported_damage


def run_training_loop(
    base_dir: str | os.PathLike[str],
    env: "gymnasium.Env[Any, Any]",
    agent: Agent,
    num_iterations: int | None,
    max_episode_length: int,
    collector_constructors: Iterable[Callable[[str | None, int, int], Collector]],
    *,
    num_steps: int | None = None,
    num_hours: float | None = None,
    render_period: int = 10,
    episodes_per_iteration: int = 50,
    seed: int | None = None,
    checkpoint_minutes: float = DEFAULT_MINUTES,
    should_stop: Callable[[], bool] = lambda: False,
    on_start: Callable[[StartPoint], None] = lambda start: None,
    on_episode: Callable[[EpisodeRecord], None] = lambda record: None,
    on_iteration: Callable[[IterationRecord], None] = lambda record: None,
) -> bool:
    """Trains an agent for iterations of episodes, with a checkpoint after each iteration.

    A run that was stopped continues after the newest checkpoint that the agent finds. Everything is kept in `base_dir`:
    checkpoints/ by the agent, metrics/ by the collectors, and iterations.jsonl with an `IterationRecord` a line. An
    iteration in progress is kept in unfinished/ from time to time, and when the run is stopped.

    An episode ends at a terminal state, or at a time limit: `max_episode_length` or the environment's own. `Agent`
    states how the agent is called then.

    Args:
        base_dir: the run's folder, made where it is missing.
        env: the environment; its actions are discrete.
        agent: the agent; its mode is TRAIN afterwards.
        num_iterations: number of iterations of the run in all, those of earlier processes included; None with
            `num_steps` or `num_hours`.
        max_episode_length: time limit of an episode in steps.
        collector_constructors: make the collectors, see `CollectorDispatcher`.
        num_steps: in place of `num_iterations`: the run ends after the first iteration with so many environment steps
            in all.
        num_hours: in place of `num_iterations`: the run ends after the episode with which it has taken so long in all.
        render_period: steps from one rendering to the next, beginning with the first, in an environment with a render
            mode. One with a window draws itself.
        episodes_per_iteration: episodes from one checkpoint to the next.
        seed: of the episodes. Each iteration begins with a reset to a seed made from this one and the iteration's
            number, so that a resumed run has the episodes of one that was never stopped. Within an iteration that
            holds for environments whose episodes depend on the number of resets since then, as those of ble_env do.
            None leaves them to the environment.
        checkpoint_minutes: time from one checkpoint within an iteration to the next; 0 for none.
        should_stop: asked after each episode; the run stops if it is true, once the iteration in progress is kept.
        on_start: called before the first episode with the place where the run begins.
        on_episode: called with each finished episode.
        on_iteration: called with each finished iteration, once its checkpoint is written.

    Returns:
        Whether the run is over; False if it was stopped.

    Raises:
        ValueError: a number is below 1, the seed is not one of 64 bits, the environment's actions are not discrete, or
            iterations.jsonl is damaged.
        NotADirectoryError: `base_dir` is a file.
        OSError: a file cannot be written.
    """
    run_length = RunLength(num_iterations, num_steps, num_hours)
    check_counts(
        max_episode_length=max_episode_length,
        render_period=render_period,
        episodes_per_iteration=episodes_per_iteration,
    )
    seed = None if seed is None else check_seed(seed)
    num_actions = number_of_actions(env.action_space)
    base_dir = prepare_run_folder(base_dir)
    checkpoint_dir = base_dir / CHECKPOINTS_FOLDER
    if isinstance(agent, Learner):
        agent.plan(run_length.total_steps(episodes_per_iteration * max_episode_length))
    unfinished = UnfinishedIteration(base_dir, checkpoint_minutes)
    position, first_iteration, checkpoint = _resume(agent, checkpoint_dir, unfinished)
    log = log_from(base_dir, first_iteration, position)
    dispatcher = CollectorDispatcher(str(base_dir), num_actions, collector_constructors, log.num_episodes)
    agent.set_mode(AgentMode.TRAIN)

    writer = dispatcher.get_summary_writer()
    agent.set_summary_writer(writer)

    def collect(step: EpisodeStep) -> None:
        dispatcher.step(StatisticsInstance(step.step, step.action, step.reward, step.terminated))

    def run_episode(iteration: int, index: int) -> EpisodeRecord:
        nonlocal writer
        dispatcher.begin_episode(log.env_steps)
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
        log.num_episodes += 1
        return EpisodeRecord(
            iteration=iteration,
            episode=log.num_episodes - 1,
            reward=episode.reward,
            length=episode.length,
            terminal=last.terminated,
            twr50=None if episode.steps_inside is None else episode.steps_inside / episode.length,
            env_steps=log.env_steps,
        )

    def keep(iteration: int, episodes: list[EpisodeRecord]) -> None:
        place = Position.of(log, iteration, len(episodes), episodes)
        unfinished.save(place, lambda folder: agent.save_checkpoint(str(folder), iteration))

    try:
        dispatcher.pre_training()
        on_start(run_length.start_point(log, first_iteration, checkpoint, position))
        for iteration in run_length.remaining(first_iteration, log):
            episodes: list[EpisodeRecord] = []
            if position is not None and position.iteration == iteration:
                episodes.extend(position.episodes)
                if seed is not None:  # Up to the episode that comes next.
                    for index in range(len(episodes)):
                        env.reset(seed=iteration_seed(seed, iteration) if index == 0 else None)
            while len(episodes) < episodes_per_iteration:
                episodes.append(run_episode(iteration, len(episodes)))
                on_episode(episodes[-1])
                if run_length.is_time_over(log.seconds) or len(episodes) == episodes_per_iteration:
                    break
                stops = should_stop()
                if stops or unfinished.is_due():
                    keep(iteration, episodes)
                if stops:
                    return False
            record = log.append(iteration, episodes)
            agent.save_checkpoint(str(checkpoint_dir), iteration)
            unfinished.clear()
            dispatcher.end_iteration(record)
            on_iteration(record)
            if should_stop():
                return False
    finally:
        dispatcher.end_training()
    return True


def _resume(
    agent: Agent, checkpoint_dir: Path, unfinished: UnfinishedIteration
) -> tuple[Position | None, int, Path | None]:
    """Load what the run continues from.

    Returns:
        The place within an iteration, or None; the iteration that begins or goes on; and the folder, None for a new
        run.
    """
    kept = unfinished.after(checkpoint_dir)
    if kept is not None:
        position, folder = kept
        with reported_damage(folder):
            if agent.reload_latest_checkpoint(str(folder)) == position.iteration:
                return position, position.iteration, folder
    newest = agent.reload_latest_checkpoint(str(checkpoint_dir))
    return None, newest + 1, checkpoint_dir if newest >= 0 else None


def iteration_seed(seed: int, iteration: int) -> int:
    """The seed of an iteration's first reset: 32 bits mixed from both, from `TRAINING_SEEDS` on."""
    return TRAINING_SEEDS | mixed_seed(seed, iteration)
