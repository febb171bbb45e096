"""The plugin: one extension of each kind. Constructors are named by strings, and so imported only when used."""

from ble_sample.options import (
    BanditOptions,
    GaugesOptions,
    InsideOptions,
    RewardHistogramOptions,
    SeaBreezeOptions,
    TanhOptions,
    TwoHoursOptions,
)
from ble_sim.plugins import (
    AgentRegistration,
    CollectorRegistration,
    NetworkRegistration,
    ObservationRegistration,
    RendererRegistration,
    RewardRegistration,
    SuiteRegistration,
    WindFieldRegistration,
    hookimpl,
)


@hookimpl
def ble_register_wind_fields():
    constructor = "ble_sample.wind:SeaBreezeWindField"
    return [WindFieldRegistration("sea_breeze", constructor, SeaBreezeOptions, "Ashore by day, back by night.")]


@hookimpl
def ble_register_observations():
    constructor = "ble_sample.observation:make_gauges"
    return [ObservationRegistration("gauges", constructor, GaugesOptions, "Three gauges, and no wind column.")]


@hookimpl
def ble_register_rewards():
    return [RewardRegistration("inside", "ble_sample.reward:InsideReward", InsideOptions, "What TWR50 counts.")]


@hookimpl
def ble_register_renderers():
    return [RendererRegistration("line", "ble_sample.renderer:LineRenderer", summary="The flight as a line of text.")]


@hookimpl
def ble_register_agents():
    summary = "Learns which action has the highest reward, without looking."
    return [AgentRegistration("bandit", "ble_sample.agent:BanditAgent", BanditOptions, summary)]


@hookimpl
def ble_register_networks():
    return [NetworkRegistration("tanh", "ble_sample.network:tanh_network", TanhOptions, "One hidden layer of tanh.")]


@hookimpl
def ble_register_suites():
    return [SuiteRegistration("two_hours", "ble_sample.suite:two_hours", TwoHoursOptions, "Flights of two hours.")]


@hookimpl
def ble_register_collectors():
    constructor = "ble_sample.collector:RewardHistogramCollector"
    summary = "Counts the rewards of each episode."
    return [CollectorRegistration("reward_histogram", constructor, RewardHistogramOptions, summary)]
