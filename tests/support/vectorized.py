"""The default task on a batch of balloons: compiled once for all tests that fly many."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.functional import Task, advance, compiled

TASK = Task()
NUM_LANES = 24
"""Every batch has this size, so that the step is compiled once a precision."""

advance_batch = jax.jit(jax.vmap(functools.partial(advance, TASK)))


def begin_batch(scenarios: Any) -> tuple[Any, Any]:
    """The start of each scenario of a batch, by the function that the environment uses."""
    starts = [compiled(TASK).begin(take(scenarios, lane)) for lane in range(NUM_LANES)]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)


def take(tree: Any, index: Any) -> Any:
    """Some lanes of a batch, or one."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def outside_of_space(observations: np.ndarray) -> np.ndarray:
    """Where observations [..., 1099] are not a number, or not within the observation space."""
    space = TASK.features.observation_space
    return ~((observations >= space.low) & (observations <= space.high))
