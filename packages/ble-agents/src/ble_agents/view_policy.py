"""Policies that see more than the observation: the agents of the tracks `forecast` and `oracle`."""

from collections.abc import Sequence
from typing import Any, Protocol

import jax

from ble_agents.actions import checked_actions
from ble_agents.agent import Agent
from ble_env.information import FlightView, InformationTrack
from ble_env.task import Task
from ble_sim.seeds import check_seed


class ViewPolicy(Protocol):
    """Acts in all lanes of a tile, from views of their flights, and keeps what it plans and remembers.

    There is one for each tile, and its episodes begin together. It is called in the tile's precision and on its device,
    so that functions of the simulator compute there as the tile does. Actions are integers [lanes]: numpy's, JAX's, or
    any that numpy can read. Lanes whose balloon has failed are still called; their actions are not used. Compile
    functions that take views once for all policies of a task, for instance behind `functools.cache`.

    Arrays of a view are valid until the next call of `begin`; what is needed longer is copied.
    """

    def begin(self, view: FlightView) -> Any:
        """All lanes begin an episode: the first actions."""
        ...

    def step(self, view: FlightView) -> Any:
        """The next actions."""
        ...


class ViewPolicyAgent(Agent):
    """An agent that flies by a `ViewPolicy`: a base class, whose subclasses define `view_policy` and the track.

    Its methods for one episode fly a tile of one lane. They are called as `ble_agents.fly_episode` calls them: in the
    precision and on the device of the environment, after `set_task`.
    """

    information_track = InformationTrack.FORECAST

    def __init__(self, num_actions: int, observation_shape: Sequence[int], *, seed: int | None = None) -> None:
        super().__init__(num_actions, observation_shape, seed=seed)
        self._task: Task | None = None
        self._alone: ViewPolicy | None = None
        self._is_flying = False
        if seed is not None:
            self.reseed(seed)

    def view_policy(self, task: Task, lanes: int) -> ViewPolicy:
        """A new policy for a tile."""
        raise NotImplementedError(f"{type(self).__name__} has to define view_policy.")

    def reseed(self, seed: int) -> None:
        """Check the seed. This class draws nothing."""
        check_seed(seed)

    def set_task(self, task: Task) -> None:
        """Set the task of the episodes that are flown one by one."""
        if task != self._task:
            self._task, self._alone = task, None

    def begin_episode(self, observation: FlightView) -> int:
        """The first action of an episode, from its first view.

        Raises:
            RuntimeError: the task is not set.
        """
        if self._alone is None:
            if self._task is None:
                raise RuntimeError(f"{self.get_name()} has no task: call set_task before its first episode.")
            self._alone = self.view_policy(self._task, 1)
        self._is_flying = True
        return self._action(self._alone.begin(_lane(observation)))

    def step(self, reward: float, observation: FlightView) -> int:
        """The next action, from the view after the last one.

        Raises:
            RuntimeError: no episode has begun.
        """
        if self._alone is None or not self._is_flying:
            raise RuntimeError(f"{self.get_name()} was stepped outside an episode: call begin_episode first.")
        return self._action(self._alone.step(_lane(observation)))

    def end_episode(self, reward: float, terminal: bool = True) -> None:
        """The next episode begins with `begin_episode`."""
        self._is_flying = False

    def _action(self, actions: Any) -> int:
        return int(checked_actions(actions, 1, self._num_actions)[0])


@jax.jit
def _lane(view: FlightView) -> FlightView:
    """The view of a tile of one lane."""
    return jax.tree.map(lambda leaf: leaf[None], view)
