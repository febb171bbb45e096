"""The parts of a task that plugins offer, declared once: flags, settings and listings of all commands follow from it.

A new part is a `TaskPart` in `TASK_PARTS` and a field of `ble_env.Task`. Nothing here imports jax until a part is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ble_sim.plugins import unknown_name
from ble_sim.plugins.hashable import UnhashableError, require_hashable
from ble_sim.plugins.options import options_from_json
from ble_sim.plugins.registries import OBSERVATIONS, REWARDS, WIND_FIELDS
from ble_sim.plugins.registry import Registry


@dataclass(frozen=True)
class TaskPart:
    """A part of a task.

    Attributes:
        argument: keyword argument of the environments, such as "wind_field".
        registry: its extensions by name.
        default: name of the benchmark's extension.
        summary: one sentence for help texts.
        takes: arguments of its constructor before the options: "vehicle", or the `argument` of earlier parts.
    """

    argument: str
    registry: Registry[Any]
    default: str
    summary: str
    takes: tuple[str, ...] = ()

    def make(self, name: str, made: Mapping[str, Any], options: Any = None) -> Any:
        """Construct the part called `name`; `made` has the values of `takes`.

        Raises:
            UnknownNameError: no part has the name; a ValueError.
        """
        return self.registry.make(name, *(made[argument] for argument in self.takes), options=options)


@dataclass(frozen=True)
class Choice:
    """An extension that is chosen by name.

    Attributes:
        name: registered name.
        options: an instance of its `options_type`.
    """

    name: str
    options: Any


def choice_of(registry: Registry[Any], given: str | Mapping[str, Any]) -> Choice:
    """The choice that an argument of an environment describes in plain values.

    Args:
        registry: of the argument's kind.
        given: the name of an extension, or {"name": NAME, "options": {FIELD: VALUE}}. The options may be left out, or
            be an instance of the extension's `options_type`.

    Raises:
        UnknownNameError: no extension has the name, or no option; a ValueError.
        ValueError: the dictionary has other keys, or an option has a value that is not allowed.
    """
    if isinstance(given, str):
        return Choice(given, None)
    kind = registry.kind
    for key in given:
        if key not in ("name", "options"):
            raise unknown_name(f"key of a {kind}", str(key), ["name", "options"])
    name, options = given.get("name"), given.get("options")
    if not isinstance(name, str):
        raise ValueError(f'a {kind} as a dictionary has the keys "name" and "options", got {dict(given)!r}')
    record = registry.get(name)
    if isinstance(options, Mapping):
        try:
            options = options_from_json(record.options_type, options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"The options of the {kind} {name!r} are not valid: {error}") from error
    return Choice(name, options)


TASK_PARTS: tuple[TaskPart, ...] = (
    TaskPart("wind_field", WIND_FIELDS, "generative", "The wind that the balloon flies in."),
    TaskPart("observation", OBSERVATIONS, "perciatelli", "What the agent observes.", takes=("vehicle",)),
    TaskPart("reward", REWARDS, "station_keeping", "What the agent is rewarded for."),
)


def check_hashable(part: TaskPart, value: object) -> None:
    """Check that JAX can keep compiled code for a part of a task.

    Raises:
        UnhashableError: it cannot be hashed; the message names its class and fields, and says what to change.
    """
    advice = "Large arrays of a wind field are its parameters()." if part.argument == "wind_field" else ""
    require_hashable(f"the {part.registry.kind}", value, advice)


def make_task_parts(choices: Mapping[str, Choice]) -> dict[str, Any]:
    """Construct the parts: arguments of `BalloonEnv`.

    Args:
        choices: for each part of `TASK_PARTS`, by its argument.

    Raises:
        UnknownNameError: no part has the name; a ValueError.
        ValueError: a part cannot be constructed, or cannot be hashed; the message names it and the reason.
    """
    from ble_sim.balloon.vehicle import Vehicle

    made: dict[str, Any] = {"vehicle": Vehicle()}
    for part in TASK_PARTS:
        choice = choices[part.argument]
        part.registry.get(choice.name)
        try:
            made[part.argument] = part.make(choice.name, made, choice.options)
            check_hashable(part, made[part.argument])
        except (ValueError, OSError, ImportError, UnhashableError) as error:
            raise ValueError(f"Cannot make the {part.registry.kind} {choice.name!r}: {error}") from error
    return {part.argument: made[part.argument] for part in TASK_PARTS}
