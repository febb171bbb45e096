"""Training in many environments in lockstep.

The counterpart of `ble_train.loops.classic.run_training_loop` for a `Learner`: the same collectors, files and kinds of
record, but an iteration ends after a number of steps, wherever the episodes are then, and a checkpoint holds them.
"""

import os
from collections.abc import Callable, Iterable

import numpy as np
from gymnasium.vector import AutoresetMode

from ble_agents.agent import AgentMode
from ble_env.gymnasium_envs.vector import BalloonVectorEnv
from ble_sim.balloon.safety import Action
from ble_sim.seeds import check_seed
from ble_train.checkpoints import Checkpoints
from ble_train.collectors.collector import Collector
from ble_train.collectors.dispatcher import CollectorDispatcher
from ble_train.collectors.statistics_instance import StatisticsInstance
from ble_train.learner import LaneStep, Learner, State
from ble_train.loops.classic import TRAINING_SEEDS, check_counts, prepare_run_folder
from ble_train.loops.records import EpisodeRecord, IterationLog, IterationRecord


def run_vector_training_loop(
    base_dir: str | os.PathLike[str],
    envs: BalloonVectorEnv,
    agent: Learner,
    num_iterations: int,
    collector_constructors: Iterable[Callable[[str | None, int, int], Collector]],
    *,
    episodes_per_iteration: int = 50,
    seed: int,
    on_steps: Callable[[int, int], None] = lambda steps, inside: None,
    on_episode: Callable[[EpisodeRecord], None] = lambda record: None,
    on_iteration: Callable[[IterationRecord], None] = lambda record: None,
) -> None:
    """Trains an agent in all environments for iterations of as many steps as their episodes would have at most.

    A run that was stopped goes on after the newest checkpoint that is not damaged, as if it had not been stopped if
    the agent's `working_state` holds all that it needs. Files are those of `run_training_loop`.

    The first episode of environment i of n is cut off after (i + 1) / n of its time, so that the environments are
    spread over all times of an episode from then on.

    Args:
        base_dir: the run's folder, made where need be.
        envs: the environments, with a time limit, and with the autoreset mode NEXT_STEP.
        agent: the agent.
        num_iterations: how many iterations the run has in all, those of earlier processes included.
        collector_constructors: make the collectors, see `CollectorDispatcher`.
        episodes_per_iteration: times the time limit are the steps of an iteration, rounded up to whole steps of all
            environments.
        seed: of the episodes.
        on_steps: called after each step of all environments with their number, and how many are within the radius.
        on_episode: called with each finished episode.
        on_iteration: called with each finished iteration, once its checkpoint is written.

    Raises:
        ValueError: a number is below 1, the seed is not one of 32 bits, or a file of the run is damaged.
        CheckpointError: the checkpoints are of something else, or all damaged.
        NotADirectoryError: `base_dir` is a file.
        OSError: a file cannot be written.
    """
    check_counts(num_iterations=num_iterations, episodes_per_iteration=episodes_per_iteration)
    if envs.max_episode_steps is None or envs.autoreset_mode is not AutoresetMode.NEXT_STEP:
        raise ValueError("The environments need max_episode_steps, and the autoreset mode NEXT_STEP.")
    base_dir = prepare_run_folder(base_dir)
    checkpoints = Checkpoints(base_dir / "checkpoints")
    agent.set_mode(AgentMode.TRAIN)
    agent.start_lanes(envs.num_envs)
    lanes = _Lanes(envs, check_seed(seed))
    first_iteration = _resume(checkpoints, agent, lanes)
    log = IterationLog(base_dir / "iterations.jsonl", first_iteration)
    dispatcher = CollectorDispatcher(str(base_dir), len(Action), collector_constructors, lanes.num_episodes)
    steps_per_iteration = -(-episodes_per_iteration * envs.max_episode_steps // envs.num_envs)
    try:
        agent.set_summary_writer(dispatcher.get_summary_writer())
        dispatcher.pre_training()
        for iteration in range(first_iteration, num_iterations):
            episodes = []
            for _ in range(steps_per_iteration):
                finished = lanes.fly(agent.step_lanes(lanes.told))
                log.env_steps += lanes.num_flown
                on_steps(lanes.num_flown, lanes.num_inside)
                for lane in finished:
                    episodes.append(lanes.collect(lane, iteration, log.env_steps, dispatcher))
                    on_episode(episodes[-1])
            agent.set_summary_writer(dispatcher.get_summary_writer())  # Its collector may have been dropped.
            checkpoints.save(
                iteration,
                {"agent": agent.learned_state()},
                resuming={"agent_work": agent.working_state(), "lanes": lanes.state()},
            )
            on_iteration(log.append(iteration, lanes.num_episodes, episodes))
    finally:
        dispatcher.end_training()


def _resume(checkpoints: Checkpoints, agent: Learner, lanes: "_Lanes") -> int:
    """Continue from the newest checkpoint, if there is one; returns the number of the iteration that comes next."""
    found = checkpoints.load_latest(
        {"agent": agent.learned_state()},
        resuming={"agent_work": agent.working_state(), "lanes": lanes.state()},
    )
    if found is None:
        return 0
    iteration, parts = found
    agent.set_learned_state(parts["agent"])
    if "lanes" in parts:
        agent.set_working_state(parts["agent_work"])
        lanes.set_state(parts["lanes"])
    return iteration + 1


class _Lanes:
    """The environments, what they tell, and what collectors will be told of the episodes in progress.

    Attributes:
        told: what the agent is told next.
        num_flown: how many lanes flew in the last step; in the others an episode began.
        num_inside: how many of them are within the radius.
        num_episodes: how many episodes have ended.
    """

    def __init__(self, envs: BalloonVectorEnv, seed: int) -> None:
        number, limit = envs.num_envs, envs.max_episode_steps or 0
        self._envs = envs
        self._limit = limit
        observation, _ = envs.reset(seed=_stream_seeds(seed, number))
        self.told = LaneStep(
            observation=observation,
            reward=np.zeros(number, np.float32),
            terminated=np.zeros(number, bool),
            truncated=np.zeros(number, bool),
            begins=np.ones(number, bool),
        )
        self.num_flown = self.num_inside = self.num_episodes = 0
        self._lengths = np.zeros(number, np.int32)
        self._steps_inside = np.zeros(number, np.int32)
        self._actions = np.zeros((limit, number), np.int32)
        self._rewards = np.zeros((limit, number), np.float64)
        # The first episodes are cut off, so that the lanes do not all begin and end together.
        self._first_limits = (np.arange(1, number + 1) * limit // number).astype(np.int32)

    def fly(self, actions: np.ndarray) -> np.ndarray:
        """One step of every lane; returns the lanes whose episode it ended."""
        begins = self.told.terminated | self.told.truncated
        was_cut = self.told.truncated & (self._lengths < self._limit)  # The environment itself would fly on.
        observation, reward, terminated, truncated, info = self._envs.step(actions)
        if was_cut.any():
            begun, _ = self._envs.reset(options={"reset_mask": was_cut})
            observation[was_cut] = begun[was_cut]
        flown = np.flatnonzero(~begins)
        self._first_limits[begins] = self._limit
        self._lengths[begins] = self._steps_inside[begins] = 0
        self._actions[self._lengths[flown], flown] = actions[flown]
        self._rewards[self._lengths[flown], flown] = reward[flown]
        self._lengths[flown] += 1
        inside = ~begins & info["inside_radius"]
        self._steps_inside += inside
        self.num_flown, self.num_inside = len(flown), int(inside.sum())
        self.told = LaneStep(
            observation=observation,
            reward=reward.astype(np.float32),
            terminated=terminated & ~begins,
            truncated=~begins & (truncated | (self._lengths == self._first_limits)),
            begins=begins,
        )
        return np.flatnonzero(self.told.terminated | self.told.truncated)

    def collect(self, lane: int, iteration: int, env_steps: int, dispatcher: CollectorDispatcher) -> EpisodeRecord:
        """Tell the collectors the episode that has just ended in a lane."""
        length, terminal = int(self._lengths[lane]), bool(self.told.terminated[lane])
        actions, rewards = self._actions[:length, lane].tolist(), self._rewards[:length, lane].tolist()
        dispatcher.begin_episode()
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
            twr50=int(self._steps_inside[lane]) / length,
            env_steps=env_steps,
        )

    def state(self) -> State:
        """All that the next step depends on."""
        return {
            "envs": self._envs.get_state(),
            "told": self.told,
            "num_episodes": np.int64(self.num_episodes),
            "lengths": self._lengths,
            "steps_inside": self._steps_inside,
            "actions": self._actions,
            "rewards": self._rewards,
            "first_limits": self._first_limits,
        }

    def set_state(self, state: State) -> None:
        """Continue from `state`."""
        self._envs.set_state(state["envs"])
        self.told = state["told"]
        self.num_episodes = int(state["num_episodes"])
        self._lengths = state["lengths"].copy()
        self._steps_inside = state["steps_inside"].copy()
        self._actions = state["actions"].copy()
        self._rewards = state["rewards"].copy()
        self._first_limits = state["first_limits"].copy()


def _stream_seeds(seed: int, number: int) -> list[int]:
    """Seeds of the environments' streams of episodes, mixed from `seed`, from `TRAINING_SEEDS` on."""
    mixed = np.random.SeedSequence(seed).generate_state(number)
    return [TRAINING_SEEDS | int(one) for one in mixed]
