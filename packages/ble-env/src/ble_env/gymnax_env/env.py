"""The environment for JAX trainers, in the shape of gymnax 1.x.

gymnax itself is not needed: trainers call methods of these names, and need no base class. Everything is pure and works
under `jax.jit`, `jax.vmap` and `jax.lax.scan`, in the precision of the context (float32 unless x64 is enabled).
"""

import dataclasses
import functools
import importlib
import importlib.util
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from ble_env import ENV_ID, core
from ble_env.checks import check_counts
from ble_env.gymnax_env.pool import EpisodePool, pooled, replace_episodes, sample_pool, scenario_at, start_at
from ble_env.task import Task, TaskArguments, make_task
from ble_sim.balloon.altitude_control import Action
from ble_sim.constants import EPISODE_STEPS, STEP_SECONDS
from ble_sim.keys import as_key
from ble_sim.precision import float_dtype, own_transfers, standard_layout
from ble_sim.scenario import Params
from ble_sim.state import SimState
from ble_sim.structs import struct

DEFAULT_POOL_SIZE = 128


@struct
class EnvParams:
    """What all environments of a batch share.

    Do not map over it (`in_axes=None`). Pass it to compiled code as an argument: it is large, 317 kB an episode.
    """

    pool: EpisodePool
    """The episodes that resets choose from."""
    max_steps_in_episode: jax.Array | int
    """int32, time limit"""

    def replace(self, **changes: Any) -> "EnvParams":
        """A changed copy."""
        return dataclasses.replace(self, **changes)


@struct
class EnvState:
    """One environment."""

    episode: jax.Array
    """int32, the index of its episode in the pool"""
    sim_state: SimState

    @property
    def time(self) -> jax.Array:
        """Steps flown in this episode: int32. A step that ended the flight before its time counts."""
        return -(-self.sim_state.elapsed // STEP_SECONDS)


class BalloonGymnaxEnv:
    """Keep a stratospheric balloon within 50 km of a station by riding the winds of different altitudes.

    Observation: float32[1099], see `ble_env.observation.layout`. Action: 0 down, 1 stay, 2 up, for the next 180 s.
    Reward: 1 within the radius, less outside, see `ble_env.StationKeepingReward`. Termination: out of power, burst, or
    no superpressure. Truncation: after `max_steps_in_episode`. In compiled code::

        env = BalloonGymnaxEnv()
        params = env.make_params(key, num_episodes=256)
        observation, state = jax.vmap(env.reset, in_axes=(0, None))(keys, params)
        observation, state, reward, terminated, truncated, info = jax.vmap(env.step, in_axes=(0, 0, 0, None))(
            keys, state, actions, params
        )

    Episodes are sampled ahead into a pool, and every reset draws one of them. `refresh` replaces some by new ones.

    Args:
        task: see `ble_env.TaskArguments`.
    """

    def __init__(self, **task: Unpack[TaskArguments]) -> None:
        self.task, self.vehicle = make_task(**task)
        with own_transfers():
            self._params = self.task.make_params(self.vehicle)
        self._default_params: dict[Any, EnvParams] = {}

    @property
    def name(self) -> str:
        """The environment's name."""
        return ENV_ID

    @property
    def num_actions(self) -> int:
        """Number of actions."""
        return len(Action)

    @property
    def default_params(self) -> EnvParams:
        """The `make_params` of key 0; its episodes are sampled once for each precision."""
        precision = float_dtype()
        if precision not in self._default_params:
            with jax.ensure_compile_time_eval():  # Arrays are kept, and not tracers, also while JAX traces.
                self._default_params[precision] = self.make_params(np.zeros(2, np.uint32))
        return self._default_params[precision]

    def make_params(
        self, key: Any, num_episodes: int = DEFAULT_POOL_SIZE, *, max_steps_in_episode: int = EPISODE_STEPS
    ) -> EnvParams:
        """Sample a pool of episodes.

        Args:
            key: a JAX random key, typed or raw.
            num_episodes: size of the pool, 317 kB each. For `refresh` it has to be larger than the number of
                environments.
            max_steps_in_episode: truncate after so many steps.

        Raises:
            ValueError: a number is not positive.
        """
        check_counts(num_episodes=num_episodes)
        with own_transfers():
            keys = _episode_keys(_users_key(key), num_episodes)
        return self.make_params_from_keys(keys, max_steps_in_episode=max_steps_in_episode)

    def make_params_from_keys(self, episode_keys: Any, *, max_steps_in_episode: int = EPISODE_STEPS) -> EnvParams:
        """A pool of known episodes, in this order, to be begun one by one with `begin`.

        Args:
            episode_keys: uint32[n, 2], or typed keys [n], of episodes: those that `BalloonEnv.reset(seed=...)` begins
                have the keys `ble_env.host.seeding.first_episode_keys(seeds)`.
            max_steps_in_episode: truncate after so many steps.

        Raises:
            ValueError: `max_steps_in_episode` is not positive.
        """
        check_counts(max_steps_in_episode=max_steps_in_episode)
        with own_transfers():
            pool = _sample_pool(self.task, self._params, episode_keys)
            return EnvParams(pool, jnp.int32(max_steps_in_episode))

    def refresh(self, key: Any, state: EnvState, params: EnvParams, num_episodes: int) -> EnvParams:
        """Replace random episodes of the pool by new ones, but none that is being flown.

        Call it between updates, within compiled code or outside. One new episode for each that ends renews the pool as
        fast as resets that sample their episodes.

        Args:
            key: a JAX random key.
            state: of all environments (of any shape) that step with these params.
            params: the present ones.
            num_episodes: how many to replace. The time is proportional to it.

        Raises:
            ValueError: the pool has too few episodes that are certainly not in use.
        """
        num_spare = params.pool.size - state.episode.size
        if not 1 <= num_episodes <= num_spare:
            raise ValueError(
                f"num_episodes must be between 1 and {num_spare}, what a pool of {params.pool.size} can spare for sure"
                f" while {state.episode.size} environments fly, got {num_episodes}: make_params can make a larger pool"
            )
        with own_transfers():
            return _refresh(self.task, num_episodes, self._params, key, state.episode, params)

    def reset(self, key: Any, params: EnvParams) -> tuple[jax.Array, EnvState]:
        """Begin a random episode of the pool: the first observation, and the state."""
        return _reset(key, params)

    def step(
        self, key: Any, state: EnvState, action: Any, params: EnvParams
    ) -> tuple[jax.Array, EnvState, jax.Array, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Fly 180 s; if that ends the episode, begin another one.

        Args:
            key: a JAX random key, for the choice of the next episode.
            state: the environment.
            action: int scalar: 0 down, 1 stay, 2 up.
            params: what `make_params` returned.

        Returns:
            Observation, state, reward, terminated, truncated, info. Where an episode has ended, observation and state
            are those of the next one, and all others those of the one that ended; its last observation is
            `info["final_observation"]`. `info` also has terminated and truncated, gymnax's discount (0 if terminated,
            else 1), `time_elapsed` (float, seconds since the start of the episode), `date_time` (int32, seconds since
            1970 UTC), and all of `ble_env.Diagnostics.info`.
        """
        return _step(self.task, key, state, action, params)

    def reset_env(self, key: Any, params: EnvParams) -> tuple[jax.Array, EnvState]:
        """The same as `reset`, by gymnax's name for a reset without further effects."""
        return _reset(key, params)

    def step_env(
        self, key: Any, state: EnvState, action: Any, params: EnvParams
    ) -> tuple[jax.Array, EnvState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Fly 180 s without a time limit, and without a next episode: observation, state, reward, terminated, info."""
        return _step_without_reset(self.task, state, action, params)

    def begin(self, episode: Any, params: EnvParams) -> tuple[jax.Array, EnvState]:
        """Begin the episode at a place of the pool (int scalar): the first observation, and the state."""
        return _begin(jnp.asarray(episode, jnp.int32), params)

    def action_space(self, params: EnvParams) -> Any:
        """The space of actions: gymnax's `Discrete` if it is installed, else that of `ble_env.gymnax_env.spaces`."""
        return _spaces().Discrete(self.num_actions)

    def observation_space(self, params: EnvParams) -> Any:
        """The space of observations: gymnax's `Box` if it is installed, else that of `ble_env.gymnax_env.spaces`."""
        box = self.task.observation.observation_space
        return _spaces().Box(jnp.asarray(box.low), jnp.asarray(box.high), box.shape, box.dtype)


def _users_key(key: Any) -> jax.Array:
    """The typed key of a user's key, which may be raw.

    Data of two words are a key of JAX's standard implementation, others one of the implementation that is set up.

    Raises:
        ValueError: it is no key.
    """
    if jnp.issubdtype(getattr(key, "dtype", type(key)), jax.dtypes.prng_key):
        return key
    return as_key(key) if np.shape(key) == (2,) else jax.random.wrap_key_data(key)


def _episode_keys(key: jax.Array, num: int) -> jax.Array:
    """Raw keys of episodes: uint32[num, 2]."""
    with standard_layout():
        return jax.random.bits(key, (num, 2), jnp.uint32)


_sample_pool = jax.jit(sample_pool, static_argnums=0)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _refresh(
    task: Task, num_episodes: int, task_params: Params, key: jax.Array, in_use: jax.Array, params: EnvParams
) -> EnvParams:
    is_in_use = jnp.zeros(params.pool.size, bool).at[in_use].set(True)
    with standard_layout():
        choice_key, episodes_key = jax.random.split(_users_key(key))
        rank = is_in_use.astype(jnp.float32) + jax.random.uniform(choice_key, is_in_use.shape, jnp.float32)
    order = jnp.argsort(rank)
    new = sample_pool(task, task_params, _episode_keys(episodes_key, num_episodes))
    return params.replace(pool=replace_episodes(params.pool, order[:num_episodes], new))


@jax.jit
def _begin(episode: jax.Array, params: EnvParams) -> tuple[jax.Array, EnvState]:
    sim_state, observation = start_at(params.pool, episode)
    return observation, EnvState(episode, sim_state)


@jax.jit
def _reset(key: jax.Array, params: EnvParams) -> tuple[jax.Array, EnvState]:
    with standard_layout():
        episode = jax.random.randint(_users_key(key), (), 0, params.pool.size, jnp.int32)
    return _begin(episode, params)


@functools.partial(jax.jit, static_argnums=0)
def _step_without_reset(
    task: Task, state: EnvState, action: jax.Array, params: EnvParams
) -> tuple[jax.Array, EnvState, jax.Array, jax.Array, dict[str, jax.Array]]:
    scenario = scenario_at(params.pool, state.episode)
    sim_state, transition = core.step(pooled(task), scenario, state.sim_state, action)
    info = transition.diagnostics.info()
    info["time_elapsed"] = sim_state.elapsed.astype(float_dtype())
    info["date_time"] = scenario.start_time + sim_state.elapsed
    info["discount"] = (~transition.terminated).astype(float_dtype())
    return transition.observation, EnvState(state.episode, sim_state), transition.reward, transition.terminated, info


@functools.partial(jax.jit, static_argnums=0)
def _step(
    task: Task, key: jax.Array, state: EnvState, action: jax.Array, params: EnvParams
) -> tuple[jax.Array, EnvState, jax.Array, jax.Array, jax.Array, dict[str, jax.Array]]:
    last_observation, last_state, reward, terminated, info = _step_without_reset(task, state, action, params)
    truncated = last_state.time >= params.max_steps_in_episode
    next_observation, next_state = jax.tree.map(
        lambda new, old: jnp.where(terminated | truncated, new, old),
        _reset(key, params),
        (last_observation, last_state),
    )
    info |= {"terminated": terminated, "truncated": truncated, "final_observation": last_observation}
    return next_observation, next_state, reward, terminated, truncated, info


@functools.cache
def _spaces() -> Any:
    """The module of spaces: gymnax's if it is installed, because trainers ask for their types."""
    has_gymnax = importlib.util.find_spec("gymnax") is not None
    return importlib.import_module("gymnax.environments.spaces" if has_gymnax else "ble_env.gymnax_env.spaces")
