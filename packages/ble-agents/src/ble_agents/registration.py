"""What a plugin says about an agent that it offers."""

from dataclasses import dataclass
from typing import ClassVar

from ble_sim.plugins.registry import Registration


@dataclass(frozen=True)
class AgentRegistration(Registration):
    """An agent that can be asked for by name.

    Its constructor is called as constructor(num_actions, observation_shape, seed=int or None, options=a options_type).
    """

    kind: ClassVar[str] = "agent"
