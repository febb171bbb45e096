"""What a plugin says about a collector that it offers."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from ble_agents.configs import NoConfig
from ble_train.collectors.collector import Collector


@dataclass(frozen=True)
class CollectorRegistration:
    """A collector that can be asked for by name.

    Attributes:
        name: what it is asked for by.
        constructor: "package.module:attribute", imported only when the collector is made, or a callable; called
            as constructor(base_dir, num_actions, current_episode), with config=a config_type besides if there
            is one.
        config_type: a frozen dataclass, all of whose fields have defaults; command lines turn the fields into
            flags with the docstrings as help. Its module should not import jax.
        summary: one line for lists of collectors.
    """

    name: str
    constructor: str | Callable[..., Collector]
    config_type: type = NoConfig
    summary: str = ""

    def __post_init__(self) -> None:
        if not dataclasses.is_dataclass(self.config_type):
            raise TypeError(f"The config_type of collector {self.name!r} is no dataclass: {self.config_type!r}.")
