"""What is installed, as plain records: for commands that list plugins, in words or as JSON."""

import json
from collections.abc import Iterable
from typing import Any, TypedDict

from ble_sim.plugins.registry import BrokenPlugin, Registry


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
    hook: str
    extensions: list[ExtensionListing]
    duplicates: list[DuplicateListing]
    failures: list[FailureListing]


class Listing(TypedDict):
    """Extensions of several kinds, and the plugins that failed before they were asked for a kind."""

    kinds: list[KindListing]
    failures: list[FailureListing]


def describe(registry: Registry[Any]) -> KindListing:
    """What a registry holds, of JSON types only."""
    return KindListing(
        kind=registry.kind,
        hook=registry.hook,
        extensions=[
            ExtensionListing(
                name=extension.record.name,
                distribution=extension.origin.distribution,
                version=extension.origin.version,
                summary=extension.record.summary,
            )
            for extension in registry.extensions()
        ],
        duplicates=[DuplicateListing(name=name, claimed_by=origins) for name, origins in registry.duplicates.items()],
        failures=_failures(registry.broken),
    )


def describe_all(registries: Iterable[Registry[Any]]) -> Listing:
    """What registries hold, and which of their plugins failed, of JSON types only."""
    registries = list(registries)
    kinds = [describe(registry) for registry in registries]
    failed = dict.fromkeys(failure for registry in registries for failure in registry.plugins.broken)
    return Listing(kinds=kinds, failures=_failures(failed))


def describe_plugins(registries: Iterable[Registry[Any]], *, as_json: bool, tracebacks: bool) -> str:
    """What registries hold, for a command to print: JSON, or lines to be read."""
    described = describe_all(registries)
    return json.dumps(described, indent=2) if as_json else listing_text(described, tracebacks=tracebacks)


def _failures(broken: Iterable[BrokenPlugin]) -> list[FailureListing]:
    return [
        FailureListing(
            plugin=failure.plugin,
            distribution=failure.origin.distribution,
            version=failure.origin.version,
            error=failure.error,
            traceback=failure.traceback,
            left_out=failure.left_out,
        )
        for failure in broken
    ]


def listing_text(listing: Listing, *, tracebacks: bool = False) -> str:
    """A listing in lines to be read: for each kind the extensions in columns and what is wrong."""
    sections = [_kind_lines(kind, tracebacks) for kind in listing["kinds"]]
    if failures := listing["failures"]:
        sections.append(["plugins that failed", *_failure_lines(failures, tracebacks)])
    return "\n\n".join("\n".join(lines) for lines in sections)


def _kind_lines(kind: KindListing, tracebacks: bool) -> list[str]:
    rows = [
        (extension["name"], f"{extension['distribution']} {extension['version'] or '(not installed)'}")
        for extension in kind["extensions"]
    ]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    lines = [f"{kind['kind']}s (hook: {kind['hook']})"]
    for row, extension in zip(rows, kind["extensions"], strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("   ".join(["  " + cells[0], cells[1], extension["summary"]]).rstrip())
    for duplicate in kind["duplicates"]:
        claimants = " and ".join(duplicate["claimed_by"])
        lines.append(f"  {duplicate['name']}: claimed by {claimants}, so that none of them has it")
    return [*lines, *_failure_lines(kind["failures"], tracebacks)]


def _failure_lines(failures: Iterable[FailureListing], tracebacks: bool) -> list[str]:
    lines = []
    for failure in failures:
        fate = "is left out" if failure["left_out"] else "has a mistake"
        origin = f"{failure['distribution']} {failure['version'] or '(not installed)'}"
        lines.append(f"  {failure['plugin']} of {origin} {fate}: {failure['error']}")
        if tracebacks and failure["traceback"]:
            lines.append(failure["traceback"].rstrip())
    return lines
