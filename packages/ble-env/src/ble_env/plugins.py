"""Observations, rewards and renderers by name: our own, and those that other packages bring.

Nothing here imports jax: names can be listed, and flags made of options, before anything is computed.
"""

from typing import TYPE_CHECKING, Any

from ble_env import builtins as builtin_parts
from ble_env import hookspecs
from ble_env.registration import ObservationRegistration, RendererRegistration, RewardRegistration
from ble_sim.plugins.registry import Registry

if TYPE_CHECKING:
    from ble_env.observation.perciatelli import ObservationFunction
    from ble_env.rendering.renderer import Renderer
    from ble_env.reward import RewardFunction
    from ble_sim.balloon.vehicle import Vehicle

OBSERVATIONS: Registry[ObservationRegistration] = Registry(
    kind=ObservationRegistration.kind,
    group="ble.observations",
    hookspecs=hookspecs,
    hook="ble_register_observations",
    builtins=(builtin_parts,),
    record_type=ObservationRegistration,
)

REWARDS: Registry[RewardRegistration] = Registry(
    kind=RewardRegistration.kind,
    group="ble.rewards",
    hookspecs=hookspecs,
    hook="ble_register_rewards",
    builtins=(builtin_parts,),
    record_type=RewardRegistration,
)

RENDERERS: Registry[RendererRegistration] = Registry(
    kind=RendererRegistration.kind,
    group="ble.renderers",
    hookspecs=hookspecs,
    hook="ble_register_renderers",
    builtins=(builtin_parts,),
    record_type=RendererRegistration,
)


def make_observation(name: str, vehicle: "Vehicle", options: Any = None) -> "ObservationFunction":
    """Construct the observation called `name`.

    Args:
        name: as registered.
        vehicle: the balloon that is flown.
        options: options, an instance of its registration's `options_type`; None for the defaults.

    Raises:
        UnknownNameError: no installed package brings it; the message lists those there are.
        DuplicateNameError: several do.
        TypeError: `options` is not that of this observation.
    """
    return OBSERVATIONS.get(name).construct(vehicle, options=options)


def make_reward(name: str, options: Any = None) -> "RewardFunction":
    """Construct the reward called `name`; as `make_observation`."""
    return REWARDS.get(name).construct(options=options)


def make_renderer(name: str, station_keeping_radius_km: float = 50.0, options: Any = None) -> "Renderer":
    """Construct the renderer called `name`, which draws a circle of that radius; as `make_observation`."""
    return RENDERERS.get(name).construct(station_keeping_radius_km, options=options)
