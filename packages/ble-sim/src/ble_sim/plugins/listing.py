"""What is installed, as plain records: for commands that list plugins as text or as JSON."""

from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict

from ble_sim.plugins.records import AgentRegistration
from ble_sim.plugins.registry import BrokenPlugin, Extension, Origin, Registry


class ExtensionListing(TypedDict):
    """An extension that a registry returns by its name."""

    name: str
    distribution: str
    version: str | None
    """None if the package is not installed as a distribution."""
    summary: str
    information_track: NotRequired[str]
    """What it may use, of an agent."""


class DuplicateListing(TypedDict):
    """A name that several plugins claim, so that a registry returns none of their extensions."""

    name: str
    claimed_by: list[str]


class FailureListing(TypedDict):
    """A plugin that is not used, or only in part; see `ble_sim.plugins.registry.BrokenPlugin`."""

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
    """Extensions of several kinds, and the plugins that failed to load."""

    kinds: list[KindListing]
    failures: list[FailureListing]


def describe(registry: Registry[Any]) -> KindListing:
    """What a registry holds, of JSON types only."""
    return KindListing(
        kind=registry.kind,
        hook=registry.hook,
        extensions=[_extension(extension) for extension in registry.extensions()],
        duplicates=[DuplicateListing(name=name, claimed_by=origins) for name, origins in registry.duplicates.items()],
        failures=_failures(registry.broken),
    )


def _extension(extension: Extension[Any]) -> ExtensionListing:
    record, origin = extension.record, extension.origin
    listing = ExtensionListing(
        name=record.name, distribution=origin.distribution, version=origin.version, summary=record.summary
    )
    if isinstance(record, AgentRegistration):
        listing["information_track"] = record.information_track.value
    return listing


def describe_all(registries: Iterable[Registry[Any]]) -> Listing:
    """What registries hold, and which of their plugins failed, of JSON types only."""
    registries = list(registries)
    kinds = [describe(registry) for registry in registries]
    failed = dict.fromkeys(failure for registry in registries for failure in registry.plugins.broken)
    return Listing(kinds=kinds, failures=_failures(failed))


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
    """A listing as text: for each kind the extensions in columns, then duplicates and failures."""
    sections = [_kind_lines(kind, tracebacks) for kind in listing["kinds"]]
    if failures := listing["failures"]:
        sections.append(["plugins that failed", *_failure_lines(failures, tracebacks)])
    return "\n\n".join("\n".join(lines) for lines in sections)


def _kind_lines(kind: KindListing, tracebacks: bool) -> list[str]:
    rows = [
        (
            extension["name"],
            *([extension["information_track"]] if "information_track" in extension else []),
            _origin(extension),
            extension["summary"],
        )
        for extension in kind["extensions"]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{kind['kind']}s (hook: {kind['hook']})"]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append(f"  {'   '.join(cells)}".rstrip())
    for duplicate in kind["duplicates"]:
        claimants = " and ".join(duplicate["claimed_by"])
        lines.append(f"  {duplicate['name']}: claimed by {claimants}, so it is not available")
    return [*lines, *_failure_lines(kind["failures"], tracebacks)]


def _failure_lines(failures: Iterable[FailureListing], tracebacks: bool) -> list[str]:
    lines = []
    for failure in failures:
        fate = "is left out" if failure["left_out"] else "has a mistake"
        lines.append(f"  {failure['plugin']} of {_origin(failure)} {fate}: {failure['error']}")
        if tracebacks and failure["traceback"]:
            lines.append(failure["traceback"].rstrip())
    return lines


def _origin(listing: ExtensionListing | FailureListing) -> str:
    return str(Origin(listing["distribution"], listing["version"]))
