"""The registry of collectors, and constructors of collectors by name."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ble_sim.plugins.registry import NoOptions, Registry, resolve
from ble_train import builtin_collectors, hookspecs
from ble_train.collectors.collector import Collector
from ble_train.registration import CollectorRegistration

COLLECTORS: Registry[CollectorRegistration] = Registry(
    kind=CollectorRegistration.kind,
    group="ble.collectors",
    hookspecs=hookspecs,
    hook="ble_register_collectors",
    builtins=(builtin_collectors,),
    record_type=CollectorRegistration,
)


def collector_names() -> list[str]:
    """The names that `create_collector_constructors` knows, sorted."""
    return COLLECTORS.names()


def options_field(name: str) -> str:
    """What a collector's options are called among those of all collectors: its name as an identifier."""
    return re.sub(r"\W", "_", name)


def create_collector_constructors(
    names: Iterable[str], configs: Mapping[str, Any] = MappingProxyType({})
) -> list[Callable[[str | None, int, int], Collector]]:
    """What `run_training_loop` and `CollectorDispatcher` make the collectors called `names` with.

    Args:
        names: some of `collector_names()`.
        configs: options by collector's name, instances of its registration's `options_type`; a collector that is
            not among them, or has None, gets the defaults.

    Raises:
        UnknownNameError: no collector has one of the names.
        DuplicateNameError: several plugins claim one of them.
        TypeError: options are not those of their collector.
        ValueError: there are options for a collector that is not among `names`.
    """
    names = list(names)
    if strangers := sorted(configs.keys() - set(names)):
        raise ValueError(f"There are options for {', '.join(strangers)}, but no such collector was asked for.")
    registrations = map(COLLECTORS.get, names)
    return [_Constructor(one, one.options(configs.get(one.name))) for one in registrations]


@dataclass(frozen=True)
class _Constructor:
    """Makes one collector; a module that cannot be imported shows only then, as a collector that fails."""

    registration: CollectorRegistration
    options: Any

    def __call__(self, base_dir: str | None, num_actions: int, current_episode: int) -> Collector:
        construct = resolve(self.registration.constructor)
        if self.registration.options_type is NoOptions:  # the original's signature
            return construct(base_dir, num_actions, current_episode)
        return construct(base_dir, num_actions, current_episode, options=self.options)

    def __str__(self) -> str:
        return self.registration.name
