"""Feature constructors, reward functions and renderers by name: our own, and those that other packages bring.

Nothing here imports jax: names can be listed, and flags made of options, before anything is computed.
"""

from typing import TYPE_CHECKING, Any

from ble_env import builtin_parts, hookspecs
from ble_env.registration import FeaturesRegistration, RendererRegistration, RewardRegistration
from ble_sim.plugins import Registry

if TYPE_CHECKING:
    from ble_env.features import FeatureConstructor
    from ble_env.rendering.renderer import Renderer
    from ble_env.reward import RewardFunction
    from ble_sim.vehicle import Vehicle

FEATURES: Registry[FeaturesRegistration] = Registry(
    kind=FeaturesRegistration.kind,
    group="ble.features",
    hookspecs=hookspecs,
    hook="ble_register_features",
    builtins=(builtin_parts,),
    record_type=FeaturesRegistration,
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


def make_features(name: str, vehicle: "Vehicle", config: Any = None) -> "FeatureConstructor":
    """Construct the feature constructor called `name`.

    Args:
        name: as registered.
        vehicle: the balloon that is flown.
        config: options, an instance of its registration's `config_type`; None for the defaults.

    Raises:
        UnknownNameError: no installed package brings it; the message lists those there are.
        DuplicateNameError: several do.
        TypeError: `config` is not that of this feature constructor.
    """
    return FEATURES.get(name).construct(vehicle, config=config)


def make_reward(name: str, config: Any = None) -> "RewardFunction":
    """Construct the reward function called `name`; as `make_features`."""
    return REWARDS.get(name).construct(config=config)


def make_renderer(name: str, station_keeping_radius_km: float = 50.0, config: Any = None) -> "Renderer":
    """Construct the renderer called `name`, which draws a circle of that radius; as `make_features`."""
    return RENDERERS.get(name).construct(station_keeping_radius_km, config=config)
