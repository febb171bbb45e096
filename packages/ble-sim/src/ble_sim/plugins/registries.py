"""The registries of all kinds of extensions. They load plugins when they are first used.

`REWARDS.make("frugal", options=FrugalOptions())` constructs an extension, `REWARDS.names()` lists the names.
"""

from ble_sim.plugins import hookspecs, records
from ble_sim.plugins.registry import Plugins, Registry

PLUGINS = Plugins(
    hookspecs,
    builtins={
        "ble_sim.builtins": (records.WindFieldRegistration,),
        "ble_env.builtins": (records.ObservationRegistration, records.RewardRegistration, records.RendererRegistration),
        "ble_agents.builtins": (records.AgentRegistration, records.NetworkRegistration),
        "ble_eval.builtins": (records.SuiteRegistration,),
        "ble_train.builtins": (records.AgentRegistration, records.CollectorRegistration),
    },
)
"""The plugins of this process, loaded once for all registries."""

WIND_FIELDS = Registry(records.WindFieldRegistration, PLUGINS)
OBSERVATIONS = Registry(records.ObservationRegistration, PLUGINS)
REWARDS = Registry(records.RewardRegistration, PLUGINS)
RENDERERS = Registry(records.RendererRegistration, PLUGINS)
AGENTS = Registry(records.AgentRegistration, PLUGINS)
NETWORKS = Registry(records.NetworkRegistration, PLUGINS)
SUITES = Registry(records.SuiteRegistration, PLUGINS)
COLLECTORS = Registry(records.CollectorRegistration, PLUGINS)
