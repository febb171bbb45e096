"""Plugins: extensions by name, from our own packages and from those of others.

What a plugin's author needs stands here. `hookspecs` shows a plugin, `records` how extensions are constructed,
`registries` where they are asked for.
"""

from ble_sim.plugins.records import (
    AgentRegistration,
    CollectorRegistration,
    NetworkRegistration,
    NoOptions,
    ObservationRegistration,
    Registration,
    RendererRegistration,
    RewardRegistration,
    SuiteRegistration,
    WindFieldRegistration,
)
from ble_sim.plugins.registry import (
    DuplicateNameError,
    PluginError,
    PluginWarning,
    UnknownNameError,
    hookimpl,
    hookspec,
    unknown_name,
)

__all__ = [
    "AgentRegistration",
    "CollectorRegistration",
    "DuplicateNameError",
    "NetworkRegistration",
    "NoOptions",
    "ObservationRegistration",
    "PluginError",
    "PluginWarning",
    "Registration",
    "RendererRegistration",
    "RewardRegistration",
    "SuiteRegistration",
    "UnknownNameError",
    "WindFieldRegistration",
    "hookimpl",
    "hookspec",
    "unknown_name",
]
