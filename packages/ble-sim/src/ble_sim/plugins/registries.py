"""The registries of all kinds of extensions. They load nothing before the first question.

`REWARDS.make("frugal", options=FrugalOptions())` constructs an extension, `REWARDS.names()` lists the names.
"""

from ble_sim.plugins import hookspecs
from ble_sim.plugins.records import (
    AgentRegistration,
    CollectorRegistration,
    NetworkRegistration,
    ObservationRegistration,
    RendererRegistration,
    RewardRegistration,
    SuiteRegistration,
    WindFieldRegistration,
)
from ble_sim.plugins.registry import Plugins, Registry

PLUGINS = Plugins(
    hookspecs,
    builtins={
        "ble_sim.builtins": (WindFieldRegistration,),
        "ble_env.builtins": (ObservationRegistration, RewardRegistration, RendererRegistration),
        "ble_agents.builtins": (AgentRegistration, NetworkRegistration),
        "ble_eval.builtins": (SuiteRegistration,),
        "ble_train.builtins": (AgentRegistration, CollectorRegistration),
    },
)
"""The plugins of this process, loaded once for all registries."""

WIND_FIELDS = Registry(WindFieldRegistration, PLUGINS)
OBSERVATIONS = Registry(ObservationRegistration, PLUGINS)
REWARDS = Registry(RewardRegistration, PLUGINS)
RENDERERS = Registry(RendererRegistration, PLUGINS)
AGENTS = Registry(AgentRegistration, PLUGINS)
NETWORKS = Registry(NetworkRegistration, PLUGINS)
SUITES = Registry(SuiteRegistration, PLUGINS)
COLLECTORS = Registry(CollectorRegistration, PLUGINS)
