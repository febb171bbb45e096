"""Options as JSON, for files: settings of a run, descriptions of exported policies.

JSON has no tuples, paths, enums or dataclasses: cattrs writes them plainly, and reads them by the hints of the fields.
Options that would not come back as they were are refused when they are written.
"""

import dataclasses
import enum
import functools
import inspect
import json
import math
import operator
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from ble_sim.plugins.registry import unknown_name

if TYPE_CHECKING:
    from cattrs import Converter

OptionsT = TypeVar("OptionsT")


class OptionError(ValueError):
    """A value of an option that JSON cannot hold, or that the option cannot have."""


def options_to_json(options: Any) -> dict[str, Any]:
    """The values of options by name, in JSON types only: `options_from_json` makes equal options of them.

    Fields that `__init__` does not take are left out.

    Raises:
        OptionError: a value does not come back as it was; the message names the option and its type.
    """
    kind = type(options)
    written = {}
    for name, hint in _hints(kind).items():
        value = getattr(options, name)
        try:
            plain = _converter().unstructure(value, unstructure_as=hint)
            written[name] = json.loads(json.dumps(plain, allow_nan=False))
        except Exception as error:  # Hooks may raise anything.
            raise _not_kept(kind, name, value) from error
    restored = options_from_json(kind, written)
    for field in dataclasses.fields(kind):
        value = getattr(options, field.name)
        if field.compare and not _same(value, getattr(restored, field.name)):
            raise _not_kept(kind, field.name, value)
    return written


def options_from_json(options_type: type[OptionsT], values: Mapping[str, Any]) -> OptionsT:
    """The options that `options_to_json` wrote. Missing fields take their defaults.

    Raises:
        OptionError: a value is not allowed, or a field without a default is missing; the message names it.
        UnknownNameError: (a ValueError) there is no such field.
        ValueError: the options refuse a value.
    """
    if not isinstance(values, Mapping):
        raise OptionError(f"{values!r} is not an object with the fields of {options_type.__name__}.")
    hints = _hints(options_type)
    arguments = {}
    for name, value in values.items():
        if name not in hints:
            raise unknown_name(f"option of {options_type.__name__}", name, hints)
        try:
            arguments[name] = _converter().structure(value, hints[name])
        except Exception as error:  # A group of errors, or what a hook raises.
            raise OptionError(
                f"The option {name!r} of {options_type.__name__} cannot be {value!r}: {_reasons(error)}."
                f" Its hint is {inspect.formatannotation(hints[name])}."
            ) from error
    try:
        return options_type(**arguments)
    except TypeError as error:
        raise OptionError(f"{options_type.__name__}: {error}.") from error


def _hints(kind: type) -> dict[str, Any]:
    """The hints of the fields that `__init__` takes, by name."""
    try:
        hints = typing.get_type_hints(kind)
    except NameError as error:
        raise OptionError(
            f"The options {kind.__name__} cannot be kept in a file: {error}. Import it at run time, not only for types."
        ) from error
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


def _not_kept(kind: type, name: str, value: object) -> OptionError:
    hint = inspect.formatannotation(typing.get_type_hints(kind)[name])
    return OptionError(
        f"The option {name!r} of {kind.__name__} cannot be kept in a file: {value!r}, a {type(value).__name__}, would"
        f" not come back as it is. Its hint is {hint}."
    )


def _reasons(error: Exception) -> str:
    from cattrs import transform_error

    return "; ".join(transform_error(error, path="value"))


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal, or look equal where a class compares by identity or a number is nan."""
    try:
        return bool(one == other) or repr(one) == repr(other)
    except ValueError:  # Arrays have no truth value.
        return False


@functools.cache
def _converter() -> "Converter":
    from cattrs.preconf.json import make_converter  # Here, since most commands read and write no options.

    converter = make_converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(bool, bool)
    converter.register_unstructure_hook(int, operator.index)  # Also numpy's.
    converter.register_unstructure_hook(float, lambda value: float(value) if math.isfinite(value) else str(value))
    for kind in (bool, int, float, str):
        converter.register_structure_hook(kind, _read_scalar)
    converter.register_unstructure_hook_func(lambda hint: _is_class(hint, PurePath), str)
    converter.register_structure_hook_func(lambda hint: _is_class(hint, PurePath), lambda value, hint: hint(value))
    converter.register_unstructure_hook_factory(_needs_type, lambda hint: _typed(converter, hint)[0])
    converter.register_structure_hook_factory(_needs_type, lambda hint: _typed(converter, hint)[1])
    return converter


def _read_scalar(value: Any, kind: type) -> Any:
    """A JSON value as `kind`, if it is of this kind: cattrs takes 3.7 for 3 and "false" for True."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if issubclass(kind, enum.Enum):  # IntEnum and StrEnum, which check their values.
        allowed = True
    elif issubclass(kind, bool | str):
        allowed = isinstance(value, bool if kind is bool else str)
    elif issubclass(kind, float):
        allowed = is_number or value in ("nan", "inf", "-inf")
    else:
        allowed = value == int(value) if is_number else value == str(int(value))  # The keys of JSON are text.
    if not allowed:
        raise ValueError(value)
    return kind(value)


def _is_class(hint: Any, base: type) -> bool:
    return isinstance(hint, type) and issubclass(hint, base)


def _needs_type(hint: Any) -> bool:
    """Whether a hint allows several types whose values may look alike in JSON."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return False
    members = {one for one in typing.get_args(hint) if one is not type(None)}
    return len(members) > 1 and not members <= {bool, int, float, str}


def _typed(converter: "Converter", hint: Any) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    """Writes and reads a value with the name of its type: {"type": "Path", "value": "winds.nc"}."""
    members = [(typing.get_origin(one) or one, one) for one in typing.get_args(hint) if one is not type(None)]

    def write(value: Any) -> Any:
        if value is None:
            return None
        fitting = [pair for pair in members if type(value) is pair[0]] or [
            pair for pair in members if isinstance(value, pair[0])
        ]
        kind, member = fitting[0]
        return {"type": kind.__name__, "value": converter.unstructure(value, unstructure_as=member)}

    def read(value: Any, _: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Mapping) and value.keys() == {"type", "value"}:
            member = next(one for kind, one in members if kind.__name__ == value["type"])
            return converter.structure(value["value"], member)
        for _, member in members:  # Written by hand, without a type.
            try:
                return converter.structure(value, member)
            except Exception:
                continue
        raise ValueError(value)

    return write, read
