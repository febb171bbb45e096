"""Extension points: one registry per kind of extension, filled by pluggy hooks.

Every kind (wind fields, features, rewards, agents, collectors, suites) is one `Registry`. It asks the plugins
built into our own packages first, then one by one those that installed distributions announce under an
entry-point group. A plugin is a module or object whose hook implementation returns registration records:

    # my_package/ble_plugin.py
    from ble_sim.plugins import hookimpl

    @hookimpl
    def ble_register_agents():
        return [AgentRegistration(name="my_agent", constructor="my_package.agent:MyAgent", summary="...")]

    # pyproject.toml of my_package
    [project.entry-points."ble.agents"]
    my_agent = "my_package.ble_plugin"

A plugin that fails is reported by a `PluginWarning` and kept in `Registry.broken`; the others still work.
"""

import difflib
import pkgutil
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

import pluggy

PROJECT = "ble"
"""pluggy's project name, shared by the hooks of all packages."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Named(Protocol):
    """What every registration record has: the name it is asked for by."""

    @property
    def name(self) -> str:
        """Unique among the extensions of its kind."""
        ...


T = TypeVar("T", bound=Named)


class PluginWarning(UserWarning):
    """A plugin cannot be used: it fails to load, or claims a name that another one claims."""


class PluginError(Exception):
    """A plugin breaks the rules of its hook."""


class DuplicateNameError(PluginError, ValueError):
    """Two plugins claim the name that was asked for."""


class UnknownNameError(KeyError, ValueError):
    """No extension of this kind has the name that was asked for."""

    def __str__(self) -> str:  # KeyError would show the message quoted
        return str(self.args[0])


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """What to raise for a `name` that is not `known`: it lists those that are, with the nearest spelling."""
    by_folded_name = {candidate.casefold(): candidate for candidate in sorted(known)}
    nearest = difflib.get_close_matches(str(name).casefold(), by_folded_name, n=1)
    question = f" Did you mean {by_folded_name[nearest[0]]!r}?" if nearest else ""
    choices = ", ".join(by_folded_name.values()) or "none is installed"
    return UnknownNameError(f"Unknown {kind} {name!r}.{question} Known: {choices}.")


def resolve(target: str | Callable[..., Any]) -> Callable[..., Any]:
    """The callable that a record holds: itself, or "package.module:attribute", imported only here."""
    return pkgutil.resolve_name(target) if isinstance(target, str) else target


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be used.

    Attributes:
        plugin: the entry point ("name = module:attribute"), or the module of a built-in.
        origin: "distribution version" that announces it.
        error: the exception in one line.
        traceback: the full traceback, formatted.
    """

    plugin: str
    origin: str
    error: str
    traceback: str


@dataclass(frozen=True)
class _Source:
    """A plugin not loaded yet."""

    label: str
    origin: str
    load: Callable[[], object]


@dataclass(frozen=True)
class _Contents(Generic[T]):
    """What loading found: claims per name (more than one is a conflict) and the plugins that failed."""

    claims: dict[str, list[tuple[T, str]]]
    broken: list[BrokenPlugin]


class Registry(Generic[T]):
    """The extensions of one kind by name. Plugins are loaded at the first question, once for all threads.

    Args:
        kind: what one of these is called in messages, e.g. "agent".
        group: entry-point group that third-party distributions use, e.g. "ble.agents".
        hookspecs: module (or class) that declares the hooks with `hookspec`.
        hook: name of the hook that returns this registry's records.
        builtins: plugins (modules or objects) of our own, asked before any entry point.
        record_type: class that every record must be an instance of.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        hookspecs: ModuleType | type,
        hook: str,
        builtins: Iterable[object] = (),
        record_type: type = object,
    ) -> None:
        self.kind = kind
        self.group = group
        self._hookspecs = hookspecs
        self._hook = hook
        self._builtins = tuple(builtins)
        self._record_type = record_type
        self._lock = threading.RLock()
        self._loading = False
        self._contents: _Contents[T] | None = None

    def names(self) -> list[str]:
        """Names that `get` answers, sorted; those that several plugins claim are not among them."""
        return sorted(name for name, claims in self._load().claims.items() if len(claims) == 1)

    def get(self, name: str) -> T:
        """The record called `name`.

        Raises:
            UnknownNameError: nothing has this name; the message lists what there is.
            DuplicateNameError: several plugins claim it; the message names them.
        """
        return self._claim(name)[0]

    def origin(self, name: str) -> str:
        """The "distribution version" that the record called `name` came from. Raises as `get` does."""
        return self._claim(name)[1]

    @property
    def broken(self) -> list[BrokenPlugin]:
        """Plugins that failed to load."""
        return list(self._load().broken)

    @property
    def duplicates(self) -> dict[str, list[str]]:
        """Names that several plugins claim, with the origins of the claims."""
        claims = sorted(self._load().claims.items())
        return {name: [origin for _, origin in rivals] for name, rivals in claims if len(rivals) > 1}

    def _claim(self, name: str) -> tuple[T, str]:
        claims = self._load().claims.get(name, [])
        if not claims:
            raise unknown_name(self.kind, name, self.names())
        if len(claims) > 1:
            raise DuplicateNameError(self._conflict(name, [origin for _, origin in claims]))
        return claims[0]

    def _conflict(self, name: str, origins: list[str]) -> str:
        claimants = " and ".join(origins)
        return f"The {self.kind} name {name!r} is claimed by {claimants}: uninstall or rename one of them."

    def _load(self) -> _Contents[T]:
        if self._contents is not None:
            return self._contents
        with self._lock:
            if self._loading:  # a plugin asks while it is imported: that import must fail, not recurse
                raise PluginError(f"The {self.kind} registry is still loading: ask it in a function, not at import.")
            if self._contents is not None:
                return self._contents
            self._loading = True
            try:
                self._contents = self._collect()
            finally:
                self._loading = False
        self._report()  # only now, so that a warning turned into an exception leaves a working registry
        return self._contents

    def _report(self) -> None:
        for failure in self.broken:
            message = f"The {self.kind} plugin {failure.plugin!r} of {failure.origin} is left out: {failure.error}"
            warnings.warn(message, PluginWarning, stacklevel=4)
        for name, origins in self.duplicates.items():
            warnings.warn(self._conflict(name, origins), PluginWarning, stacklevel=4)

    def _collect(self) -> _Contents[T]:
        claims: dict[str, list[tuple[T, str]]] = {}
        broken: list[BrokenPlugin] = []
        for source in self._sources():
            try:
                records = self._records(source)
            except Exception as error:  # a stranger's code may raise anything
                summary = "".join(traceback.format_exception_only(error)).strip()
                broken.append(BrokenPlugin(source.label, source.origin, summary, traceback.format_exc()))
                continue
            for record in records:
                claims.setdefault(record.name, []).append((record, source.origin))
        return _Contents(claims, broken)

    def _sources(self) -> Iterator[_Source]:
        for plugin in self._builtins:
            label = getattr(plugin, "__name__", type(plugin).__name__)
            yield _Source(label, _builtin_origin(plugin), lambda plugin=plugin: plugin)
        for entry_point in metadata.entry_points(group=self.group):
            origin = _distribution_label(entry_point.dist) if entry_point.dist else "an unknown distribution"
            yield _Source(f"{entry_point.name} = {entry_point.value}", origin, entry_point.load)

    def _records(self, source: _Source) -> list[T]:
        # A manager for each plugin: within one, pluggy joins the answers of all plugins and lets one failure
        # end the call, but here every answer needs its origin and every failure its culprit.
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(self._hookspecs)
        manager.register(source.load())
        answers = getattr(manager.hook, self._hook)
        if not answers.get_hookimpls():
            raise PluginError(f"it has no function {self._hook} decorated with ble_sim.plugins.hookimpl")
        results = answers()
        if not results:  # pluggy drops an answer of None
            raise PluginError(f"{self._hook} returned None instead of a list of records")
        records = [record for result in results for record in result]
        for record in records:
            if not isinstance(record, self._record_type):
                raise PluginError(f"{self._hook} returned {record!r}, which is not a {self._record_type.__name__}")
            if not isinstance(getattr(record, "name", None), str) or not record.name:
                raise PluginError(f"{self._hook} returned {record!r}, whose name is not a non-empty string")
        return records


def _builtin_origin(plugin: object) -> str:
    # Our distributions are named like their packages: ble-sim and ble_sim are one name to `metadata`.
    package = str(getattr(plugin, "__name__", type(plugin).__module__)).partition(".")[0]
    try:
        return _distribution_label(metadata.distribution(package))
    except metadata.PackageNotFoundError:
        return f"{package} (not installed)"


def _distribution_label(distribution: metadata.Distribution) -> str:
    return f"{distribution.name} {distribution.version}"
