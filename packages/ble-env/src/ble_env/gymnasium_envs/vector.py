"""Many environments for Gymnasium, flown in tiles on all cores."""

import copy
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Unpack

import gymnasium
import jax
import numpy as np
from gymnasium import spaces
from gymnasium.error import ClosedEnvironmentError
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ble_env.checks import check_counts
from ble_env.gymnasium_envs.tiled_envs import TiledEnvs, Transitions, VectorEnvState
from ble_env.host.actions import checked_actions
from ble_env.host.devices import Device, find_device, num_cores
from ble_env.host.info import to_info, to_infos
from ble_env.host.reset_options import scenario_changes
from ble_env.host.seeding import clock_seed
from ble_env.host.snapshot import Snapshot
from ble_env.host.tile import Tile, fitting_size
from ble_env.host.values import as_host_array, shown
from ble_env.rendering.renderer import RENDER_MODES, Renderer, make_renderer, with_step
from ble_env.task import TaskArguments, check_arguments, make_task
from ble_sim.balloon.altitude_control import Action
from ble_sim.constants import STEP_SECONDS
from ble_sim.plugins import unknown_name
from ble_sim.precision import check_precision
from ble_sim.seeds import check_seed


class BalloonVectorEnv(VectorEnv[np.ndarray, Any, np.ndarray]):
    """Many `BalloonEnv`s at once: what `gymnasium.make_vec("ble_env:BalloonLearningEnvironment-v0", num_envs)` makes.

    They are flown in tiles of one size. So a flight depends on its seed and its actions alone, and not on the other
    environments or their number. Tiles are flown in parallel: one that begins an episode delays no other.

    Observations are float32[num_envs, 1099], a new array each time; actions int[num_envs]; rewards float64[num_envs].
    Infos have the keys of `BalloonEnv`'s in Gymnasium's batched form: an array with a row for each environment, and
    beside `key` the mask `_key` of the rows that are reported.

    They can be copied (`copy.deepcopy`) and pickled at any time, as a `BalloonEnv`.

    Args:
        num_envs: how many environments.
        precision, device: see `BalloonEnv`.
        render_mode, renderer, render_period: see `BalloonEnv`. `render` returns a tuple with what each environment's
            own renderer returns. A renderer that is given as an object is copied for each of them.
        max_episode_steps: truncate an episode after so many steps; `gymnasium.make_vec` sets 960.
        seed: environment i has the stream of episodes of `seed + i`, as a `BalloonEnv` of that seed; None takes a seed
            from the clock.
        autoreset_mode: when the next episode begins after one has ended. NEXT_STEP: in the next step, whose action
            is ignored and whose reward is 0. SAME_STEP: at once, with the last observation and info of the
            ended episode in `infos["final_obs"]` and `infos["final_info"]`. DISABLED: when
            `reset(options={"reset_mask": mask})` is called.
        tile_size: how many are flown in one compiled call. None takes the power of two that holds `num_envs`, at most
            32: the best for processors. Accelerators are faster with more. Rounding differs between sizes.
        task: see `ble_env.TaskArguments`.
    """

    metadata: dict[str, Any] = {"render_modes": [*RENDER_MODES], "render_fps": 30}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        *,
        precision: str = "float32",
        max_episode_steps: int | None = None,
        seed: int | None = None,
        device: Device | str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        tile_size: int | None = None,
        render_mode: str | None = None,
        renderer: str | Mapping[str, Any] | Renderer | None = None,
        render_period: int = 1,
        **task: Unpack[TaskArguments],
    ) -> None:
        check_arguments(task, BalloonVectorEnv)
        check_counts(
            num_envs=num_envs,
            tile_size=tile_size,
            max_episode_steps=max_episode_steps,
            render_period=render_period,
        )
        self.num_envs = num_envs
        self.precision = check_precision(precision)
        self.max_episode_steps = max_episode_steps
        self.autoreset_mode = _find_autoreset_mode(autoreset_mode)
        self.metadata = self.metadata | {"autoreset_mode": self.autoreset_mode}
        self.task, self.vehicle = make_task(**task)
        self.render_mode = render_mode
        self._render_period = render_period
        self._renderers: list[Renderer] = []
        if render_mode is not None:
            radius = self.task.station_keeping_radius_km
            # Of an object a copy each, since one renderer draws one flight.
            self._renderers = [make_renderer(copy.deepcopy(renderer), render_mode, radius) for _ in range(num_envs)]
            if renderer is not None:
                self.metadata["render_modes"] = list(self._renderers[0].render_modes)
        self.single_action_space = spaces.Discrete(len(Action))
        self.single_observation_space = self.task.observation.observation_space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

        size = tile_size or fitting_size(num_envs)
        seeds = _consecutive_seeds(clock_seed() if seed is None else seed, num_envs)
        self._chunks = [slice(start, min(start + size, num_envs)) for start in range(0, num_envs, size)]
        self._tiles = [
            TiledEnvs(
                Tile(self.task, self.vehicle, self.precision, size, find_device(device)),
                self.task,
                chunk.start,
                seeds[chunk],
                self.max_episode_steps,
                self.autoreset_mode,
            )
            for chunk in self._chunks
        ]
        self._is_started = False
        self._start_threads()

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode in every environment, or in some.

        Args:
            seed: starts new streams of episodes: that of `seed + i` in environment i, or those of a sequence with a
                seed for each environment. None, alone or within a sequence, takes the next episode of the present
                stream.
            options: those of `BalloonEnv`, for all environments that are reset, and `reset_mask`: bool[num_envs], which
                environments are reset. The others stay as they are and return their last observation, but no info.

        Raises:
            ValueError: a seed is outside [0, 2**64), an option is unknown or out of range, or the mask is not valid.
                The environments stay as they were.
            NotFiniteError: a part of the task gave NaN or infinity; a ValueError.
        """
        self._check_is_open()
        options = dict(options or {})
        mask = self._checked_mask(options.pop("reset_mask", None))
        changes = scenario_changes(options)
        seeds = self._checked_seeds(seed)
        super().reset(seed=None if _is_sequence(seed) else seeds[0])

        def reset(tile: TiledEnvs, chunk: slice) -> Transitions:
            lanes = np.flatnonzero(mask[chunk])
            given = {lane: one for lane in lanes if (one := seeds[chunk][lane]) is not None}
            tile.seed(np.array(list(given), int), list(given.values()))
            return tile.reset(lanes, changes)

        transitions = _concatenated(self._on_every_tile(reset, self._chunks))
        self._is_started = True
        self._draw(transitions, mask)
        return self._reported(transitions, mask)

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Fly 180 s, or begin the next episode where it is due.

        Args:
            actions: int[num_envs]: 0 down, 1 stay, 2 up, as a sequence, array or tensor of any library.

        Raises:
            ValueError: the actions have another shape, type or value.
            NotFiniteError: a part of the task gave NaN or infinity; a ValueError.
            RuntimeError: before the first reset, or after the end of an episode if autoreset is disabled.
        """
        self._check_is_open()
        self._check_is_started("step was called")
        actions = checked_actions(actions, self.num_envs)
        if self.autoreset_mode == AutoresetMode.DISABLED:
            self._check_is_none_over()
        pairs = self._on_every_tile(TiledEnvs.step, [actions[chunk] for chunk in self._chunks])
        transitions = _concatenated([transitions for transitions, _ in pairs])
        infos: dict[str, Any] = to_infos(transitions.diagnostics, transitions.start_time, np.ones(self.num_envs, bool))
        is_over = transitions.terminated | transitions.truncated
        self._draw(transitions, np.ones(self.num_envs, bool), actions)
        if self.autoreset_mode == AutoresetMode.SAME_STEP and is_over.any():
            infos |= _final_infos(_concatenated([last for _, last in pairs]), is_over)
        return transitions.observation, transitions.reward, transitions.terminated, transitions.truncated, infos

    def get_snapshot(self, index: int | None = None) -> Snapshot:
        """The snapshots of the environments: numpy arrays with a leading axis of `num_envs`.

        Args:
            index: of one environment: only its snapshot, without that axis, as `BalloonEnv` takes it.

        Raises:
            RuntimeError: before the first reset.
            IndexError: there is no such environment.
        """
        self._check_is_started("there is no flight")
        if index is None:
            return jax.tree.map(lambda *leaves: np.concatenate(leaves), *(tile.snapshots() for tile in self._tiles))
        tile, lane = self._place(index)
        return jax.tree.map(lambda leaf: np.array(leaf[lane]), tile.snapshots())

    def set_snapshot(self, snapshots: Snapshot, index: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Continue from snapshots of this or other environments of the same task and precision.

        Args:
            snapshots: with a leading axis of `num_envs`, or with `index` one without it, also a `BalloonEnv`'s.
            index: of the only environment to change.

        Returns:
            The observations, and the infos of the environments that changed.

        Raises:
            ValueError: the snapshots have another precision, or are not as many as the environments.
            RuntimeError: with `index` before the first reset.
            IndexError: there is no such environment.
        """
        self._check_is_open()
        snapshots.check_precision(self.precision)
        if index is None:
            shape = np.shape(snapshots.state.elapsed)
            if shape != (self.num_envs,):
                raise ValueError(f"expected snapshots of {self.num_envs} environments, got a leading shape of {shape}")
            for tile, chunk in zip(self._tiles, self._chunks, strict=True):
                tile.restore(
                    np.arange(chunk.stop - chunk.start), jax.tree.map(lambda leaf, rows=chunk: leaf[rows], snapshots)
                )
            self._is_started = True
        else:
            self._check_is_started("a single snapshot was set")
            tile, lane = self._place(index)
            tile.restore(np.array([lane]), jax.tree.map(lambda leaf: np.asarray(leaf)[None], snapshots))
        is_changed = np.arange(self.num_envs) == index if index is not None else np.ones(self.num_envs, bool)
        transitions = _concatenated([tile.transitions() for tile in self._tiles])
        self._draw(transitions, is_changed, is_restored=True)
        return self._reported(transitions, is_changed)

    def render(self) -> tuple[Any, ...] | None:
        """What the renderer of each environment returns for the render mode, such as pictures of the flights so far.

        Without a render mode it warns and returns None.

        Raises:
            RuntimeError: there is a render mode, and `reset` has not been called.
        """
        if self.render_mode is None:
            gymnasium.logger.warn('render was called without a render mode: make it with render_mode="rgb_array".')
            return None
        self._check_is_started("render was called")
        return tuple(renderer.render(self.render_mode) for renderer in self._renderers)

    def get_state(self) -> VectorEnvState:
        """All that later steps depend on. It holds the keys of the episodes in place of their forecasts.

        Raises:
            RuntimeError: before the first reset, or while an episode goes on from a snapshot.
        """
        self._check_is_started("there is no flight")
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *(tile.state() for tile in self._tiles))

    def set_state(self, state: VectorEnvState) -> None:
        """Continue as environments of the same task, precision and number whose `get_state` this is.

        Raises:
            ValueError: the states have another precision, or are not as many as the environments.
        """
        self._check_is_open()
        Snapshot(state.scenarios, state.states).check_precision(self.precision)
        if len(state.streams) != self.num_envs:
            raise ValueError(f"expected the state of {self.num_envs} environments, got that of {len(state.streams)}")
        parts = [jax.tree.map(lambda leaf, rows=chunk: leaf[rows], state) for chunk in self._chunks]
        self._on_every_tile(TiledEnvs.set_state, parts)
        self._is_started = True
        if self._renderers:
            transitions = _concatenated([tile.transitions() for tile in self._tiles])
            self._draw(transitions, np.ones(self.num_envs, bool), is_restored=True)

    def close_extras(self, **kwargs: Any) -> None:
        """Stop the threads, and close the renderers."""
        if self._pool:
            self._pool.shutdown()
        for renderer in self._renderers:
            renderer.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_pool"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._start_threads()

    def _start_threads(self) -> None:
        is_parallel = len(self._tiles) > 1 and not self.closed
        self._pool = ThreadPoolExecutor(min(len(self._tiles), num_cores())) if is_parallel else None
        self._compiled_functions: set[str] = set()

    def _draw(
        self,
        transitions: Transitions,
        is_changed: np.ndarray,
        actions: np.ndarray | None = None,
        is_restored: bool = False,
    ) -> None:
        """Add the present moment to the pictures of the environments that changed."""
        if not self._renderers:
            return
        winds = None
        if any(renderer.shows_winds for renderer in self._renderers):
            parts = [tile.winds() for tile in self._tiles]
            winds = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
        for index in np.flatnonzero(is_changed):
            renderer = self._renderers[index]
            info = to_info(transitions.diagnostics[index].astype(np.float64), int(transitions.start_time[index]))
            num_steps = -(-info["elapsed"] // STEP_SECONDS)
            is_start = is_restored or num_steps == 0
            if is_start:
                renderer.reset()
            own_winds = jax.tree.map(lambda leaf, row=index: leaf[row], winds) if renderer.shows_winds else None
            if is_start or actions is None:
                renderer.step(with_step(info, None, None, own_winds))
            else:
                renderer.step(with_step(info, int(actions[index]), float(transitions.reward[index]), own_winds))
            is_over = transitions.terminated[index] or transitions.truncated[index]
            if self.render_mode == "human" and (is_restored or is_over or num_steps % self._render_period == 0):
                renderer.render(self.render_mode)

    def _on_every_tile(self, function: Callable[..., Any], *arguments: Sequence[Any]) -> list[Any]:
        # The first time one after another: the first tile compiles for all. In parallel, each would compile for itself.
        is_compiled = function.__name__ in self._compiled_functions
        self._compiled_functions.add(function.__name__)
        return list((self._pool.map if self._pool and is_compiled else map)(function, self._tiles, *arguments))

    def _reported(self, transitions: Transitions, is_reported: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        return transitions.observation, to_infos(transitions.diagnostics, transitions.start_time, is_reported)

    def _place(self, index: int) -> tuple[TiledEnvs, int]:
        if not 0 <= index < self.num_envs:
            raise IndexError(f"index must be at least 0 and below {self.num_envs}, got {index}")
        tile, lane = divmod(index, self._chunks[0].stop)
        return self._tiles[tile], lane

    def _check_is_open(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError("the environments have been closed: make new ones")

    def _check_is_started(self, what: str) -> None:
        if not self._is_started:
            raise RuntimeError(f"{what} before the first reset: call reset first")

    def _check_is_none_over(self) -> None:
        is_over = np.concatenate([tile.is_over for tile in self._tiles])
        if is_over.any():
            raise RuntimeError(
                f"the episodes of environments {np.flatnonzero(is_over).tolist()} have ended: "
                'call reset(options={"reset_mask": ...}) before the next step'
            )

    def _checked_seeds(self, seed: Any) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if not _is_sequence(seed):
            return [*_consecutive_seeds(seed, self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"seed must be a whole number or a sequence of {self.num_envs}, got {len(seed)} of them")
        return [None if one is None else check_seed(one) for one in seed]

    def _checked_mask(self, mask: Any) -> np.ndarray:
        if mask is None:
            return np.ones(self.num_envs, bool)
        given, mask = mask, as_host_array(mask)
        if mask is None or mask.shape != (self.num_envs,) or mask.dtype != bool or not mask.any():
            raise ValueError(f"reset_mask must be bool[{self.num_envs}] with at least one True, got {shown(given)}")
        if not (self._is_started or mask.all()):
            raise ValueError("the first reset must be of every environment: leave out reset_mask")
        return mask.copy()


def _is_sequence(seed: Any) -> bool:
    """Whether seeds are several: a sequence, or an array or tensor with an axis."""
    return (isinstance(seed, Sequence) and not isinstance(seed, str)) or bool(getattr(seed, "shape", ()))


def _find_autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        raise unknown_name("autoreset mode", str(mode), [known.value for known in AutoresetMode]) from None


def _consecutive_seeds(first: int, number: int) -> list[int]:
    first = check_seed(first)
    return [check_seed(first + i) for i in range(number)]


def _concatenated(parts: Sequence[Transitions]) -> Transitions:
    return Transitions(*map(np.concatenate, zip(*parts, strict=True)))


def _final_infos(last: Transitions, is_over: np.ndarray) -> dict[str, Any]:
    """What Gymnasium adds to the infos of a step after which episodes have begun at once."""
    final_obs = np.full(len(is_over), None, object)
    for index in np.flatnonzero(is_over):
        final_obs[index] = last.observation[index]
    return {
        "final_obs": final_obs,
        "_final_obs": is_over.copy(),
        "final_info": to_infos(last.diagnostics, last.start_time, is_over),
        "_final_info": is_over.copy(),
    }
