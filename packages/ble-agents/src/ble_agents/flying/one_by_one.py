"""One episode after another: any agent in any Gymnasium environment."""

import contextlib
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np

from ble_agents.actions import ActionError, checked_action
from ble_agents.agent import Agent
from ble_agents.flying.episodes import EpisodeStep, EpisodeSummary, place_in_episode
from ble_env.checks import check_finite
from ble_env.host.devices import compute_scope
from ble_env.information import InformationError, InformationTrack, view_of


def fly_episode(
    agent: Agent,
    env: "gymnasium.Env[Any, Any]",
    *,
    seed: int | None = None,
    max_steps: int | None = None,
    on_start: Callable[[Mapping[str, Any]], None] = lambda info: None,
    on_step: Callable[[EpisodeStep], None] = lambda step: None,
    render_period: int = 0,
) -> EpisodeSummary:
    """Fly one episode by the protocol that `Agent` states.

    Args:
        agent: the agent, in the mode that it has.
        env: the environment; its actions are discrete. For an agent on another information track than `OBSERVATION` it
            is a `BalloonEnv`, wrapped or not: such an agent is handed views, in the environment's precision and on its
            device.
        seed: of the environment's reset; None leaves the episode to the environment.
        max_steps: time limit in steps beside the environment's own; None for no other.
        on_start: called with the info of the reset.
        on_step: called with each step of the environment, before the agent receives it.
        render_period: number of steps from one rendering to the next, beginning with the first; 0 for none. It has no
            effect without a render mode, or in mode "human", in which the environment draws.

    Raises:
        ActionError: the agent returned something that is no action of the environment.
        NotFiniteError: the environment gave an observation or a reward that is NaN or infinite.
        InformationError: the agent used what its track withholds, or the environment has no views.
    """
    if agent.information_track != InformationTrack.OBSERVATION:
        agent = _Viewing(agent, env)
    is_rendered = render_period > 0 and env.render_mode not in (None, "human")
    observation, info = env.reset(seed=seed)
    _check_received(env, observation, 0.0, place_in_episode(seed, 0))
    on_start(info)
    chosen = agent.begin_episode(observation)
    total, steps_inside = 0.0, 0
    for number in itertools.count():
        action = _checked_action(chosen, agent, env, seed, number + 1)
        observation, reward, terminated, truncated, info = env.step(action)
        is_cut = bool(truncated) or number + 1 == max_steps
        reward = float(reward)
        if not math.isfinite(reward) or not _is_finite(observation):
            _check_received(env, observation, reward, place_in_episode(seed, number + 1))
        step = EpisodeStep(number, action, observation, reward, bool(terminated), is_cut, info)
        total += step.reward
        steps_inside += bool(info.get("inside_radius", False))
        if is_rendered and number % render_period == 0:
            env.render()
        on_step(step)
        if not step.terminated:
            chosen = agent.step(step.reward, observation)
        if step.terminated or step.truncated:
            agent.end_episode(step.reward, step.terminated)
            return EpisodeSummary(total, steps_inside if "inside_radius" in info else None, step)
    raise AssertionError  # `itertools.count` has no end.


class _Viewing(Agent):
    """An agent that is handed views, as one that is handed observations.

    Raises:
        InformationError: the environment is no `BalloonEnv`.
    """

    def __init__(self, agent: Agent, env: "gymnasium.Env[Any, Any]") -> None:
        from ble_env.gymnasium_envs.single import BalloonEnv  # Other agents are flown without it.

        base = env.unwrapped
        if not isinstance(base, BalloonEnv):
            raise InformationError(
                f"{agent.get_name()} is on the information track {agent.information_track.value!r}, which only a"
                f" ble_env.BalloonEnv can show, not a {type(base).__name__}."
            )
        self._agent, self._env = agent, base
        agent.set_task(base.task)

    def get_name(self) -> str:
        return self._agent.get_name()

    def begin_episode(self, observation: Any) -> Any:
        with self._scope():
            return self._agent.begin_episode(self._view(observation))

    def step(self, reward: float, observation: Any) -> Any:
        with self._scope():
            return self._agent.step(reward, self._view(observation))

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        self._agent.end_episode(reward, terminal)

    def _scope(self) -> contextlib.AbstractContextManager[None]:
        return compute_scope(self._env.precision, self._env.device)

    def _view(self, observation: Any) -> Any:
        return view_of(self._agent.information_track, *self._env.get_snapshot(), observation)


def _checked_action(action: Any, agent: Agent, env: "gymnasium.Env[Any, Any]", seed: int | None, number: int) -> int:
    """The agent's action for a step, as an integer; an `ActionError` names the agent, the episode and the step."""
    space = env.action_space
    num_actions = int(space.n) if isinstance(space, gymnasium.spaces.Discrete) and space.start == 0 else None
    try:
        return checked_action(action, num_actions)
    except ActionError as error:
        raise ActionError(f"{agent.get_name()} {place_in_episode(seed, number)}: {error}") from None


def _check_received(env: "gymnasium.Env[Any, Any]", observation: Any, reward: float, where: str) -> None:
    """Raise a NotFiniteError if the environment gave NaN or infinity."""
    name = type(env.unwrapped).__name__
    numbers = {} if _is_finite(observation) else {f"the observation of {name}": observation}
    check_finite({**numbers, f"the reward of {name}": reward}, where)


def _is_finite(observation: Any) -> bool:
    """Whether an array of numbers is finite; True for what is no such array."""
    if not isinstance(observation, np.ndarray) or observation.dtype.kind not in "fc":
        return True
    return bool(np.isfinite(observation).all())
