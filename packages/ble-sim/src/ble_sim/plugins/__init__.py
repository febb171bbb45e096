"""Plugins: extensions by name, from our own packages and from those of others.

Authors of plugins import from here. `hookspecs` shows a plugin, `records` says how extensions are constructed, and
`registries` finds them by name.
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
from ble_sim.plugins.tracks import InformationTrack

__all__ = [
    "AgentRegistration",
    "CollectorRegistration",
    "DuplicateNameError",
    "InformationTrack",
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
