"""Options as JSON, for files: settings of a run, descriptions of exported policies."""

import dataclasses
import enum
import json
import os
import types
import typing
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, TypeVar

from ble_sim.plugins.registry import unknown_name

OptionsT = TypeVar("OptionsT")


def options_to_json(options: Any) -> dict[str, Any]:
    """The values of options by name, in JSON types only: enums as their names, paths and other objects as text."""
    return json.loads(json.dumps(dataclasses.asdict(options), default=_plain))


def _plain(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return value.name
    return os.fspath(value) if isinstance(value, PurePath) else str(value)


def options_from_json(options_type: type[OptionsT], values: Mapping[str, Any]) -> OptionsT:
    """The options that `options_to_json` wrote. Missing fields take their defaults.

    Raises:
        ValueError: there is no such field, or a value is not allowed; the message names it.
    """
    fields = {field.name: field for field in dataclasses.fields(options_type)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(options_type)
    arguments = {}
    for name, value in values.items():
        if name not in fields:
            raise unknown_name(f"option of {options_type.__name__}", name, fields)
        arguments[name] = _restored(hints[name], value)
    return options_type(**arguments)


def _restored(hint: Any, value: Any) -> Any:
    """A value of JSON in the type of the hint: JSON has no tuples, dataclasses, paths or enums."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    choices = typing.get_args(hint) if is_union else (hint,)
    if type(value) in [typing.get_origin(choice) or choice for choice in choices]:
        return value
    for choice in choices:
        if dataclasses.is_dataclass(choice) and isinstance(choice, type) and isinstance(value, Mapping):
            return options_from_json(choice, value)
        if isinstance(choice, type) and isinstance(value, str) and issubclass(choice, PurePath):
            return choice(value)
        if isinstance(choice, type) and issubclass(choice, enum.Enum) and value is not None:
            member = choice.__members__.get(str(value))
            return choice(value) if member is None else member
        if isinstance(value, list) and typing.get_origin(choice) is tuple:
            items = typing.get_args(choice)
            hints = items[:1] * len(value) if items[1:] == (Ellipsis,) else items
            return tuple(_restored(*pair) for pair in zip(hints, value, strict=True))
    return tuple(value) if isinstance(value, list) else value
