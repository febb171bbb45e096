"""`ble-train plugins`: lists what is installed, where it comes from, and what failed."""

from collections.abc import Sequence

from ble_env import task_parts
from ble_eval.command_line.plugins import list_plugins
from ble_sim.plugins.registries import AGENTS, COLLECTORS, NETWORKS, RENDERERS


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    registries = (AGENTS, NETWORKS, COLLECTORS, *(part.registry for part in task_parts.TASK_PARTS), RENDERERS)
    return list_plugins(words, program, registries)
