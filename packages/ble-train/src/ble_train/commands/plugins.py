"""`ble-train plugins`: lists what is installed, where it came from, and what failed."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from ble_agents.plugins import AGENTS
from ble_env.plugins import RENDERERS
from ble_env.task_parts import TASK_PARTS
from ble_sim.plugins.listing import listing
from ble_train.plugins import COLLECTORS

REGISTRIES = (AGENTS, COLLECTORS, *TASK_PARTS.values(), RENDERERS)
"""The kinds of extensions that a training takes."""


@dataclass(frozen=True)
class PluginsArguments:
    """List the agents, collectors and parts of environments that are installed, where from, and what failed."""

    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON: a list of kinds, each with its extensions, duplicates and failures."""

    tracebacks: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the full traceback of each failure."""


def plugins(arguments: PluginsArguments) -> int:
    """Does what the arguments say and returns the exit status."""
    print(listing(REGISTRIES, as_json=arguments.json, tracebacks=arguments.tracebacks))
    return 0
