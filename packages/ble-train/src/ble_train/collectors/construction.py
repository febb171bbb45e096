"""Constructors of collectors by name."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ble_sim.plugins import CollectorRegistration
from ble_sim.plugins.registries import COLLECTORS
from ble_train.collectors.collector import Collector


def collector_names() -> list[str]:
    """Names of all installed collectors, sorted."""
    return COLLECTORS.names()


def options_field(name: str) -> str:
    """The field of a collector's options among those of all collectors: its name as an identifier."""
    return re.sub(r"\W", "_", name)


def create_collector_constructors(
    names: Iterable[str], options: Mapping[str, Any] = MappingProxyType({})
) -> list[Callable[[str | None, int, int], Collector]]:
    """The constructors of the collectors called `names`, for `run_training_loop` and `CollectorDispatcher`.

    Args:
        names: some of `collector_names()`.
        options: options by the collector's name, instances of its registration's `options_type`; a collector that is
            not among them, or has None, gets the defaults.

    Raises:
        UnknownNameError: no collector has one of the names.
        DuplicateNameError: several plugins claim one of them.
        TypeError: options are not those of their collector.
        ValueError: there are options for a collector that is not among `names`.
    """
    names = list(names)
    if unused := sorted(options.keys() - set(names)):
        raise ValueError(f"There are options for {', '.join(unused)}, but no such collector was asked for.")
    registrations = map(COLLECTORS.get, names)
    return [_Constructor(one, one.checked_options(options.get(one.name))) for one in registrations]


@dataclass(frozen=True)
class _Constructor:
    """Makes one collector; a module that cannot be imported shows only then, as a collector that fails."""

    registration: CollectorRegistration
    options: Any

    def __call__(self, base_dir: str | None, num_actions: int, current_episode: int) -> Collector:
        return self.registration.construct(base_dir, num_actions, current_episode, options=self.options)

    def __str__(self) -> str:
        return self.registration.name
