"""What is installed, as plain records: for commands that list plugins, in words or as JSON."""

import json
from collections.abc import Iterable
from typing import Any, TypedDict

from ble_sim.plugins.registry import Registry


class ExtensionListing(TypedDict):
    """An extension that can be asked for by name."""

    name: str
    distribution: str
    version: str | None
    """None when the package is not installed as a distribution."""
    summary: str


class DuplicateListing(TypedDict):
    """A name that nobody gets, since several plugins claim it."""

    name: str
    claimed_by: list[str]


class FailureListing(TypedDict):
    """A plugin that is left out, or has a mistake beside what works."""

    plugin: str
    distribution: str
    version: str | None
    error: str
    traceback: str
    left_out: bool


class KindListing(TypedDict):
    """Everything of one kind."""

    kind: str
    group: str
    extensions: list[ExtensionListing]
    duplicates: list[DuplicateListing]
    failures: list[FailureListing]


def describe(registry: Registry[Any]) -> KindListing:
    """What a registry holds, of JSON types only. Its summaries are the records' `summary`, where they have one."""
    return KindListing(
        kind=registry.kind,
        group=registry.group,
        extensions=[
            ExtensionListing(
                name=extension.record.name,
                distribution=extension.origin.distribution,
                version=extension.origin.version,
                summary=str(getattr(extension.record, "summary", "")),
            )
            for extension in registry.extensions()
        ],
        duplicates=[DuplicateListing(name=name, claimed_by=origins) for name, origins in registry.duplicates.items()],
        failures=[
            FailureListing(
                plugin=broken.plugin,
                distribution=broken.origin.distribution,
                version=broken.origin.version,
                error=broken.error,
                traceback=broken.traceback,
                left_out=broken.left_out,
            )
            for broken in registry.broken
        ],
    )


def listing(registries: Iterable[Registry[Any]], *, as_json: bool, tracebacks: bool) -> str:
    """What registries hold, for a command to print: JSON, or lines to be read."""
    kinds = [describe(registry) for registry in registries]
    if as_json:
        return json.dumps(kinds, indent=2)
    return "\n\n".join(listing_text(kind, tracebacks=tracebacks) for kind in kinds)


def listing_text(kind: KindListing, *, tracebacks: bool = False) -> str:
    """A listing in lines to be read: extensions in columns, then what is wrong."""
    rows = [
        (extension["name"], f"{extension['distribution']} {extension['version'] or '(not installed)'}")
        for extension in kind["extensions"]
    ]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    lines = [f"{kind['kind']}s (entry points: {kind['group']})"]
    for row, extension in zip(rows, kind["extensions"], strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("   ".join(["  " + cells[0], cells[1], extension["summary"]]).rstrip())
    for duplicate in kind["duplicates"]:
        claimants = " and ".join(duplicate["claimed_by"])
        lines.append(f"  {duplicate['name']}: claimed by {claimants}, so that it is nobody's")
    for failure in kind["failures"]:
        fate = "is left out" if failure["left_out"] else "has a mistake"
        origin = f"{failure['distribution']} {failure['version']}"
        lines.append(f"  {failure['plugin']} of {origin} {fate}: {failure['error']}")
        if tracebacks and failure["traceback"]:
            lines.append(failure["traceback"].rstrip())
    return "\n".join(lines)
