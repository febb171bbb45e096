"""Training in which environments and learning are one compiled program, for accelerators.

The counterpart of `ble_train.loops.lanes.run_lane_training_loop` for PPO: the same files and records. Here the host
sees the end of each episode and not its steps, so that collectors receive iterations only.
"""

import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ble_env import BalloonGymnaxEnv
from ble_env.checks import check_counts
from ble_sim.constants import EPISODE_STEPS
from ble_sim.seeds import check_seed
from ble_train.algorithms.compiled_ppo import FlownSteps
from ble_train.algorithms.ppo_agent import PpoAgent
from ble_train.checkpointed_agent import State
from ble_train.collectors.collector import Collector
from ble_train.collectors.dispatcher import CollectorDispatcher
from ble_train.loops.iterations import train_in_iterations
from ble_train.loops.records import EpisodeRecord, IterationLog, IterationRecord
from ble_train.loops.runs import RunLength, StartPoint
from ble_train.loops.unfinished import DEFAULT_MINUTES


def run_compiled_training_loop(
    base_dir: str | os.PathLike[str],
    env: BalloonGymnaxEnv,
    agent: PpoAgent,
    num_iterations: int | None,
    collector_constructors: Iterable[Callable[[str | None, int, int], Collector]],
    *,
    num_envs: int,
    num_steps: int | None = None,
    num_hours: float | None = None,
    max_episode_length: int = EPISODE_STEPS,
    episodes_per_iteration: int = 50,
    seed: int,
    checkpoint_minutes: float = DEFAULT_MINUTES,
    should_stop: Callable[[], bool] = lambda: False,
    on_start: Callable[[StartPoint], None] = lambda start: None,
    on_episode: Callable[[EpisodeRecord], None] = lambda record: None,
    on_iteration: Callable[[IterationRecord], None] = lambda record: None,
) -> bool:
    """Trains PPO in float32, with as many environments as the device's memory holds.

    A run that was stopped continues after the newest checkpoint that is not damaged, in new episodes. An environment
    takes 0.4 MB for its episode and its state, and some 14 kB for each step of a rollout. The episodes are not those of
    `run_lane_training_loop`: they are drawn from a pool whose keys follow from `seed`.

    Args:
        base_dir: the run's folder, made where it is missing.
        env: the environment.
        agent: the learner; its mode is TRAIN afterwards.
        num_iterations, collector_constructors, num_steps, num_hours: as `run_lane_training_loop` takes them. Of a
            collector's hooks only those of the training and of iterations are called.
        num_envs: environments flown side by side. The first episode of environment i of n is cut off after (i + 1) / n
            of its time.
        max_episode_length: time limit of an episode in steps.
        episodes_per_iteration: times the time limit is the number of steps of an iteration, rounded up to whole
            rollouts of all environments.
        seed: of the episodes.
        checkpoint_minutes, on_start, on_episode, on_iteration: as `run_lane_training_loop` takes them.
        should_stop: asked after each rollout; the run stops if it is true, once the iteration in progress is kept.

    Returns:
        Whether the run is over; False if it was stopped.

    Raises:
        ValueError: a number is below 1, the seed is not one of 64 bits, or a file of the run is damaged.
        CheckpointError: the checkpoints are of something else, or all damaged.
        NotADirectoryError: `base_dir` is a file.
        OSError: a file cannot be written.
    """
    run_length = RunLength(num_iterations, num_steps, num_hours)
    check_counts(
        num_envs=num_envs, max_episode_length=max_episode_length, episodes_per_iteration=episodes_per_iteration
    )
    steps_per_round = num_envs * agent.options.rollout_steps
    rounds = -(-episodes_per_iteration * max_episode_length // steps_per_round)
    return train_in_iterations(
        base_dir,
        _CompiledFlights(env, agent, num_envs, max_episode_length, check_seed(seed)),
        agent,
        run_length,
        collector_constructors,
        num_actions=env.num_actions,
        advances_per_iteration=rounds,
        steps_per_iteration=rounds * steps_per_round,
        checkpoint_minutes=checkpoint_minutes,
        should_stop=should_stop,
        on_start=on_start,
        on_episode=on_episode,
        on_iteration=on_iteration,
    )


class _CompiledFlights:
    """Environments on the device, flown a rollout at a time: `Flights`."""

    def __init__(self, env: BalloonGymnaxEnv, agent: PpoAgent, num_envs: int, limit: int, seed: int) -> None:
        self._env = env
        self._agent = agent
        self._num_envs = num_envs
        self._limit = limit
        self._seed = seed
        self._place: Sequence[int] = []
        self._lanes = None

    def working_parts(self) -> State:
        """Nothing: a run continues in new episodes."""
        return {}

    def resume(self, parts: State, place: Sequence[int]) -> None:
        """Begin new episodes that depend on the place in the run."""
        self._place = place

    def advance(self, log: IterationLog, iteration: int, dispatcher: CollectorDispatcher) -> list[EpisodeRecord]:
        """Fly a rollout in all environments and learn from it."""
        if self._lanes is None:
            seed = int(np.random.SeedSequence([self._seed, *self._place]).generate_state(1)[0])
            self._lanes = self._agent.begin_compiled(self._env, self._num_envs, seed, self._limit)
        self._lanes, flown = self._agent.fly_and_learn(self._env, self._lanes)
        return _records(flown, log, iteration)


def _records(flown: FlownSteps, log: IterationLog, iteration: int) -> list[EpisodeRecord]:
    """The episodes that ended, in the order of their ends; the log counts them and the steps.

    A step counts as one of its episode if it did not begin the next one: the length is 0 there.
    """
    num_steps = np.count_nonzero(flown.totals.length, axis=1).cumsum()
    records = []
    for step, lane in np.argwhere(flown.has_ended):
        length = int(flown.totals.length[step, lane])
        records.append(
            EpisodeRecord(
                iteration=iteration,
                episode=log.num_episodes,
                reward=float(flown.totals.reward[step, lane]),
                length=length,
                terminal=bool(flown.terminated[step, lane]),
                twr50=int(flown.totals.steps_inside[step, lane]) / length,
                env_steps=log.env_steps + int(num_steps[step]),
            )
        )
        log.num_episodes += 1
    log.env_steps += int(num_steps[-1])
    return records
