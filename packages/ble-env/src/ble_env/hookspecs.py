"""What a plugin can add to the environment: observations, rewards and renderers.

    # my_package/ble_plugin.py
    from ble_env.registration import ObservationRegistration, RendererRegistration, RewardRegistration
    from ble_sim.plugins.registry import hookimpl

    @hookimpl
    def ble_register_observations():
        return [ObservationRegistration("terse", "my_package.features:terse_features", summary="Twelve numbers.")]

    @hookimpl
    def ble_register_rewards():
        return [RewardRegistration("frugal", "my_package.reward:FrugalReward", summary="Spends no power.")]

    @hookimpl
    def ble_register_renderers():
        return [RendererRegistration("map", "my_package.map:MapRenderer", summary="Draws on a map.")]

    # pyproject.toml of my_package
    [project.entry-points."ble.observations"]
    mine = "my_package.ble_plugin"
    [project.entry-points."ble.rewards"]
    mine = "my_package.ble_plugin"
    [project.entry-points."ble.renderers"]
    mine = "my_package.ble_plugin"

`gymnasium.make("ble_env:BalloonLearningEnvironment-v0", observation="terse", reward="frugal",
renderer="map")` and the command lines then find them by name. `ble_env.observation.perciatelli.ObservationFunction`,
`ble_env.reward.RewardFunction` and `ble_env.rendering.renderer.Renderer` say what each does, the classes of
`ble_env.registration` how it is constructed and how it gets options of its own. The environment variable `BLE_PLUGINS`
(see `ble_sim.plugins.registry`) chooses which plugins are loaded.
"""

from collections.abc import Iterable

from ble_env.registration import ObservationRegistration, RendererRegistration, RewardRegistration
from ble_sim.plugins.registry import hookspec


@hookspec
def ble_register_observations() -> Iterable[ObservationRegistration]:
    """The observations that this plugin offers."""
    raise NotImplementedError


@hookspec
def ble_register_rewards() -> Iterable[RewardRegistration]:
    """The rewards that this plugin offers."""
    raise NotImplementedError


@hookspec
def ble_register_renderers() -> Iterable[RendererRegistration]:
    """The renderers that this plugin offers."""
    raise NotImplementedError
