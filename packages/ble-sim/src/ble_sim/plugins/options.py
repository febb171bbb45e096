"""Options from JSON, where they are kept beside what was trained with them."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from ble_sim.plugins.registry import unknown_name

OptionsT = TypeVar("OptionsT")


def options_from_json(options_type: type[OptionsT], values: Mapping[str, Any]) -> OptionsT:
    """The options that `dataclasses.asdict` made the values of; fields that are missing have their defaults.

    Raises:
        ValueError: there is no such field, or a value is not allowed; the message names it.
    """
    fields = {field.name: field for field in dataclasses.fields(options_type)}  # type: ignore[arg-type]
    types = typing.get_type_hints(options_type)
    arguments = {}
    for name, value in values.items():
        if name not in fields:
            raise unknown_name(f"option of {options_type.__name__}", name, fields)
        arguments[name] = _restored(types[name], value)
    return options_type(**arguments)


def _restored(kind: Any, value: Any) -> Any:
    """JSON knows neither tuples nor dataclasses."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and isinstance(value, Mapping):
        return options_from_json(kind, value)
    return tuple(value) if isinstance(value, list) else value
