"""The plugin of ble-env: the benchmark's observation and reward, and two renderers."""

from ble_env.options import MatplotlibOptions, StationKeepingOptions, TextOptions
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
    """Pictures of a flight, and a text."""
    return [
        RendererRegistration(
            name="matplotlib",
            constructor="ble_env.rendering.matplotlib_renderer:MatplotlibRenderer",
            options_type=MatplotlibOptions,
            summary="A map of the flight, and over time its altitude in the winds, actions, battery and reward.",
        ),
        RendererRegistration(
            name="text",
            constructor="ble_env.rendering.text_renderer:TextRenderer",
            options_type=TextOptions,
            summary="A panel of text with a small map; it needs no library.",
        ),
    ]
