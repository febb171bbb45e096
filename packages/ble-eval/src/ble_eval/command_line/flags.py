"""Flags that choose an extension by name and set its options, and the other flags of every verb that flies an agent.

tyro makes flags of a dataclass. The types of the options depend on the names that are chosen, so these are looked for
among the words first, and the dataclass is made to fit.
"""

import argparse
import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

import tyro

from ble_agents.create import find_agent
from ble_env import task_parts
from ble_env.task_parts import Choice
from ble_eval.command_line.parsing import hyphenated, parse_words
from ble_sim.plugins.records import NoOptions
from ble_sim.plugins.registries import AGENTS, RENDERERS
from ble_sim.plugins.registry import Registry

ArgumentsT = TypeVar("ArgumentsT")


@dataclass(frozen=True, kw_only=True)
class AgentArguments:
    """Flags of every verb that flies an agent.

    `fitted` makes the subclass that is parsed: it has two fields for each part of the task, its name and its options,
    and the types of all options.
    """

    agent: str
    agent_options: Any = NoOptions()

    precision: Literal["float32", "float64"] = "float32"
    """Of the simulation: float32 is fast, float64 follows the original step by step."""

    seed: int = 0
    """Of the agent's randomness; in training also of the episodes."""


@dataclass(frozen=True, kw_only=True)
class FlightArguments(AgentArguments):
    """Flags of every verb that shows flights with a renderer on request."""

    renderer: str | None = None
    renderer_options: Any = NoOptions()

    render_period: int = 10
    """Agent steps between two pictures in the window."""


@dataclass(frozen=True)
class NameFlag:
    """A flag that chooses by name.

    Attributes:
        field: the field of the arguments, such as "wind_field"; the flag is --wind-field.
        find: the registration of a name.
        default: the name without the flag; None for nothing, or if the flag is required.
        summary: one sentence for --help.
        required: whether a name has to be given.
        hint: text of --help for a flag without a default.
        takes: what it takes, in --help.
    """

    field: str
    find: Callable[[str], Any]
    default: str | None
    summary: str
    required: bool = False
    hint: str = "(default: none)"
    takes: str = "NAME"

    @property
    def flag(self) -> str:
        """The flag, such as --wind-field."""
        return "--" + self.field.replace("_", "-")


def agent_flags() -> list[NameFlag]:
    """The agent and the parts of the task: names of `AgentArguments`."""
    parts = [NameFlag(part.argument, part.registry.get, part.default, part.summary) for part in task_parts.TASK_PARTS]
    return [NameFlag("agent", find_agent, None, "The agent.", required=True), *parts]


def name_flags() -> list[NameFlag]:
    """The agent, the parts of the task, the renderer: names of `FlightArguments`."""
    renderer = NameFlag("renderer", RENDERERS.get, None, "Shows the episodes in a window, one at a time.")
    return [*agent_flags(), renderer]


def look_for(words: Sequence[str], flags: Iterable[str], lists: Iterable[str] = ()) -> argparse.Namespace:
    """The values of flags among the words of a command line, before it is parsed: None for one that is not there.

    Args:
        words: the command line after the verb.
        flags: flags with one value.
        lists: flags with any number of values.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in flags:
        parser.add_argument(flag, nargs="?")
    for flag in lists:
        parser.add_argument(flag, nargs="*")
    return parser.parse_known_args([hyphenated(word) for word in words])[0]


def fitted(
    arguments_type: type[ArgumentsT],
    flags: Iterable[NameFlag],
    found: argparse.Namespace,
    saved: Mapping[str, Choice] = MappingProxyType({}),
    defaults: Mapping[str, Any] = MappingProxyType({}),
    more: Iterable[tuple[str, Any, Any]] = (),
) -> type[ArgumentsT]:
    """The dataclass to parse: a subclass with the flags of the extensions that are chosen.

    Args:
        arguments_type: an `AgentArguments`.
        flags: what is chosen by name.
        found: the names that `look_for` found.
        saved: choices, by the field, that stand for flags that are not given.
        defaults: values that replace those of other fields of `arguments_type`.
        more: further fields: name, type, default.

    Raises:
        UnknownNameError: a name is not installed.
        DuplicateNameError: several plugins claim it.
    """
    fields: list[tuple[str, Any, Any]] = []
    for one in flags:
        earlier = saved.get(one.field)
        default = earlier.name if earlier else one.default
        given = getattr(found, one.field)
        name = default if given is None else given
        options_type = NoOptions if name is None else one.find(name).options_type
        options = earlier.options if earlier and earlier.name == name else options_type()
        missing = one.required and default is None
        annotation = Annotated[
            str if one.required or default is not None else str | None,
            tyro.conf.arg(
                metavar=one.takes,
                help=f"{one.summary} With --help: its own options.",
                help_behavior_hint=one.hint if default is None and not missing else None,
            ),
        ]
        fields.append((one.field, annotation, field() if missing else field(default=default)))
        annotation = Annotated[options_type, tyro.conf.arg(name=one.flag.removeprefix("--"))]
        fields.append((f"{one.field}_options", annotation, _default(options)))
    types = {one.name: one.type for one in dataclasses.fields(arguments_type)}  # type: ignore[arg-type]
    fields += [(name, types[name], _default(value)) for name, value in defaults.items()]
    fields += [(name, annotation, _default(value)) for name, annotation, value in more]
    return dataclasses.make_dataclass(
        arguments_type.__name__, fields, bases=(arguments_type,), frozen=True, kw_only=True
    )


def _default(value: Any) -> Any:
    return field(default_factory=lambda: value)  # Options may hold what cannot be hashed, such as lists.


def parse_flight(
    arguments_type: type[ArgumentsT], words: Sequence[str], program: str, *registries: Registry[Any]
) -> ArgumentsT:
    """Parse a command line into what `fitted` made.

    Args:
        arguments_type: the dataclass.
        words: the command line after the verb.
        program: the command with the verb.
        registries: --help lists the names of these beside those of agents, parts of the task, and renderers if there
            is a flag for one.

    Raises:
        SystemExit: after --help, and with status 2 when the words cannot be parsed.
    """
    parts = [part.registry for part in task_parts.TASK_PARTS]
    renderers = [RENDERERS] if issubclass(arguments_type, FlightArguments) else []
    kinds = [AGENTS, *parts, *renderers, *registries]
    names = [f"{one.kind.capitalize()}s: {', '.join(one.names())}." for one in kinds]
    description = "\n\n".join([inspect.getdoc(arguments_type.__base__) or "", *names])
    return parse_words(arguments_type, words, program, description)


def task_choices(arguments: AgentArguments) -> dict[str, Choice]:
    """The parts of the task that are chosen, by their arguments."""
    return {
        part.argument: Choice(getattr(arguments, part.argument), getattr(arguments, f"{part.argument}_options"))
        for part in task_parts.TASK_PARTS
    }


def common_settings(arguments: AgentArguments) -> dict[str, Any]:
    """The fields of `ble_eval.settings.RunSettings`."""
    return {
        "agent": Choice(arguments.agent, arguments.agent_options),
        "task": task_choices(arguments),
        "precision": arguments.precision,
        "seed": arguments.seed,
    }
