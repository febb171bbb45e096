"""The parts of a task that plugins offer, declared once: flags, settings and listings of all commands follow from it.

A new part is a `TaskPart` in `TASK_PARTS` and a field of `ble_env.Task`. Nothing here imports jax until a part is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


TASK_PARTS: tuple[TaskPart, ...] = (
    TaskPart("wind_field", WIND_FIELDS, "generative", "The wind that the balloon flies in."),
    TaskPart("observation", OBSERVATIONS, "perciatelli", "What the agent observes.", takes=("vehicle",)),
    TaskPart("reward", REWARDS, "station_keeping", "What the agent is rewarded for."),
)


def make_task_parts(choices: Mapping[str, Choice]) -> dict[str, Any]:
    """Construct the parts: arguments of `BalloonEnv`.

    Args:
        choices: for each part of `TASK_PARTS`, by its argument.

    Raises:
        UnknownNameError: no part has the name; a ValueError.
        ValueError: a part cannot be constructed; the message names it and the reason.
    """
    from ble_sim.balloon.vehicle import Vehicle

    made: dict[str, Any] = {"vehicle": Vehicle()}
    for part in TASK_PARTS:
        choice = choices[part.argument]
        part.registry.get(choice.name)
        try:
            made[part.argument] = part.make(choice.name, made, choice.options)
        except (ValueError, OSError, ImportError) as error:
            raise ValueError(f"Cannot make the {part.registry.kind} {choice.name!r}: {error}") from error
    return {part.argument: made[part.argument] for part in TASK_PARTS}
