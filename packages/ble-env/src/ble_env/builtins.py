"""The plugin of ble-env: the benchmark's observation and reward, and a renderer."""

from ble_env.options import MatplotlibOptions, StationKeepingOptions
from ble_sim.plugins import ObservationRegistration, RendererRegistration, RewardRegistration, hookimpl


@hookimpl
def ble_register_observations() -> list[ObservationRegistration]:
    """The benchmark's observation."""
    return [
        ObservationRegistration(
            name="perciatelli",
            constructor="ble_env.observation.perciatelli:perciatelli_observation",
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
            options_type=StationKeepingOptions,
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
            options_type=MatplotlibOptions,
            summary="The path from the side and from above, and the battery over time.",
        )
    ]
