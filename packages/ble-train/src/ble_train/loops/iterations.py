"""Iterations of the training of a learner in many environments: checkpoints, records, and a run that goes on."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from ble_agents import AgentMode
from ble_eval.trained import CHECKPOINTS_FOLDER
from ble_train.checkpointed_agent import State
from ble_train.checkpoints import Checkpoints, shapes_of
from ble_train.collectors.collector import Collector
from ble_train.collectors.dispatcher import CollectorDispatcher
from ble_train.learner import Learner
from ble_train.loops.records import EpisodeRecord, IterationLog, IterationRecord
from ble_train.loops.runs import RunLength, StartPoint, prepare_run_folder
from ble_train.loops.unfinished import Position, UnfinishedIteration, log_from, reported_damage


class Flights(Protocol):
    """The environments of a run, and how the learner flies them."""

    def working_parts(self) -> State:
        """What a resumed run needs beside what was learned; empty if it begins new episodes."""
        ...

    def resume(self, parts: State, place: Sequence[int]) -> None:
        """Continue a run.

        Args:
            parts: the `working_parts` of its checkpoint, without those that it lacks.
            place: the place in the run, on which new episodes depend.
        """
        ...

    def advance(self, log: IterationLog, iteration: int, dispatcher: CollectorDispatcher) -> list[EpisodeRecord]:
        """Fly on, and learn: the smallest part of an iteration.

        Args:
            log: its counts of steps and episodes are raised.
            iteration: number of the iteration.
            dispatcher: receives the episodes that ended.

        Returns:
            The records of these episodes.
        """
        ...


def train_in_iterations(
    base_dir: str | os.PathLike[str],
    flights: Flights,
    agent: Learner,
    run_length: RunLength,
    collector_constructors: Iterable[Callable[[str | None, int, int], Collector]],
    *,
    num_actions: int,
    advances_per_iteration: int,
    steps_per_iteration: int,
    checkpoint_minutes: float,
    should_stop: Callable[[], bool],
    on_start: Callable[[StartPoint], None],
    on_episode: Callable[[EpisodeRecord], None],
    on_iteration: Callable[[IterationRecord], None],
) -> bool:
    """Train a learner to the end of a run, or until it is stopped.

    Args:
        base_dir: the run's folder, made where it is missing.
        flights: the environments; they have begun.
        agent: the learner; its mode is TRAIN afterwards.
        run_length: when the run is over.
        collector_constructors: make the collectors.
        num_actions: number of the environment's actions.
        advances_per_iteration: how often `flights` advance in an iteration.
        steps_per_iteration: environment steps of an iteration at most.
        checkpoint_minutes: time from one checkpoint within an iteration to the next; 0 for none.
        should_stop: asked after each advance; the run stops if it is true, once the iteration in progress is kept.
        on_start: called before the first step with the place where the run begins.
        on_episode: called with each finished episode.
        on_iteration: called with each finished iteration, once its checkpoint is written.

    Returns:
        Whether the run is over; False if it was stopped.

    Raises:
        CheckpointError: the checkpoints are of something else, or all damaged.
        NotADirectoryError: `base_dir` is a file.
        OSError: a file cannot be written.
        ValueError: a file of the run is damaged.
    """
    base_dir = prepare_run_folder(base_dir)
    checkpoints = Checkpoints(base_dir / CHECKPOINTS_FOLDER)
    agent.set_mode(AgentMode.TRAIN)
    agent.plan(run_length.total_steps(steps_per_iteration))
    unfinished = UnfinishedIteration(base_dir, checkpoint_minutes)
    position, first_iteration, checkpoint = _resume(checkpoints, unfinished, agent, flights)
    log = log_from(base_dir, first_iteration, position)
    dispatcher = CollectorDispatcher(str(base_dir), num_actions, collector_constructors, log.num_episodes)

    def save(folder: Path, iteration: int) -> None:
        Checkpoints(folder).save(iteration, _learned(agent), resuming=flights.working_parts())

    def keep(iteration: int, done: int, episodes: list[EpisodeRecord]) -> None:
        place = Position.of(log, iteration, done, episodes)
        unfinished.save(place, lambda folder: save(folder, iteration))

    try:
        agent.set_summary_writer(dispatcher.get_summary_writer())
        dispatcher.pre_training()
        on_start(run_length.start_point(log, first_iteration, checkpoint, position))
        for iteration in run_length.remaining(first_iteration, log):
            place = position if position is not None and position.iteration == iteration else None
            episodes = list(place.episodes) if place else []
            for done in range(place.done + 1 if place else 1, advances_per_iteration + 1):
                for episode in flights.advance(log, iteration, dispatcher):
                    episodes.append(episode)
                    on_episode(episode)
                if run_length.is_time_over(log.seconds) or done == advances_per_iteration:
                    break
                stops = should_stop()
                if stops or unfinished.is_due():
                    keep(iteration, done, episodes)
                if stops:
                    return False
            agent.set_summary_writer(dispatcher.get_summary_writer())  # Its collector may have been dropped.
            record = log.append(iteration, episodes)
            save(checkpoints.folder, iteration)
            unfinished.clear()
            dispatcher.end_iteration(record)
            on_iteration(record)
            if should_stop():
                return False
    finally:
        dispatcher.end_training()
    return True


def _learned(agent: Learner) -> State:
    """The part of a checkpoint that is kept."""
    return {"agent": agent.learned_state()}


def _resume(
    checkpoints: Checkpoints, unfinished: UnfinishedIteration, agent: Learner, flights: Flights
) -> tuple[Position | None, int, Path | None]:
    """Load what the run continues from.

    Returns:
        The place within an iteration, or None; the iteration that begins or goes on; and the folder, None for a new
        run.
    """
    kept = unfinished.after(checkpoints.folder)
    if kept is not None:
        position, folder = kept
        with reported_damage(folder):
            if _load_latest(Checkpoints(folder), agent, flights, position.done) is not None:
                return position, position.iteration, folder
    newest = _load_latest(checkpoints, agent, flights)
    return (None, 0, None) if newest is None else (None, newest + 1, checkpoints.folder)


def _load_latest(checkpoints: Checkpoints, agent: Learner, flights: Flights, done: int | None = None) -> int | None:
    """Continue from the newest checkpoint; returns its number, or None if there is none.

    Args:
        checkpoints: where to look.
        agent: continues from it.
        flights: continue from it.
        done: advances of the iteration up to the checkpoint; None for the whole iteration.
    """
    learned, working = shapes_of((_learned(agent), flights.working_parts()))
    found = checkpoints.load_latest(learned, resuming=working)
    if found is None:
        return None
    iteration, parts = found
    agent.set_learned_state(parts.pop("agent"))
    flights.resume(parts, [iteration + 1] if done is None else [iteration, done])
    return iteration
