"""The records that plugins return: one class for each kind of extension.

A constructor is called by one rule for all kinds: `constructor(*arguments of the kind, options=OPTIONS)`. `options` is
passed only if the record names an `options_type`.
"""

import dataclasses
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ble_sim.plugins.tracks import InformationTrack


@dataclass(frozen=True)
class NoOptions:
    """The options of an extension that has none."""


def resolve(target: str | Callable[..., Any]) -> Callable[..., Any]:
    """The callable that a record's `constructor` is, or names as "package.module:attribute"."""
    return pkgutil.resolve_name(target) if isinstance(target, str) else target


@dataclass(frozen=True)
class Registration:
    """An extension with a name, and how it is constructed. One subclass for each kind.

    Attributes:
        name: unique among the extensions of its kind.
        constructor: "package.module:attribute", imported only when it is used, or a callable.
        options_type: type of its options: a frozen dataclass all of whose fields have defaults. Command lines turn the
            fields into flags, with the docstrings as help. Its module should not import jax.
        summary: one line for lists.

    Raises:
        TypeError: `options_type` is not a dataclass.
    """

    kind: ClassVar[str]
    """The word for one extension of this kind in messages."""
    hook: ClassVar[str]
    """Name of the hook that returns these records."""

    name: str
    constructor: str | Callable[..., Any]
    options_type: type = NoOptions
    summary: str = ""

    def __post_init__(self) -> None:
        if not dataclasses.is_dataclass(self.options_type):
            raise TypeError(f"The options_type of {self.kind} {self.name!r} is no dataclass: {self.options_type!r}.")

    def checked_options(self, options: Any = None) -> Any:
        """`options` if they are of this extension's type; the defaults for None.

        Raises:
            TypeError: they are of another type.
        """
        options = self.options_type() if options is None else options
        if not isinstance(options, self.options_type):
            wanted = f"{self.options_type.__module__}.{self.options_type.__qualname__}"
            raise TypeError(f"The options of {self.kind} {self.name!r} are a {wanted}, not {options!r}.")
        return options

    def construct(self, *arguments: Any, options: Any = None, **keywords: Any) -> Any:
        """Call the constructor.

        Args:
            *arguments: the positional arguments of the kind.
            options: an instance of `options_type`; None for the defaults.
            **keywords: the keyword arguments of the kind.

        Raises:
            TypeError: `options` are of another type.
        """
        options = self.checked_options(options)
        if self.options_type is not NoOptions:
            keywords["options"] = options
        return resolve(self.constructor)(*arguments, **keywords)


class WindFieldRegistration(Registration):
    """A `ble_sim.wind.field.WindField`: constructor(options=OPTIONS)."""

    kind: ClassVar[str] = "wind field"
    hook: ClassVar[str] = "ble_register_wind_fields"


class ObservationRegistration(Registration):
    """A `ble_env.observation.function.ObservationFunction`: constructor(vehicle, options=OPTIONS)."""

    kind: ClassVar[str] = "observation"
    hook: ClassVar[str] = "ble_register_observations"


class RewardRegistration(Registration):
    """A `ble_env.reward.RewardFunction`: constructor(options=OPTIONS)."""

    kind: ClassVar[str] = "reward"
    hook: ClassVar[str] = "ble_register_rewards"


class RendererRegistration(Registration):
    """A `ble_env.rendering.renderer.Renderer`: constructor(station_keeping_radius_km, options=OPTIONS)."""

    kind: ClassVar[str] = "renderer"
    hook: ClassVar[str] = "ble_register_renderers"


@dataclass(frozen=True)
class AgentRegistration(Registration):
    """A `ble_agents.agent.Agent`: constructor(num_actions, observation_shape, seed=SEED, options=OPTIONS).

    SEED is an integer, or None for a seed drawn at random.

    Attributes:
        information_track: that of the agent, for lists and tables, which do not import it.
    """

    kind: ClassVar[str] = "agent"
    hook: ClassVar[str] = "ble_register_agents"

    information_track: InformationTrack = InformationTrack.OBSERVATION


class NetworkRegistration(Registration):
    """A `ble_agents.networks.network.Network`: constructor(num_actions, options=OPTIONS).

    Files of exported policies hold the name and the options, so neither may change later.
    """

    kind: ClassVar[str] = "network"
    hook: ClassVar[str] = "ble_register_networks"


class SuiteRegistration(Registration):
    """A `ble_eval.suites.EvaluationSuite`: constructor(options=OPTIONS).

    The constructor is called for each use of the suite. It may read files; the import of its module should not.
    """

    kind: ClassVar[str] = "suite"
    hook: ClassVar[str] = "ble_register_suites"


class CollectorRegistration(Registration):
    """A `ble_train.collectors.collector.Collector`.

    constructor(base_dir, num_actions, current_episode, options=OPTIONS)
    """

    kind: ClassVar[str] = "collector"
    hook: ClassVar[str] = "ble_register_collectors"
