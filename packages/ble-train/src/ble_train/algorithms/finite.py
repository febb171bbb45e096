"""Updates whose loss or gradient is not finite: an error, or left out and counted.

The check is part of the compiled update, and its result leaves the device with other numbers. A learner reads it where
it waits for its next action anyway.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_env.checks import NotFiniteError, check_finite

FAULTS = ("", "loss", "gradient")
"""What is not finite, by the numbers of `fault_of`."""


def fault_of(loss: jax.Array, gradient: Any) -> jax.Array:
    """What of an update is not finite: int32, an index of `FAULTS`; 0 for nothing."""
    # Columns first: XLA adds the numbers of a matrix to one sum several times slower.
    total = sum((leaf.sum(axis=0).sum() if leaf.ndim else leaf for leaf in jax.tree.leaves(gradient)), jnp.float32(0))
    gradient_fault = jnp.where(jnp.isfinite(total), jnp.int32(0), jnp.int32(2))
    return jnp.where(jnp.isfinite(loss), gradient_fault, jnp.int32(1))


def vectors(gradient: Any) -> list[jax.Array]:
    """The gradient's vectors: those of biases, which are sums of the errors that go back into their layers.

    They are enough to stop a training, and cost nothing. Errors that they miss make the next loss NaN.
    """
    return [leaf for leaf in jax.tree.leaves(gradient) if leaf.ndim <= 1]


def unless(fault: jax.Array, new: Any, old: Any) -> Any:
    """The new arrays of a pytree; the old ones if there is a fault."""
    return jax.tree.map(lambda one, other: jnp.where(fault == 0, one, other), new, old)


def stop(agent: str, fault: int, where: str) -> None:
    """Raise the error for a fault.

    Raises:
        NotFiniteError: always; it names the agent, what is not finite, and where.
    """
    raise NotFiniteError(
        f"The {FAULTS[fault]} of {agent} is not finite {where}. A smaller learning rate may help;"
        " not_finite='skip' leaves such updates out and counts them."
    )


def check_params(agent: str, params: Any) -> None:
    """Check that parameters are finite.

    Raises:
        NotFiniteError: one is not; the message names it.
    """
    leaves = jax.tree_util.tree_leaves_with_path(params)
    for path, leaf in leaves:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        check_finite({f"the parameter {name} of {agent}": np.asarray(leaf)}, "")
