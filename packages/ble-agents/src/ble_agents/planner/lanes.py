"""Plans of all lanes of a tile: lane after lane on a processor, side by side on an accelerator.

The values of one lane fit into a processor's cache. An accelerator needs the work of all lanes at once.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ble_agents.planner.values import PlanSettings
from ble_env.host.devices import find_device, local_devices


def is_on_accelerator() -> bool:
    """Whether what JAX computes in this context is computed on an accelerator."""
    device = find_device(None) or local_devices()[0]
    return device.platform != "cpu"


def map_lanes(settings: PlanSettings, function: Callable[..., Any], *arrays: Any) -> Any:
    """The results of a function for every lane of arrays (pytrees with a leading axis), stacked."""
    if settings.side_by_side:
        return jax.vmap(function)(*arrays)
    return jax.lax.map(lambda lane: function(*lane), arrays)


def batched_as_lanes(settings: PlanSettings, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(settings, ...)` of one lane as a function of the rest, whose `jax.vmap` is `map_lanes`.

    It is for policies, which are traced without a device.
    """
    batched = jax.custom_batching.custom_vmap(functools.partial(function, settings))

    @batched.def_vmap
    def of_lanes(lanes: int, is_batched: Any, *arrays: Any) -> Any:
        def with_lanes(leaf: jax.Array, has_lanes: bool) -> jax.Array:
            return leaf if has_lanes else jnp.broadcast_to(leaf, (lanes, *leaf.shape))

        def mapped(side_by_side: bool) -> Callable[..., Any]:
            own = dataclasses.replace(settings, side_by_side=side_by_side)
            return functools.partial(map_lanes, own, functools.partial(function, own))

        arrays = jax.tree.map(with_lanes, arrays, tuple(is_batched))
        results = jax.lax.platform_dependent(*arrays, cpu=mapped(False), default=mapped(True))
        return results, jax.tree.map(lambda _: True, results)

    return batched
