"""`ble-eval plugins`: lists what is installed, where it came from, and what failed."""

from dataclasses import dataclass

from ble_agents.plugins import AGENTS
from ble_env.plugins import RENDERERS
from ble_env.task_parts import TASK_PARTS
from ble_eval.commands.flags import Flag
from ble_eval.plugins import SUITES
from ble_sim.plugins.listing import listing

REGISTRIES = (AGENTS, *TASK_PARTS.values(), RENDERERS, SUITES)
"""The kinds of extensions that an evaluation takes."""


@dataclass(frozen=True)
class PluginsArguments:
    """List the agents, parts of environments and suites that are installed, where from, and what failed."""

    json: Flag = False
    """Print JSON: a list of kinds, each with its extensions, duplicates and failures."""

    tracebacks: Flag = False
    """Print the full traceback of each failure."""


def plugins(arguments: PluginsArguments) -> int:
    """Does what the arguments say and returns the exit status."""
    print(listing(REGISTRIES, as_json=arguments.json, tracebacks=arguments.tracebacks))
    return 0
