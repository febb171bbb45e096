"""What the package announces. A hook is called by the package that uses its kind: that one is installed, then."""

from ble_agents import AgentRegistration
from ble_env.registration import FeaturesRegistration, RendererRegistration, RewardRegistration
from ble_sample.configs import BanditConfig, GaugesConfig, InsideConfig, RewardHistogramConfig, SeaBreezeConfig
from ble_sim.plugins import hookimpl
from ble_sim.registration import WindFieldRegistration


@hookimpl
def ble_register_agents():
    return [
        AgentRegistration(
            "bandit", "ble_sample.agent:BanditAgent", BanditConfig, "Learns which action pays, without looking."
        )
    ]


@hookimpl
def ble_register_wind_fields():
    return [
        WindFieldRegistration(
            "sea_breeze", "ble_sample.wind:SeaBreezeWindField", SeaBreezeConfig, "Ashore by day, back by night."
        )
    ]


@hookimpl
def ble_register_features():
    return [
        FeaturesRegistration("gauges", "ble_sample.features:gauges", GaugesConfig, "Three gauges, and no wind column.")
    ]


@hookimpl
def ble_register_rewards():
    return [RewardRegistration("inside", "ble_sample.reward:InsideReward", InsideConfig, "What TWR50 counts.")]


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
            RewardHistogramConfig,
            "Counts the rewards of each episode.",
        )
    ]


@hookimpl
def ble_register_suites():
    from ble_eval.suites import SuiteRegistration  # only now: ble-train does without
    from ble_sample.suite import two_hours

    return [SuiteRegistration("two_hours", two_hours, "Three flights of two hours.")]
