"""The engine of this process: one job after another, each on all cores."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ble_eval.command_line.construction import make_agent, make_parts
from ble_eval.command_line.errors import making
from ble_eval.engines.engine import Job
from ble_eval.errors import UserError
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import EvaluationSettings
from ble_eval.suites.suite import EvaluationSuite

if TYPE_CHECKING:
    from ble_agents import Agent
    from ble_env import BalloonEnv

KEPT_AGENTS = 8
"""Agents that stay in memory after their flights."""

OF_THE_EPISODES = ("seeds", "num_shards", "shard_idx", "suite", "suite_options", "max_episode_length", "flight_paths")
"""Settings that shape neither the environment nor the agent."""


class LocalEngine:
    """An `Engine` that flies in this process, with environments and agents that are made of settings alone.

    What is made is kept: jobs of one task share the environment and its compiled programs, and an agent that flies
    its seeds in several jobs is made once.

    Args:
        window: arguments of `BalloonEnv` that show the episodes in a window, from
            `ble_eval.command_line.construction.make_window`; none for no window.
    """

    def __init__(self, window: Mapping[str, Any] = MappingProxyType({})) -> None:
        self._window = window
        self._parts: dict[str, dict[str, Any]] = {}
        self._environments: dict[str, BalloonEnv] = {}
        self._agents: OrderedDict[str, Agent] = OrderedDict()

    def parts(self, settings: EvaluationSettings) -> dict[str, Any]:
        """The parts of a task, by the arguments of `BalloonEnv`.

        Raises:
            UserError: one cannot be made; the message names it and the reason.
        """
        key = _key(settings, *_task_fields(settings))
        if key not in self._parts:
            self._parts[key] = make_parts(settings.task)
        return self._parts[key]

    def environment(self, settings: EvaluationSettings) -> "BalloonEnv":
        """The environment of a task and a precision. Raises as `parts` does."""
        key = _key(settings, *_task_fields(settings), "precision")
        if key not in self._environments:
            self._environments[key] = make_environment({**self.parts(settings), **self._window}, settings.precision)
        return self._environments[key]

    def agent(self, settings: EvaluationSettings) -> "Agent":
        """The agent in evaluation mode, with its checkpoint.

        Raises:
            UserError: it cannot be made or loaded, or learns and has no checkpoint; the message says what to do.
        """
        key = _key(settings, *(settings.to_json().keys() - set(OF_THE_EPISODES)))
        if key not in self._agents:
            self._agents[key] = _make_agent(settings, self.environment(settings))
            if len(self._agents) > KEPT_AGENTS:
                self._agents.popitem(last=False)
        return self._agents[key]

    def fly(
        self,
        jobs: Sequence[Job],
        on_episode: Callable[[int, EvaluationResult], None],
        on_steps: Callable[[int, int, int], None],
    ) -> None:
        """Fly the jobs one after another, see `Engine`. Raises as `agent` and `ble_eval.eval_agent` do."""
        from ble_eval.eval_lib import eval_agent

        for index, job in enumerate(jobs):
            settings = job.settings
            eval_agent(
                self.agent(settings),
                self.environment(settings),
                EvaluationSuite(list(job.seeds), settings.max_episode_length),
                calculate_flight_path=settings.flight_paths,
                agent_seed=settings.seed,
                on_episode=partial(on_episode, index),
                on_steps=partial(on_steps, index),
            )


def make_environment(parts: dict[str, Any], precision: str) -> "BalloonEnv":
    """The environment, without a time limit of its own: the suite has one."""
    from ble_env import BalloonEnv

    arguments: Any = {**parts, "precision": precision}
    return BalloonEnv(**arguments)


def _make_agent(settings: EvaluationSettings, env: "BalloonEnv") -> "Agent":
    agent = make_agent(settings, env.observation_space.shape or ())
    agent.set_mode("eval")  # Before the checkpoint: only training loads what a resumed run needs.
    if settings.checkpoint_dir is not None and settings.checkpoint_idx is not None:
        with making(f"the agent {settings.agent.name!r}"):
            agent.load_checkpoint(settings.checkpoint_dir, settings.checkpoint_idx)
    elif agent.needs_checkpoint() and not settings.untrained:
        raise UserError(
            f"The agent {settings.agent.name!r} learns, and without a checkpoint it flies untrained. Give --checkpoint"
            " with the folder of a training run, or --untrained to fly it so."
        )
    return agent


def _task_fields(settings: EvaluationSettings) -> list[str]:
    """The keys of the task's parts and of their options in the JSON of the settings."""
    return [field for part in settings.task for field in (part, f"{part}_options")]


def _key(settings: EvaluationSettings, *fields: str) -> str:
    """Equal for settings with equal values of these fields: options cannot always be hashed."""
    values = settings.to_json()
    return json.dumps({field: values.get(field) for field in sorted(fields)})
