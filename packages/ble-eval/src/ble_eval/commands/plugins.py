"""`ble-eval plugins`: lists what is installed, where it came from, and what failed."""

import json
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ble_agents.plugins import AGENTS
from ble_eval.commands.flags import Flag
from ble_eval.plugins import SUITES
from ble_sim.plugin_listing import KindListing, describe
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
    console = Console(highlight=False, soft_wrap=True)
    for kind in kinds:
        _show(kind, console, tracebacks=arguments.tracebacks)
    return 0


def _show(kind: KindListing, console: Console, *, tracebacks: bool) -> None:
    console.print(f"[bold]{kind['kind']}s[/bold] (entry points: {kind['group']})")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    for extension in kind["extensions"]:
        origin = f"{extension['distribution']} {extension['version'] or '(not installed)'}"
        table.add_row(*map(escape, (f"  {extension['name']}", origin, extension["summary"])))
    console.print(table)
    for duplicate in kind["duplicates"]:
        claimants = " and ".join(duplicate["claimed_by"])
        console.print(
            f"  {escape(duplicate['name'])}: claimed by {escape(claimants)}, so that it is nobody's", style="red"
        )
    for failure in kind["failures"]:
        fate = "is left out" if failure["left_out"] else "has a mistake"
        origin = f"{failure['distribution']} {failure['version']}"
        message = f"{failure['plugin']} of {origin} {fate}: {failure['error']}"
        console.print(f"  {escape(message)}", style="red")
        if tracebacks and failure["traceback"]:
            console.print(escape(failure["traceback"]), style="dim")
    console.print()
