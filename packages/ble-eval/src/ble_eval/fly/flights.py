"""Flights of several agents at the same time, watched step by step. They are those of `ble-eval run`."""

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import jax

from ble_agents import EpisodeStep, EpisodeWatcher
from ble_env.host.devices import compute_scope
from ble_env.host.snapshot import Snapshot
from ble_env.rendering.renderer import with_step
from ble_env.rendering.track import Track
from ble_env.wind_column import picture_column
from ble_eval.engines.local import LocalEngine
from ble_eval.eval_lib import eval_agent
from ble_eval.fly.pace import Pace
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import EvaluationSettings
from ble_eval.suites.suite import EvaluationSuite

if TYPE_CHECKING:
    from ble_agents import Agent
    from ble_env import BalloonEnv

SECONDS_BETWEEN_LOOKS = 0.1
"""From one call of `look` to the next."""
SECONDS_TO_STOP = 2.0
"""How long a stopped flight is waited for: one that compiles does not stop before it has done so."""


class Flight(EpisodeWatcher):
    """One agent on one seed.

    Args:
        settings: of an evaluation of one seed.
        track: receives the flight.
        engine: makes the agent and the environment.
        shows_winds: whether the track has the winds of all levels.

    Attributes:
        result: of the episode, once it has ended.

    Raises:
        UserError: the agent or a part of the task cannot be made.
    """

    def __init__(self, settings: EvaluationSettings, track: Track, engine: LocalEngine, *, shows_winds: bool) -> None:
        self.settings = settings
        self.track = track
        self.result: EvaluationResult | None = None
        self._env: BalloonEnv = engine.environment(settings)
        self._agent: Agent = engine.agent(settings)
        self._winds = jax.jit(functools.partial(picture_column, self._env.task.wind_field)) if shows_winds else None
        track.station_keeping_radius_km = self._env.task.station_keeping_radius_km

    def fly(self, pace: Pace, number: int) -> None:
        """Fly the episode.

        Args:
            pace: what it waits for.
            number: of the flight there.

        Raises:
            FlightStopped: it was stopped.
        """
        self._pace, self._number = pace, number
        try:
            pace.await_turn(number)
            suite = EvaluationSuite(list(self.settings.seeds), self.settings.max_episode_length)
            (self.result,) = eval_agent(self._agent, self._env, suite, agent_seed=self.settings.seed, watcher=self)
        finally:
            pace.end(number)

    def begin(self, seed: int, info: Mapping[str, Any], snapshot: Callable[[], Snapshot]) -> None:
        self.track.begin(with_step(info, None, None, self._column(snapshot)))
        self._pace.reach(self._number, 0)

    def step(self, seed: int, step: EpisodeStep, snapshot: Callable[[], Snapshot]) -> None:
        self.track.add(with_step(step.info, step.action, step.reward, self._column(snapshot)))
        self._pace.reach(self._number, step.step + 1)

    def _column(self, snapshot: Callable[[], Snapshot]) -> Any:
        if self._winds is None:
            return None
        with compute_scope(self._env.precision, self._env.device):
            return jax.device_get(self._winds(*snapshot()))


def fly_together(flights: Sequence[Flight], steps_per_second: float, look: Callable[[], None]) -> None:
    """Fly all of them at the same time, each in a thread.

    Args:
        flights: the flights; their tracks grow meanwhile.
        steps_per_second: not faster than this; 0 for as fast as they are computed.
        look: called now and then in this thread, and at the end. What it raises stops the flights.

    Raises:
        ActionError: an agent returned something that is no action.
        NotFiniteError: a wind, an observation or a reward is NaN or infinite.
    """
    pace = Pace(len(flights), steps_per_second)
    pool = ThreadPoolExecutor(len(flights))
    waiting = {pool.submit(flight.fly, pace, number) for number, flight in enumerate(flights)}
    try:
        while waiting:
            done, waiting = wait(waiting, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
            for one in done:
                one.result()
            look()
    finally:
        pace.stop()
        wait(waiting, SECONDS_TO_STOP)
        pool.shutdown(wait=False, cancel_futures=True)
