"""The default task on one balloon and on a batch: compiled once for all tests that fly."""

import functools
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_env import BalloonEnv, Snapshot, Task, core
from ble_sim.precision import precision_scope

TASK = Task()
NUM_LANES = 24
"""Every batch has this size, so that the step is compiled once a precision."""

step_batch = jax.jit(jax.vmap(functools.partial(core.step, TASK)))


@functools.cache
def environment(precision: str) -> BalloonEnv:
    """One environment for all tests; each resets it first."""
    return BalloonEnv(precision=precision)


def begin_batch(seeds: Iterable[int], precision: str) -> tuple[Any, Any, np.ndarray]:
    """The first episodes of seeds: scenarios, states and observations."""
    env = environment(precision)
    snapshots, observations = [], []
    for seed in seeds:
        observations.append(env.reset(seed=int(seed))[0])
        snapshots.append(env.get_snapshot())
    with precision_scope(precision):
        scenario, state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *snapshots)
    return scenario, state, np.stack(observations)


def observe_alone(scenario: Any, state: Any, precision: str) -> np.ndarray:
    """What the environment observes in a state."""
    return environment(precision).set_snapshot(Snapshot(scenario, state))[0]


def take(tree: Any, index: Any) -> Any:
    """Some lanes of a batch, or one."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def outside_of_space(observations: np.ndarray) -> np.ndarray:
    """Where observations [..., 1099] are not a number, or not within the observation space."""
    space = TASK.observation.observation_space
    return ~((observations >= space.low) & (observations <= space.high))
