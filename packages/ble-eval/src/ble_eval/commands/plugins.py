"""`ble-eval plugins`: lists what is installed, where it came from, and what failed."""

import json
from dataclasses import dataclass

from ble_agents.plugins import AGENTS
from ble_eval.commands.flags import Flag
from ble_eval.plugins import SUITES
from ble_sim.plugin_listing import describe, listing_text
from ble_sim.wind.registry import WIND_FIELDS

REGISTRIES = (AGENTS, WIND_FIELDS, SUITES)
"""The kinds of extensions that an evaluation takes."""


@dataclass(frozen=True)
class PluginsArguments:
    """List the agents, wind fields and suites that are installed, where they came from, and what failed."""

    json: Flag = False
    """Print JSON: a list of kinds, each with its extensions, duplicates and failures."""

    tracebacks: Flag = False
    """Print the full traceback of each failure."""


def plugins(arguments: PluginsArguments) -> int:
    """Does what the arguments say and returns the exit status."""
    kinds = [describe(registry) for registry in REGISTRIES]
    if arguments.json:
        print(json.dumps(kinds, indent=2))
        return 0
    print("\n\n".join(listing_text(kind, tracebacks=arguments.tracebacks) for kind in kinds))
    return 0
