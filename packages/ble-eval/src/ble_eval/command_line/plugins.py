"""The verb `plugins`: what is installed, where it came from, and what failed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ble_eval.command_line.verbs import Switch
from ble_sim.plugins.listing import describe_plugins
from ble_sim.plugins.registry import Registry


@dataclass(frozen=True)
class PluginsArguments:
    """List the extensions that are installed, where they come from, and the plugins that failed."""

    json: Switch = False
    """Print JSON: the kinds, each with its extensions, duplicates and failures, and the plugins that failed to load."""

    tracebacks: Switch = False
    """Print the full traceback of each failure."""


def list_plugins(arguments: PluginsArguments, registries: Iterable[Registry[Any]]) -> int:
    """Print the contents of the registries and return the exit status."""
    print(describe_plugins(registries, as_json=arguments.json, tracebacks=arguments.tracebacks))
    return 0
