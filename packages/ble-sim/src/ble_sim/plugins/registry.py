"""Extension points: one registry per kind of extension, filled by pluggy hooks.

Every kind (wind fields, features, rewards, agents, collectors, suites) is one `Registry`. It asks the plugins
built into our own packages first, then one by one those that installed distributions announce under an
entry-point group. A plugin is a module or object whose hook implementation returns registration records:

    # my_package/ble_plugin.py
    from ble_sim.plugins.registry import hookimpl

    @hookimpl
    def ble_register_agents():
        return [AgentRegistration(name="my_agent", constructor="my_package.agent:MyAgent", summary="...")]

    # pyproject.toml of my_package
    [project.entry-points."ble.agents"]
    my_agent = "my_package.ble_plugin"

A plugin that fails is reported by a `PluginWarning` and kept in `Registry.broken`; the others still work.

The environment variable `BLE_PLUGINS` says which plugins of others are loaded, when a registry is first asked:

    BLE_PLUGINS=all                 all that are installed; the same as leaving it unset
    BLE_PLUGINS=none                none: only what our own distributions bring; the same as leaving it empty
    BLE_PLUGINS=my-package,kites    those whose entry point or distribution has one of these names

Those of our own distributions (`OWN_DISTRIBUTIONS`) are always loaded.
"""

import dataclasses
import difflib
import functools
import os
import pkgutil
import re
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import pluggy

PROJECT = "ble"
"""pluggy's project name, shared by the hooks of all packages."""

OWN_DISTRIBUTIONS = frozenset({"ble-sim", "ble-env", "ble-agents", "ble-train", "ble-eval"})
"""Whose plugins are built in: `BLE_PLUGINS` does not choose among them."""

SELECTION_VARIABLE = "BLE_PLUGINS"
"""The environment variable that chooses among the plugins of others."""

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


@dataclass(frozen=True)
class NoOptions:
    """The options of an extension that has none."""


def resolve(target: str | Callable[..., Any]) -> Callable[..., Any]:
    """The callable that a record holds: itself, or "package.module:attribute", imported only here."""
    return pkgutil.resolve_name(target) if isinstance(target, str) else target


@dataclass(frozen=True)
class Registration:
    """What a plugin says about something that is asked for by name and may have options; one subclass a kind.

    Attributes:
        name: what it is asked for by.
        constructor: what makes it: "package.module:attribute", imported only when it is used, or a callable.
        options_type: its options, a frozen dataclass all of whose fields have defaults; command lines turn the fields
            into flags with the docstrings as help. Its module should not import jax.
        summary: one line for lists.
    """

    kind: ClassVar[str]
    """What one of these is called in messages."""

    name: str
    constructor: str | Callable[..., Any]
    options_type: type = NoOptions
    summary: str = ""

    def __post_init__(self) -> None:
        if not dataclasses.is_dataclass(self.options_type):
            raise TypeError(f"The options_type of {self.kind} {self.name!r} is no dataclass: {self.options_type!r}.")

    def options(self, options: Any = None) -> Any:
        """`options` if it holds this extension's options, the defaults for None.

        Raises:
            TypeError: it does not.
        """
        options = self.options_type() if options is None else options
        if not isinstance(options, self.options_type):
            wanted = f"{self.options_type.__module__}.{self.options_type.__qualname__}"
            raise TypeError(f"The options of {self.kind} {self.name!r} are a {wanted}, not {options!r}.")
        return options

    def construct(self, *arguments: Any, options: Any = None) -> Any:
        """Call the constructor with `arguments`, and with the options as keywords. Raises as `options` does."""
        options = self.options(options)
        keywords = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
        return resolve(self.constructor)(*arguments, **keywords)


@dataclass(frozen=True)
class Origin:
    """What an extension came from.

    Attributes:
        distribution: its name, or that of the package when it is not installed as one.
        version: of the distribution; None when it is not installed.
    """

    distribution: str
    version: str | None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}" if self.version else f"{self.distribution} (not installed)"


@dataclass(frozen=True)
class Extension(Generic[T]):
    """A record that a plugin returned, and what brought it."""

    record: T
    origin: Origin


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that cannot be used, or only in part.

    Attributes:
        plugin: the entry point ("name = module:attribute"), or the module of a built-in.
        origin: what announces it.
        error: the exception in one line.
        traceback: the full traceback, formatted.
        left_out: whether nothing of it is used; else it has a mistake beside what works.
    """

    plugin: str
    origin: Origin
    error: str
    traceback: str
    left_out: bool = True


@dataclass(frozen=True)
class _Source:
    """A plugin not loaded yet."""

    label: str
    origin: Origin
    load: Callable[[], object]


@dataclass(frozen=True)
class _Contents(Generic[T]):
    """What loading found: claims per name (more than one is a conflict) and the plugins that failed."""

    claims: dict[str, list[Extension[T]]]
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
        return self._claim(name).record

    def origin(self, name: str) -> str:
        """The "distribution version" that the record called `name` came from. Raises as `get` does."""
        return str(self._claim(name).origin)

    def extensions(self) -> list[Extension[T]]:
        """What `get` answers, with what it came from, in the order of the names."""
        claims = self._load().claims
        return [claims[name][0] for name in self.names()]

    @property
    def broken(self) -> list[BrokenPlugin]:
        """Plugins that failed to load, or have a mistake."""
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
            fate = "is left out" if failure.left_out else "has a mistake"
            message = f"The {self.kind} plugin {failure.plugin!r} of {failure.origin} {fate}: {failure.error}"
            warnings.warn(message, PluginWarning, stacklevel=4)
        for name, origins in self.duplicates.items():
            warnings.warn(self._conflict(name, origins), PluginWarning, stacklevel=4)

    def _collect(self) -> _Contents[T]:
        claims: dict[str, list[Extension[T]]] = {}
        broken: list[BrokenPlugin] = []
        for source in self._sources():
            try:
                records, strays = self._records(source)
            except (Exception, SystemExit) as error:  # a stranger's code may raise anything
                summary = " ".join("".join(traceback.format_exception_only(error)).split())
                broken.append(BrokenPlugin(source.label, source.origin, summary, traceback.format_exc()))
                continue
            for record in records:
                claims.setdefault(record.name, []).append(Extension(record, source.origin))
            broken += [BrokenPlugin(source.label, source.origin, stray, "", left_out=False) for stray in strays]
        return _Contents(claims, broken)

    def _sources(self) -> Iterator[_Source]:
        for plugin in self._builtins:
            label = getattr(plugin, "__name__", type(plugin).__name__)
            yield _Source(label, _builtin_origin(plugin), lambda plugin=plugin: plugin)
        installed = metadata.entry_points()
        selection = _selection()
        if selection:
            groups = {self.group, *(group for group in installed.groups if group.startswith(f"{PROJECT}."))}
            points = [point for group in groups for point in installed.select(group=group)]
            _warn_of_unknown_selection(selection, frozenset().union(*map(_names_of, points)))
        for point in installed.select(group=self.group):
            if selection is None or _is_ours(point) or _names_of(point) & selection:
                yield _Source(f"{point.name} = {point.value}", _origin(point.dist), point.load)

    def _records(self, source: _Source) -> tuple[list[T], list[str]]:
        """The records of a plugin, and what is wrong with its other hooks."""
        # A manager for each plugin: within one, pluggy joins the answers of all plugins and lets one failure
        # end the call, but here every answer needs its origin and every failure its culprit.
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(self._hookspecs)
        plugin = source.load()
        manager.register(plugin)
        strays = _misspelt_hooks(manager, plugin)
        answers = getattr(manager.hook, self._hook)
        if not answers.get_hookimpls():
            missing = f"it has no function {self._hook} decorated with ble_sim.plugins.registry.hookimpl"
            raise PluginError("; ".join([missing, *strays]))
        results = answers()
        if not results:  # pluggy drops an answer of None
            raise PluginError(f"{self._hook} returned None instead of a list of records")
        records = [record for result in results for record in result]
        for record in records:
            if not isinstance(record, self._record_type):
                raise PluginError(f"{self._hook} returned {record!r}, which is not a {self._record_type.__name__}")
            if not isinstance(getattr(record, "name", None), str) or not record.name:
                raise PluginError(f"{self._hook} returned {record!r}, whose name is not a non-empty string")
        return records, strays


def _misspelt_hooks(manager: pluggy.PluginManager, plugin: object) -> list[str]:
    """What is wrong with hook implementations that are none of the manager's hooks but look like one."""
    callers = manager.get_hookcallers(plugin) or []
    hooks = {_kind_of(name): name for name, caller in vars(manager.hook).items() if caller.has_spec()}
    mistakes = []
    for caller in callers:
        if caller.has_spec() or all(impl.optionalhook for impl in caller.get_hookimpls()):
            continue
        # A plugin may implement the hooks of several packages, not all of which need be installed: only what is
        # nearly one of these hooks is a mistake for certain.
        for kind in difflib.get_close_matches(_kind_of(caller.name), hooks, n=1, cutoff=0.7):
            mistakes.append(f"no hook is called {caller.name}, did you mean {hooks[kind]}?")
    return mistakes


def _kind_of(hook: str) -> str:
    # The names of all hooks begin alike, which would make any two of them similar.
    return hook.removeprefix("ble_").removeprefix("register_")


def _selection() -> frozenset[str] | None:
    """The names that the environment variable lists, none for "none"; None for all."""
    setting = os.environ.get(SELECTION_VARIABLE, "all").strip()
    if setting.casefold() == "all":
        return None
    if setting.casefold() == "none":
        return frozenset()
    return frozenset(_normalized(name) for name in setting.split(",") if name.strip())


@functools.cache
def _warn_of_unknown_selection(selection: frozenset[str], known: frozenset[str]) -> None:
    # Cached, so that one registry after the other does not say it again.
    for name in sorted(selection - known - OWN_DISTRIBUTIONS):
        nearest = difflib.get_close_matches(name, known, n=1)
        question = f" Did you mean {nearest[0]!r}?" if nearest else ""
        message = f"{SELECTION_VARIABLE} names {name!r}, but no installed plugin is called so.{question}"
        warnings.warn(message, PluginWarning, stacklevel=2)


def _is_ours(entry_point: metadata.EntryPoint) -> bool:
    return entry_point.dist is not None and _normalized(entry_point.dist.name) in OWN_DISTRIBUTIONS


def _names_of(entry_point: metadata.EntryPoint) -> frozenset[str]:
    """What an entry point can be selected by: its own name and that of its distribution."""
    names = [entry_point.name, *([entry_point.dist.name] if entry_point.dist else [])]
    return frozenset(map(_normalized, names))


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).casefold()


def _builtin_origin(plugin: object) -> Origin:
    # Our distributions are named like their packages: ble-sim and ble_sim are one name to `metadata`.
    package = str(getattr(plugin, "__name__", type(plugin).__module__)).partition(".")[0]
    try:
        return _origin(metadata.distribution(package))
    except metadata.PackageNotFoundError:
        return Origin(package, None)


def _origin(distribution: metadata.Distribution | None) -> Origin:
    if distribution is None:
        return Origin("an unknown distribution", None)
    return Origin(distribution.name, distribution.version)
