"""Views in the precision of plans."""

import jax
import jax.numpy as jnp

from ble_env.information import FlightView


@jax.jit
def as_float32(view: FlightView) -> FlightView:
    """The view in float32, whatever the precision of the flight."""

    def convert(leaf: jax.Array) -> jax.Array:
        return leaf.astype(jnp.float32) if leaf.dtype == jnp.float64 else leaf

    return jax.tree.map(convert, view)
