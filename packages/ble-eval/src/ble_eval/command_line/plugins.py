"""The verb `plugins`: what is installed, where it came from, and what failed."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ble_eval.command_line.parsing import Switch, parse_words
from ble_sim.plugins.listing import describe_all, listing_text
from ble_sim.plugins.registry import Registry


@dataclass(frozen=True)
class PluginsArguments:
    """List the extensions that are installed, where they come from, and the plugins that failed."""

    json: Switch = False
    """Print JSON: the kinds, each with its extensions, duplicates and failures, and the plugins that failed to load."""

    tracebacks: Switch = False
    """Print the full traceback of each failure."""


def list_plugins(words: Sequence[str], program: str, registries: Iterable[Registry[Any]]) -> int:
    """Parse the words after the verb, print the contents of the registries, and return the exit status."""
    arguments = parse_words(PluginsArguments, words, program)
    listing = describe_all(registries)
    print(json.dumps(listing, indent=2) if arguments.json else listing_text(listing, tracebacks=arguments.tracebacks))
    return 0
