"""The parts of the benchmark's environment, registered through the same hooks as anyone's."""

from ble_env.configs import MatplotlibConfig, StationKeepingConfig
from ble_env.registration import FeaturesRegistration, RendererRegistration, RewardRegistration
from ble_sim.plugins import hookimpl


@hookimpl
def ble_register_features() -> list[FeaturesRegistration]:
    """The benchmark's observation."""
    return [
        FeaturesRegistration(
            name="perciatelli",
            constructor="ble_env.features:perciatelli_features",
            summary="1099 numbers: 16 of the balloon, and the winds predicted at 361 levels around it.",
        )
    ]


@hookimpl
def ble_register_rewards() -> list[RewardRegistration]:
    """The benchmark's reward."""
    return [
        RewardRegistration(
            name="station_keeping",
            constructor="ble_env.reward:StationKeepingReward",
            config_type=StationKeepingConfig,
            summary="1 near the station, less the farther away, and a discount on costly descents.",
        )
    ]


@hookimpl
def ble_register_renderers() -> list[RendererRegistration]:
    """Pictures of a flight."""
    return [
        RendererRegistration(
            name="matplotlib",
            constructor="ble_env.rendering.matplotlib_renderer:MatplotlibRenderer",
            config_type=MatplotlibConfig,
            summary="The path from the side and from above, and the battery over time.",
        )
    ]
