"""What the package announces. A hook is called by the package that uses its kind: that one is installed, then."""

from ble_agents import AgentRegistration
from ble_env.registration import ObservationRegistration, RendererRegistration, RewardRegistration
from ble_sample.options import BanditOptions, GaugesOptions, InsideOptions, RewardHistogramOptions, SeaBreezeOptions
from ble_sim.plugins.records import WindFieldRegistration
from ble_sim.plugins.registry import hookimpl


@hookimpl
def ble_register_agents():
    return [
        AgentRegistration(
            "bandit", "ble_sample.agent:BanditAgent", BanditOptions, "Learns which action pays, without looking."
        )
    ]


@hookimpl
def ble_register_wind_fields():
    return [
        WindFieldRegistration(
            "sea_breeze", "ble_sample.wind:SeaBreezeWindField", SeaBreezeOptions, "Ashore by day, back by night."
        )
    ]


@hookimpl
def ble_register_observations():
    return [
        ObservationRegistration(
            "gauges", "ble_sample.features:gauges", GaugesOptions, "Three gauges, and no wind column."
        )
    ]


@hookimpl
def ble_register_rewards():
    return [RewardRegistration("inside", "ble_sample.reward:InsideReward", InsideOptions, "What TWR50 counts.")]


@hookimpl
def ble_register_renderers():
    return [RendererRegistration("line", "ble_sample.renderer:LineRenderer", summary="The flight as a line of text.")]


@hookimpl
def ble_register_collectors():
    from ble_train.registration import CollectorRegistration  # only now: ble-eval does without

    return [
        CollectorRegistration(
            "reward_histogram",
            "ble_sample.collector:RewardHistogramCollector",
            RewardHistogramOptions,
            "Counts the rewards of each episode.",
        )
    ]


@hookimpl
def ble_register_suites():
    from ble_eval.suites import SuiteRegistration  # only now: ble-train does without
    from ble_sample.suite import two_hours

    return [SuiteRegistration("two_hours", two_hours, "Three flights of two hours.")]
