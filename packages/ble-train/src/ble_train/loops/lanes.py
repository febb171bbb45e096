"""Training of a learner in many environments.

The counterpart of `ble_train.loops.classic.run_training_loop` for a `Learner`: the same collectors, files and records.
An iteration ends after a number of steps, in the middle of episodes, and its checkpoint holds the environments that
have a state to keep.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from ble_env import BalloonVectorEnv
from ble_env.checks import check_counts
from ble_sim.seeds import check_seed
from ble_train.checkpointed_agent import State
from ble_train.collectors.collector import Collector
from ble_train.collectors.dispatcher import CollectorDispatcher
from ble_train.collectors.statistics_instance import StatisticsInstance
from ble_train.learner import LaneStep, Learner
from ble_train.loops.iterations import train_in_iterations
from ble_train.loops.records import EpisodeRecord, IterationLog, IterationRecord
from ble_train.loops.runs import TRAINING_SEEDS, RunLength, StartPoint, number_of_actions
from ble_train.loops.unfinished import DEFAULT_MINUTES


def run_lane_training_loop(
    base_dir: str | os.PathLike[str],
    envs: "VectorEnv[Any, Any, Any]",
    agent: Learner,
    num_iterations: int | None,
    collector_constructors: Iterable[Callable[[str | None, int, int], Collector]],
    *,
    num_steps: int | None = None,
    num_hours: float | None = None,
    max_episode_length: int | None = None,
    resets_lanes: bool | None = None,
    episodes_per_iteration: int = 50,
    seed: int,
    checkpoint_minutes: float = DEFAULT_MINUTES,
    should_stop: Callable[[], bool] = lambda: False,
    on_start: Callable[[StartPoint], None] = lambda start: None,
    on_episode: Callable[[EpisodeRecord], None] = lambda record: None,
    on_iteration: Callable[[IterationRecord], None] = lambda record: None,
) -> bool:
    """Trains a learner in all environments, in iterations of `episodes_per_iteration` times the time limit steps.

    A run that was stopped continues after the newest checkpoint that is not damaged. With environments that have
    `get_state` and `set_state`, as `BalloonVectorEnv` has, it equals a run that was never stopped if the learner's
    `working_state` is complete. With others it begins new episodes. The files are those of `run_training_loop`.

    The first episode of environment i of n is cut off after (i + 1) / n of its time, which spreads the environments
    over all times of an episode. Environments that are only reset together keep their first episodes whole.

    Args:
        base_dir: the run's folder, made where it is missing.
        envs: environments with discrete actions and the autoreset mode NEXT_STEP. "inside_radius" in their infos is
            used where it is there.
        agent: the learner; its mode is TRAIN afterwards.
        num_iterations: number of iterations of the run in all, those of earlier processes included; None with
            `num_steps` or `num_hours`.
        collector_constructors: make the collectors, see `CollectorDispatcher`.
        num_steps: in place of `num_iterations`: the run ends after the first iteration with so many environment steps
            in all.
        num_hours: in place of `num_iterations`: the run ends after the step with which it has taken so long in all.
        max_episode_length: time limit of an episode in steps; None for the environments' own `max_episode_steps`.
        resets_lanes: whether `reset` takes a list of seeds and the option "reset_mask"; None if only the environments
            of ble_env and Gymnasium's `SyncVectorEnv` and `AsyncVectorEnv` do.
        episodes_per_iteration: times the time limit is the number of steps of an iteration, rounded up to whole steps
            of all environments.
        seed: of the episodes.
        checkpoint_minutes: time from one checkpoint within an iteration to the next; 0 for none.
        should_stop: asked after each step; the run stops if it is true, once the iteration in progress is kept.
        on_start: called before the first step with the place where the run begins.
        on_episode: called with each finished episode.
        on_iteration: called with each finished iteration, once its checkpoint is written.

    Returns:
        Whether the run is over; False if it was stopped.

    Raises:
        ValueError: a number is below 1, the seed is not one of 64 bits, the environments are of another kind, or a file
            of the run is damaged.
        CheckpointError: the checkpoints are of something else, or all damaged.
        NotADirectoryError: `base_dir` is a file.
        OSError: a file cannot be written.
    """
    run_length = RunLength(num_iterations, num_steps, num_hours)
    if resets_lanes is None:
        resets_lanes = isinstance(envs.unwrapped, BalloonVectorEnv | SyncVectorEnv | AsyncVectorEnv)
    own_limit = _time_limit(envs)
    limit = own_limit if max_episode_length is None else max_episode_length
    if limit is None or envs.metadata.get("autoreset_mode") is not AutoresetMode.NEXT_STEP:
        raise ValueError("The environments need max_episode_steps, and the autoreset mode NEXT_STEP.")
    if not resets_lanes and (own_limit is None or limit < own_limit):
        raise ValueError(f"The environments are only reset together: {limit} steps must be their own time limit.")
    check_counts(episodes_per_iteration=episodes_per_iteration, max_episode_length=limit)
    num_actions = number_of_actions(envs.single_action_space)
    advances = -(-episodes_per_iteration * limit // envs.num_envs)
    agent.start_lanes(envs.num_envs)
    return train_in_iterations(
        base_dir,
        _Lanes(envs, agent, limit, check_seed(seed), resets_lanes=resets_lanes),
        agent,
        run_length,
        collector_constructors,
        num_actions=num_actions,
        advances_per_iteration=advances,
        steps_per_iteration=advances * envs.num_envs,
        checkpoint_minutes=checkpoint_minutes,
        should_stop=should_stop,
        on_start=on_start,
        on_episode=on_episode,
        on_iteration=on_iteration,
    )


def _time_limit(envs: "VectorEnv[Any, Any, Any]") -> int | None:
    """The environments' own time limit, of `BalloonVectorEnv` or from `gymnasium.make_vec`."""
    own = getattr(envs.unwrapped, "max_episode_steps", None)
    if own is not None or envs.spec is None:
        return own
    # `make_vec` leaves a limit that differs from the registered one among the keyword arguments.
    return envs.spec.kwargs.get("max_episode_steps", envs.spec.max_episode_steps)


class _Episodes(NamedTuple):
    """The episodes in progress: arrays that change in place."""

    lengths: np.ndarray
    """int32[lanes], steps so far."""
    steps_inside: np.ndarray
    """int32[lanes], how many of them ended within the radius."""
    actions: np.ndarray
    """int32[steps, lanes]"""
    rewards: np.ndarray
    """float64[steps, lanes]"""
    first_limits: np.ndarray
    """int32[lanes], time limits: shorter ones for the first episodes."""
    is_cut: np.ndarray
    """bool[lanes], whether the loop and not the environment ended the episode. Only a reset begins the next one."""


class _Lanes:
    """The environments, their last transition, and the episodes in progress: `Flights`.

    Attributes:
        transition: what the learner receives next.
        num_episodes: number of episodes that have ended.
    """

    def __init__(
        self, envs: "VectorEnv[Any, Any, Any]", agent: Learner, limit: int, seed: int, *, resets_lanes: bool
    ) -> None:
        number = envs.num_envs
        self._envs: Any = envs
        self._agent = agent
        self._limit = limit
        self._seed = seed
        self._resets_lanes = resets_lanes
        self._has_state = hasattr(envs, "get_state") and hasattr(envs, "set_state")
        self._has_radius = False
        self.num_episodes = 0
        self._episodes = _Episodes(
            lengths=np.zeros(number, np.int32),
            steps_inside=np.zeros(number, np.int32),
            actions=np.zeros((limit, number), np.int32),
            rewards=np.zeros((limit, number), np.float64),
            first_limits=np.zeros(number, np.int32),
            is_cut=np.zeros(number, bool),
        )
        self._begin(_stream_seeds([seed], number))

    def _begin(self, seeds: list[int]) -> None:
        """Begin an episode in every lane."""
        number = self._envs.num_envs
        observation, _ = self._envs.reset(seed=seeds if self._resets_lanes else seeds[0])
        self.transition = LaneStep(
            observation=np.asarray(observation, np.float32),
            reward=np.zeros(number, np.float32),
            terminated=np.zeros(number, bool),
            truncated=np.zeros(number, bool),
            begins=np.ones(number, bool),
        )
        # Cut off at different times, the lanes do not all begin and end together.
        times = np.arange(1, number + 1) if self._resets_lanes else np.full(number, number)
        self._episodes.first_limits[:] = times * self._limit // number

    def advance(self, log: IterationLog, iteration: int, dispatcher: CollectorDispatcher) -> list[EpisodeRecord]:
        """One step of every lane."""
        stepped, ended = self._step(self._agent.step_lanes(self.transition))
        log.env_steps += len(stepped)
        records = [self._collect(lane, iteration, log.env_steps, dispatcher) for lane in ended]
        log.num_episodes = self.num_episodes
        return records

    def _step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step of every lane: the lanes in which it was one of an episode, and those whose episode it ended."""
        lengths, steps_inside, taken, rewards, limits, is_cut = self._episodes
        begins = self.transition.terminated | self.transition.truncated
        observation, reward, terminated, truncated, info = self._envs.step(actions)
        if is_cut.any():
            begun, _ = self._envs.reset(options={"reset_mask": is_cut.copy()})
            observation = np.array(observation)
            observation[is_cut] = np.asarray(begun)[is_cut]
        reward, terminated, truncated = np.asarray(reward), np.asarray(terminated), np.asarray(truncated)
        stepped = np.flatnonzero(~begins)
        limits[begins] = self._limit
        lengths[begins] = steps_inside[begins] = 0
        taken[lengths[stepped], stepped] = actions[stepped]
        rewards[lengths[stepped], stepped] = reward[stepped]
        lengths[stepped] += 1
        self._has_radius = "inside_radius" in info
        if self._has_radius:
            steps_inside += ~begins & info["inside_radius"]
        self.transition = LaneStep(
            observation=np.asarray(observation, np.float32),
            reward=reward.astype(np.float32),
            terminated=terminated & ~begins,
            truncated=~begins & (truncated | (lengths == limits) | (lengths == self._limit)),
            begins=begins,
        )
        is_cut[:] = self.transition.truncated & ~truncated
        return stepped, np.flatnonzero(self.transition.terminated | self.transition.truncated)

    def _collect(self, lane: int, iteration: int, env_steps: int, dispatcher: CollectorDispatcher) -> EpisodeRecord:
        """Pass the episode that has just ended in a lane to the collectors."""
        episodes = self._episodes
        length, terminal = int(episodes.lengths[lane]), bool(self.transition.terminated[lane])
        actions, rewards = episodes.actions[:length, lane].tolist(), episodes.rewards[:length, lane].tolist()
        dispatcher.begin_episode(env_steps - length)
        for step, (action, reward) in enumerate(zip(actions, rewards, strict=True)):
            dispatcher.step(StatisticsInstance(step, action, reward, terminal and step == length - 1))
        dispatcher.end_episode(StatisticsInstance(length, actions[-1], rewards[-1], terminal))
        self.num_episodes += 1
        return EpisodeRecord(
            iteration=iteration,
            episode=self.num_episodes - 1,
            reward=sum(rewards),
            length=length,
            terminal=terminal,
            twr50=int(episodes.steps_inside[lane]) / length if self._has_radius else None,
            env_steps=env_steps,
        )

    def working_parts(self) -> State:
        """The learner's work and the environments; only the number of episodes of those that have no state to keep."""
        state: State = {"num_episodes": np.int64(self.num_episodes)}
        if self._has_state:
            state |= {"envs": self._envs.get_state(), "transition": self.transition, **self._episodes._asdict()}
        return {"agent_work": self._agent.working_state(), "lanes": state}

    def resume(self, parts: State, place: Sequence[int]) -> None:
        """Continue, with new episodes if the environments have no state."""
        if "lanes" not in parts:
            return
        self._agent.set_working_state(parts["agent_work"])
        state = parts["lanes"]
        self.num_episodes = int(state["num_episodes"])
        if not self._has_state:
            self._begin(_stream_seeds([self._seed, *place], self._envs.num_envs))
            return
        self._envs.set_state(state["envs"])
        self.transition = state["transition"]
        self._episodes = _Episodes(**{name: state[name].copy() for name in _Episodes._fields})


def _stream_seeds(entropy: list[int], number: int) -> list[int]:
    """Seeds of the environments' streams of episodes, mixed from `entropy`, from `TRAINING_SEEDS` on."""
    mixed = np.random.SeedSequence(entropy).generate_state(number)
    return [TRAINING_SEEDS | int(one) for one in mixed]
