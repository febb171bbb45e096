"""Extension points: one registry for each kind of extension, filled by pluggy hooks.

`Plugins` loads the plugins of a process, each once. A `Registry` calls its own hook of every plugin and keeps the
records by name. `ble_sim.plugins.hookspecs` says what a plugin is.

A plugin that fails is reported by a `PluginWarning` and kept in `broken`; the others still work.

The environment variable `BLE_PLUGINS` selects the plugins of others that are loaded when a registry is first used:

    BLE_PLUGINS=all                 all that are installed; the same as an unset variable
    BLE_PLUGINS=none                none; the same as an empty variable
    BLE_PLUGINS=my-package,kites    those whose entry point or distribution has one of these names

Those of our own distributions (`OWN_DISTRIBUTIONS`) are always loaded.
"""

import difflib
import functools
import importlib
import importlib.util
import os
import re
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any, Generic, TypeVar

import pluggy

from ble_sim.plugins.records import Registration

PROJECT = "ble"
"""pluggy's project name, shared by the hooks of all packages."""

GROUP = "ble.plugins"
"""The entry-point group under which distributions announce their plugins."""

OWN_DISTRIBUTIONS = frozenset({"ble-sim", "ble-env", "ble-agents", "ble-train", "ble-eval"})
"""Distributions whose plugins are built in: `BLE_PLUGINS` does not select among them."""

SELECTION_VARIABLE = "BLE_PLUGINS"
"""The environment variable that selects among the plugins of others."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

T = TypeVar("T", bound=Registration)
ResultT = TypeVar("ResultT")


class PluginWarning(UserWarning):
    """A plugin cannot be used: it fails to load, or claims a name that another one claims."""


class PluginError(Exception):
    """A plugin breaks the rules of its hook."""


class DuplicateNameError(PluginError, ValueError):
    """Several plugins claim a name that is looked up."""


class UnknownNameError(KeyError, ValueError):
    """No extension of a kind has a name that is looked up."""

    def __str__(self) -> str:  # KeyError would show the message quoted
        return str(self.args[0])


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a `name` that is not `known`: it lists the known ones, with the nearest spelling."""
    known = sorted(known)
    choices = ", ".join(known) or "none is installed"
    return UnknownNameError(f"Unknown {kind} {name!r}.{_nearest(name, known)} Known: {choices}.")


def _nearest(name: object, known: Iterable[str]) -> str:
    """A question for the known name with the nearest spelling; empty if none is near."""
    by_folded_name = {candidate.casefold(): candidate for candidate in known}
    nearest = difflib.get_close_matches(str(name).casefold(), by_folded_name, n=1)
    return f" Did you mean {by_folded_name[nearest[0]]!r}?" if nearest else ""


@dataclass(frozen=True)
class Origin:
    """The distribution that an extension comes from.

    Attributes:
        distribution: its name, or the name of a package that is not installed as a distribution.
        version: of the distribution; None if it is not installed.
    """

    distribution: str
    version: str | None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}" if self.version else f"{self.distribution} (not installed)"


@dataclass(frozen=True)
class Extension(Generic[T]):
    """A record that a plugin returned, and where it comes from."""

    record: T
    origin: Origin


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that cannot be used, or only in part.

    Attributes:
        plugin: the entry point ("name = module:attribute"), or the module of a built-in.
        origin: the distribution that announces it.
        error: the exception or the mistake in one line.
        traceback: the full traceback, formatted; empty for a mistake without exception.
        left_out: whether nothing of it is used; False if the plugin has a mistake and the rest of it is used.
    """

    plugin: str
    origin: Origin
    error: str
    traceback: str
    left_out: bool = True

    def __str__(self) -> str:
        fate = "is left out" if self.left_out else "has a mistake"
        return f"{self.plugin!r} of {self.origin} {fate}: {self.error}"


@dataclass(frozen=True)
class _Source:
    """A plugin that can be loaded."""

    label: str
    origin: Origin
    load: Callable[[], object]


@dataclass(frozen=True)
class _Plugin:
    """A plugin that is loaded: the hooks that it implements, by name."""

    source: _Source
    hooks: Mapping[str, Callable[[], list[Any]]]


class Plugins:
    """The plugins of a process. Each is loaded once, at the first use of a registry that may have its records.

    Args:
        hookspecs: module (or class) that declares the hooks with `hookspec`.
        builtins: plugins of our own: the name of each module, with the records that it returns. A registry imports only
            the modules that return its records. A module whose package is not installed is skipped.
        group: the entry-point group of all other plugins.
    """

    def __init__(
        self,
        hookspecs: ModuleType | type,
        builtins: Mapping[str, tuple[type[Registration], ...]] | None = None,
        group: str = GROUP,
    ) -> None:
        self.lock = threading.RLock()
        """Held while anything is loaded, by the registries too."""
        self.builtins = dict(builtins or {})
        self._hookspecs = hookspecs
        self._group = group
        self._loaded_builtins: dict[str, _Plugin | None] = {}  # None for one that failed
        self._loaded_entry_points: list[_Plugin | None] | None = None
        self._broken: list[BrokenPlugin] = []
        self._loading = False

    @property
    def broken(self) -> list[BrokenPlugin]:
        """Plugins that failed to load or have a mistake, among those that were loaded so far."""
        return list(self._broken)

    def implementing(self, record_type: type[Registration]) -> tuple[list[_Plugin], list[BrokenPlugin]]:
        """The plugins that implement the hook of a kind, our own first, and those that just failed to load."""
        with self.lock:
            if self._loading:  # A plugin uses a registry while it is imported: that import must fail, not recurse.
                raise PluginError("The plugins are still loading: use a registry in a function, not at import.")
            self._loading = True
            reported = len(self._broken)
            try:
                plugins = [*self._builtins_of(record_type), *self._entry_points()]
            finally:
                self._loading = False
            hook = record_type.hook
            return [plugin for plugin in plugins if plugin and hook in plugin.hooks], self._broken[reported:]

    def _builtins_of(self, record_type: type[Registration]) -> Iterator[_Plugin | None]:
        for module, record_types in self.builtins.items():
            package = module.partition(".")[0]
            if record_type not in record_types or importlib.util.find_spec(package) is None:
                continue
            if module not in self._loaded_builtins:
                source = _Source(module, _package_origin(package), functools.partial(importlib.import_module, module))
                self._loaded_builtins[module] = self._load(source)
            yield self._loaded_builtins[module]

    def _entry_points(self) -> list[_Plugin | None]:
        if self._loaded_entry_points is None:
            self._loaded_entry_points = [self._load(source) for source in self._selected_sources()]
        return self._loaded_entry_points

    def _selected_sources(self) -> Iterator[_Source]:
        points = metadata.entry_points(group=self._group)
        selection = _selection()
        if selection:
            _warn_of_unknown_selection(selection, frozenset().union(*map(_names_of, points)))
        for point in points:
            if point.value in self.builtins:  # loaded already, by the name of its module
                continue
            if selection is None or _is_ours(point) or _names_of(point) & selection:
                yield _Source(f"{point.name} = {point.value}", _origin(point.dist), point.load)

    def _load(self, source: _Source) -> _Plugin | None:
        return _attempt(source, self._broken, lambda: self._loaded(source))

    def _loaded(self, source: _Source) -> _Plugin:
        # A manager for each plugin. Within one, pluggy joins the results of all plugins, and one failure ends the call;
        # here every result and every failure has the origin of its plugin.
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(self._hookspecs)
        plugin = source.load()
        manager.register(plugin)
        declared = {name: caller for name, caller in vars(manager.hook).items() if caller.has_spec()}
        hooks = {name: caller for name, caller in declared.items() if caller.get_hookimpls()}
        mistakes = _misspelt_hooks(manager.get_hookcallers(plugin) or [], declared)
        if not hooks:
            missing = f"it has no function {' or '.join(declared)} decorated with ble_sim.plugins.hookimpl"
            raise PluginError("; ".join([missing, *mistakes]))
        for mistake in mistakes:
            self._broken.append(BrokenPlugin(source.label, source.origin, mistake, "", left_out=False))
        return _Plugin(source, hooks)


@dataclass(frozen=True)
class _Contents(Generic[T]):
    """The result of loading: claims of each name (several are a conflict), and the plugins whose hook failed."""

    claims: dict[str, list[Extension[T]]]
    broken: list[BrokenPlugin]


class Registry(Generic[T]):
    """The extensions of one kind by name. Plugins are loaded at the first use, once for all threads.

    Args:
        record_type: the class of its records, which names the kind and the hook.
        plugins: where the records come from.
    """

    def __init__(self, record_type: type[T], plugins: Plugins) -> None:
        self.kind = record_type.kind
        self.hook = record_type.hook
        self._record_type = record_type
        self.plugins = plugins
        self._loading = False
        self._contents: _Contents[T] | None = None

    def names(self) -> list[str]:
        """The names that `get` finds, sorted; a name that several plugins claim is not among them."""
        return sorted(name for name, claims in self._load().claims.items() if len(claims) == 1)

    def get(self, name: str) -> T:
        """The record called `name`.

        Raises:
            UnknownNameError: no extension has this name; the message lists the known names.
            DuplicateNameError: several plugins claim it; the message names them.
        """
        return self._claim(name).record

    def make(self, name: str, *arguments: Any, options: Any = None, **keywords: Any) -> Any:
        """Construct the extension called `name`: `Registration.construct` of its record. Raises also as `get` does."""
        return self.get(name).construct(*arguments, options=options, **keywords)

    def origin(self, name: str) -> str:
        """The "distribution version" that the record called `name` comes from. Raises as `get` does."""
        return str(self._claim(name).origin)

    def extensions(self) -> list[Extension[T]]:
        """The records that `get` returns, with their origins, in the order of the names."""
        claims = self._load().claims
        return [claims[name][0] for name in self.names()]

    @property
    def broken(self) -> list[BrokenPlugin]:
        """Plugins whose hook of this kind failed. `Plugins.broken` has those that failed to load."""
        return list(self._load().broken)

    @property
    def duplicates(self) -> dict[str, list[str]]:
        """Names that several plugins claim, with the origins of the claims."""
        claims = sorted(self._load().claims.items())
        return {name: [str(rival.origin) for rival in rivals] for name, rivals in claims if len(rivals) > 1}

    def _claim(self, name: str) -> Extension[T]:
        claims = self._load().claims.get(name, [])
        if not claims:
            raise unknown_name(self.kind, name, self.names())
        if len(claims) > 1:
            raise DuplicateNameError(self._conflict(name, [str(claim.origin) for claim in claims]))
        return claims[0]

    def _conflict(self, name: str, origins: list[str]) -> str:
        claimants = " and ".join(origins)
        return f"The {self.kind} name {name!r} is claimed by {claimants}: uninstall or rename one of them."

    def _load(self) -> _Contents[T]:
        if self._contents is not None:
            return self._contents
        with self.plugins.lock:
            if self._loading:  # A hook uses the registry that calls it.
                raise PluginError(f"The {self.kind} registry is still loading: do not use it at import or in a hook.")
            if self._contents is not None:
                return self._contents
            self._loading = True
            try:
                plugins, failed = self.plugins.implementing(self._record_type)
                self._contents = self._collect(plugins)
            finally:
                self._loading = False
        self._report(failed)  # last, so that the registry works even if a warning is turned into an exception
        return self._contents

    def _report(self, failed: list[BrokenPlugin]) -> None:
        for words, failures in (("plugin", failed), (f"{self.kind} plugin", self.broken)):
            for failure in failures:
                warnings.warn(f"The {words} {failure}", PluginWarning, stacklevel=4)
        for name, origins in self.duplicates.items():
            warnings.warn(self._conflict(name, origins), PluginWarning, stacklevel=4)

    def _collect(self, plugins: Iterable[_Plugin]) -> _Contents[T]:
        claims: dict[str, list[Extension[T]]] = {}
        broken: list[BrokenPlugin] = []
        for plugin in plugins:
            records = _attempt(plugin.source, broken, lambda plugin=plugin: self._records(plugin.hooks[self.hook]))
            for record in records or ():
                claims.setdefault(record.name, []).append(Extension(record, plugin.source.origin))
        return _Contents(claims, broken)

    def _records(self, call_hook: Callable[[], list[Any]]) -> list[T]:
        results = call_hook()
        if not results:  # pluggy drops a result of None
            raise PluginError(f"{self.hook} returned None instead of a list of records")
        records = [record for result in results for record in result]
        for record in records:
            if not isinstance(record, self._record_type):
                raise PluginError(f"{self.hook} returned {record!r}, which is not a {self._record_type.__name__}")
            if not isinstance(record.name, str) or not record.name:
                raise PluginError(f"{self.hook} returned {record!r}, whose name is not a non-empty string")
        return records


def _attempt(source: _Source, broken: list[BrokenPlugin], action: Callable[[], ResultT]) -> ResultT | None:
    """The action's result, or None after an exception, which is added to `broken`."""
    try:
        return action()
    except (Exception, SystemExit) as error:  # code of others may raise anything
        summary = " ".join("".join(traceback.format_exception_only(error)).split())
        broken.append(BrokenPlugin(source.label, source.origin, summary, traceback.format_exc()))
        return None


def _misspelt_hooks(callers: Iterable[pluggy.HookCaller], declared: Iterable[str]) -> list[str]:
    """The mistakes in hook implementations that are not declared but look like a declared one."""
    hooks = {_kind_of(name): name for name in declared}
    mistakes = []
    for caller in callers:
        if caller.has_spec() or all(impl.optionalhook for impl in caller.get_hookimpls()):
            continue
        # A plugin may implement hooks of a later version. Only a name close to a declared one is surely a mistake.
        for kind in difflib.get_close_matches(_kind_of(caller.name), hooks, n=1, cutoff=0.7):
            mistakes.append(f"no hook is called {caller.name}, did you mean {hooks[kind]}?")
    return mistakes


def _kind_of(hook: str) -> str:
    # The names of all hooks have a common start, which makes any two of them similar.
    return hook.removeprefix("ble_").removeprefix("register_")


def _selection() -> frozenset[str] | None:
    """The names in the environment variable; empty for "none", None for "all"."""
    setting = os.environ.get(SELECTION_VARIABLE, "all").strip()
    if setting.casefold() == "all":
        return None
    if setting.casefold() == "none":
        return frozenset()
    return frozenset(_normalized(name) for name in setting.split(",") if name.strip())


def _warn_of_unknown_selection(selection: frozenset[str], known: frozenset[str]) -> None:
    for name in sorted(selection - known - OWN_DISTRIBUTIONS):
        message = f"{SELECTION_VARIABLE} names {name!r}, but no installed plugin has this name.{_nearest(name, known)}"
        warnings.warn(message, PluginWarning, stacklevel=2)


def _is_ours(entry_point: metadata.EntryPoint) -> bool:
    return entry_point.dist is not None and _normalized(entry_point.dist.name) in OWN_DISTRIBUTIONS


def _names_of(entry_point: metadata.EntryPoint) -> frozenset[str]:
    """The names that select an entry point: its own and that of its distribution."""
    names = [entry_point.name, *([entry_point.dist.name] if entry_point.dist else [])]
    return frozenset(map(_normalized, names))


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).casefold()


def _package_origin(package: str) -> Origin:
    # Our distributions are named like their packages: ble-sim and ble_sim are one name to `metadata`.
    try:
        return _origin(metadata.distribution(package))
    except metadata.PackageNotFoundError:
        return Origin(package, None)


def _origin(distribution: metadata.Distribution | None) -> Origin:
    if distribution is None:
        return Origin("an unknown distribution", None)
    return Origin(distribution.name, distribution.version)
