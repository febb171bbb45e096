"""Episodes in the lanes of a tile, from the reset to the end of the last: the loop of all that fly side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.actions import ActionError, checked_action
from ble_agents.benchmark_spaces import NUM_ACTIONS
from ble_agents.flying.chunks import Report
from ble_agents.flying.episodes import EpisodeWatcher, FlownEpisode, place_in_episode
from ble_agents.flying.watched_tile import WatchedTile
from ble_agents.policy import start_stream
from ble_env.diagnostics import Diagnostics
from ble_env.host.finite import check_flight
from ble_env.host.packing import HostTransition, unpack_diagnostics
from ble_env.host.seeding import first_episode_keys
from ble_env.host.tile import Tile
from ble_env.task import Task
from ble_sim.state import BalloonStatus

TILE_SIZE = 64
"""Lanes of a compiled step on a processor. It reads a network's weights from memory once for all of them."""
ACCELERATOR_TILE_SIZE = 1024
"""The same on an accelerator, which takes about as long for a step of fewer."""
REPORT_PERIOD = 40
"""Steps of a tile between two reports of progress. A tile whose episodes have all ended stops at the next report."""


class Choice(NamedTuple):
    """What a policy gives in all lanes: arrays with a leading axis."""

    streams: Any
    carries: Any
    actions: jax.Array
    """int32[lanes]"""
    not_finite: jax.Array
    """float32[lanes], NaN or infinity where the observation has it; 0 elsewhere."""


def not_finite(observation: jax.Array) -> jax.Array:
    """The sum of the numbers that are NaN or infinite: 0.0 if there are none."""
    return jnp.sum(jnp.where(jnp.isfinite(observation), 0.0, observation)).astype(jnp.float32)


class Pilot(Protocol):
    """Acts in all lanes of a tile."""

    @property
    def fills_lanes(self) -> bool:
        """Whether every lane needs an episode."""
        ...

    def init(self, streams: np.ndarray, observation: jax.Array) -> Choice:
        """Begin an episode in every lane, and choose the first actions."""
        ...

    def step(self, last: Choice, observation: jax.Array, reward: jax.Array) -> Choice:
        """Choose the next actions in every lane."""
        ...


def fly_tile(
    tile: Tile,
    task: Task,
    pilot: Pilot,
    seeds: Sequence[int],
    agent_seeds: Sequence[int],
    max_steps: int,
    report: Report,
    watcher: EpisodeWatcher | None,
) -> list[FlownEpisode]:
    """Fly an episode for each seed.

    Args:
        tile: its lanes are at least as many as the seeds.
        task: of the tile.
        pilot: acts.
        seeds: of the episodes.
        agent_seeds: of the policy's random draws, one for each episode.
        max_steps: time limit of an episode.
        report: called every `REPORT_PERIOD` steps and at the end.
        watcher: sees the episodes.
    """
    padding = [0] * (tile.size - len(seeds))
    started = [*seeds, *[seeds[-1]] * len(padding)] if pilot.fills_lanes else seeds
    transition = tile.reset(range(len(started)), first_episode_keys(started))
    chosen = pilot.init(np.array([start_stream(seed) for seed in [*agent_seeds, *padding]]), transition.observation)
    _check_flight(task, seeds, 0, [(None, transition, chosen)], np.ones((1, len(seeds)), bool))
    watched = None if watcher is None else WatchedTile(tile, max_steps, watcher)
    if watched is not None:
        for lane, seed in enumerate(seeds):
            watched.begin(lane, seed)
    rewards, diagnostics = [], []
    recent: list[tuple[Any, HostTransition, Choice]] = []
    is_over = np.zeros(len(seeds), bool)
    for number in range(1, max_steps + 1):
        actions = chosen.actions
        transition = tile.step(actions)
        chosen = pilot.step(chosen, transition.observation, transition.reward)
        rewards.append(transition.reward)
        diagnostics.append(transition.diagnostics)
        if watched is not None:
            watched.step(actions)
        recent.append((actions, transition._replace(observation=None), chosen._replace(carries=None)))
        if number % REPORT_PERIOD == 0 or number == max_steps:
            measured = unpack_diagnostics(np.asarray([step.diagnostics for _, step, _ in recent]))
            failed = np.cumsum(measured.status[:, : len(seeds)] != BalloonStatus.OK, axis=0)
            is_flown = ~is_over & (failed <= 1)  # A failed balloon stays in its lane; its later steps do not count.
            _check_flight(task, seeds, number - len(recent) + 1, recent, is_flown)
            report(int(is_flown.sum()), int((is_flown & measured.inside_radius[:, : len(seeds)]).sum()))
            is_over |= failed[-1] > 0
            recent.clear()
            if is_over.all():
                break
    all_rewards = np.asarray(rewards, np.float64)
    all_diagnostics = unpack_diagnostics(np.asarray(diagnostics, np.float64))
    return [_flown(seed, lane, all_rewards, all_diagnostics) for lane, seed in enumerate(seeds)]


def _check_flight(
    task: Task,
    seeds: Sequence[int],
    first_step: int,
    steps: Sequence[tuple[Any, HostTransition, Choice]],
    is_flown: np.ndarray,
) -> None:
    """Check the steps of a tile's episodes.

    Args:
        task: the task.
        seeds: of the lanes with an episode.
        first_step: number of the first step.
        steps: the actions of each, None for the reset, and the transition and the choice after it.
        is_flown: bool[steps, lanes with an episode], whether the step is part of the episode.
    """

    def flown(arrays: list[Any]) -> np.ndarray:
        array = np.asarray(arrays)[:, : len(seeds)]
        return np.where(is_flown.reshape(*is_flown.shape, *[1] * (array.ndim - 2)), array, 0)

    def where(step: int, lane: int) -> str:
        return place_in_episode(seeds[lane], first_step + step)

    check_flight(
        task,
        where,
        diagnostics=flown([transition.diagnostics for _, transition, _ in steps]),
        reward=flown([transition.reward for _, transition, _ in steps]),
        observation=flown([choice.not_finite for _, _, choice in steps]),
        num_axes=2,
    )
    if steps[0][0] is not None:
        taken = flown([actions for actions, _, _ in steps])
        is_wrong = (taken < 0) | (taken >= NUM_ACTIONS)
        if is_wrong.any():
            step, lane = map(int, np.argwhere(is_wrong)[0])
            try:
                checked_action(taken[step, lane], NUM_ACTIONS)
            except ActionError as error:
                raise ActionError(f"The policy {where(step, lane)}: {error}") from None


def _flown(seed: int, lane: int, rewards: np.ndarray, diagnostics: Diagnostics) -> FlownEpisode:
    """The episode of a lane, from arrays [steps, lanes]: its steps up to a failure."""
    failures = np.flatnonzero(diagnostics.status[:, lane] != BalloonStatus.OK)
    steps = slice(int(failures[0]) + 1 if failures.size else len(rewards))
    return FlownEpisode(seed, rewards[steps, lane], jax.tree.map(lambda field: field[steps, lane], diagnostics))
