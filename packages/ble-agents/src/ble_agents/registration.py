"""What a plugin says about an agent that it offers."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from ble_agents.agent import Agent
from ble_agents.configs import NoConfig


@dataclass(frozen=True)
class AgentRegistration:
    """An agent that can be asked for by name.

    Attributes:
        name: what it is asked for by.
        constructor: "package.module:attribute", imported only when the agent is made, or a callable; called
            as constructor(num_actions, observation_shape, seed=int or None, config=a config_type).
        config_type: a frozen dataclass, all of whose fields have defaults; command lines turn the fields into
            flags with the docstrings as help. Its module should not import jax.
        summary: one line for lists of agents.
    """

    name: str
    constructor: str | Callable[..., Agent]
    config_type: type = NoConfig
    summary: str = ""

    def __post_init__(self) -> None:
        if not dataclasses.is_dataclass(self.config_type):
            raise TypeError(f"The config_type of agent {self.name!r} is no dataclass: {self.config_type!r}.")
