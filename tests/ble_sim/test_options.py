"""Options that travel through JSON: each comes back as it was, or is refused when it is written."""

import dataclasses
import datetime as dt
import enum
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Optional, Union

import later_options
import numpy as np
import pytest

from ble_sim.plugins import UnknownNameError
from ble_sim.plugins.options import OptionError, options_from_json, options_to_json


class Colour(enum.Enum):
    RED = 1
    BLUE = 2
    AZURE = 2  # an alias


class Shape(enum.StrEnum):
    BOX = "box"
    DELTA = "delta"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Swapped(enum.Enum):
    A = "B"
    B = "A"


@dataclass(frozen=True)
class TailOptions:
    length: float = 1.0
    knots: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class LongTailOptions(TailOptions):
    ribbons: int = 3


@dataclass(frozen=True)
class StringOptions:
    length: float = 1.0


@dataclass(frozen=True)
class KiteOptions:
    colour: Colour = Colour.RED
    shape: Shape = Shape.BOX
    tail: TailOptions = TailOptions()
    plan: Path | None = None
    name: str | Path = "kite"
    sizes: tuple[float, str] = (1.0, "m")
    tails: tuple[TailOptions, ...] = ()
    seams: list[int] | None = None


@pytest.mark.parametrize(
    "options",
    [
        KiteOptions(),
        KiteOptions(Colour.BLUE, Shape.DELTA, TailOptions(2.0, ()), Path("plans/kite.npz"), "other", (2.5, "km")),
        KiteOptions(tails=(TailOptions(3.0), TailOptions(knots=(4,))), seams=[1, 2]),
    ],
)
def test_options_come_back_from_json_as_they_were(options):
    written = options_to_json(options)
    assert json.loads(json.dumps(written)) == written
    assert options_from_json(KiteOptions, written) == options


VALUES = {
    "path": (Path, Path("winds/table.csv")),
    "pure path": (PurePosixPath, PurePosixPath("/a b/c")),
    "path or text, a path": (str | Path, Path("box")),
    "path or text, text": (Path | str, "box"),
    "path or none": (Optional[Path], Path("x")),  # noqa: UP045 - as older plugins write it
    "enum": (Colour, Colour.BLUE),
    "alias of an enum": (Colour, Colour.AZURE),
    "enum of integers": (Level, Level.HIGH),
    "enum of integers or an integer": (int | Level, Level.HIGH),
    "integer or an enum of integers": (Level | int, 2),
    "enum whose names are its values": (Swapped, Swapped.A),
    "enum or text, an enum": (str | Shape, Shape.BOX),
    "enum or text, text": (Shape | str, "box"),
    "nested": (TailOptions, TailOptions(2.0, (5,))),
    "nested or none": (TailOptions | None, None),
    "one of two dataclasses": (TailOptions | StringOptions, StringOptions(3.0)),
    "one of two dataclasses that have defaults": (Union[StringOptions, TailOptions], TailOptions()),  # noqa: UP007
    "tuples of tuples": (tuple[tuple[int, int], ...], ((1, 2), (3, 4))),
    "fixed tuple": (tuple[int, str, Path], (1, "a", Path("b"))),
    "empty tuple": (tuple[()], ()),
    "integer or text, text": (int | str, "3"),
    "integer or text, a number": (int | str, 3),
    "truth or number, truth": (bool | int, True),
    "truth or number, a number": (bool | int, 1),
    "large integer": (int, 2**80),
    "not a number": (float, math.nan),
    "infinity": (float, -math.inf),
    "literal": (Literal["a", 1, True, None], True),
    "literal one": (Literal[True, 1], 1),
    "literal enum": (Literal[Colour.RED, Colour.BLUE], Colour.BLUE),
    "literal or none": (Literal["highest"] | None, None),
    "bytes": (bytes, b"\x00\xff"),
    "dict": (dict[str, float], {"a": 1.0, "type": 2.0}),
    "dict by number": (dict[int, tuple[Path, ...]], {1: (Path("a"),), 2: ()}),
    "mapping": (Mapping[str, int], {"a": 1}),
    "list": (list[Colour], [Colour.RED]),
    "frozenset": (frozenset[Path], frozenset({Path("a"), Path("b")})),
    "set": (set[int], {3, 1}),
    "anything, none": (Any, None),
    "date and time": (dt.datetime, dt.datetime(2012, 3, 1, 6, tzinfo=dt.UTC)),
    "date or time": (dt.datetime | dt.date, dt.date(2012, 3, 1)),
    "numpy in place of a number": (float, np.float32(0.1)),
    "numpy in place of an integer": (int, np.int64(3)),
    "numpy in place of truth": (bool, np.bool_(True)),
    "annotated": (Annotated[Path | None, "a note"], Path("a")),
    "text that is no ASCII": (str, "Ostwind \u2192 \ud83e\ude81".encode("utf-16", "surrogatepass").decode("utf-16")),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_many_types_come_back_as_they_were(name):
    hint, value = VALUES[name]
    kind = dataclasses.make_dataclass("Options", [("value", hint, field(default=None))], frozen=True)
    options = kind(value)
    written = json.loads(json.dumps(options_to_json(options), allow_nan=False))
    restored = options_from_json(kind, written).value
    assert restored == value or value != value
    assert type(restored) is type(value) or isinstance(value, int | np.generic)


class Unknown:
    def __repr__(self):
        return "an unknown"


@dataclass(frozen=True)
class HookOptions:
    hook: Callable[[], Any] | None = None
    thing: Any = None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (HookOptions(hook=len), "The option 'hook' of HookOptions cannot be kept in a file: <built-in function len>"),
        (HookOptions(thing=Unknown()), "'thing' of HookOptions cannot be kept in a file: an unknown, a Unknown"),
        (HookOptions(thing=np.zeros(3)), "'thing' of HookOptions .* a ndarray"),
        (HookOptions(thing=(1, 2)), r"'thing' of HookOptions .* \(1, 2\), a tuple, would not .* Its hint is Any"),
        (KiteOptions(plan="a.npz"), "'plan' .*: 'a.npz', a str, would not come back as it is. Its hint is .*Path"),
        (KiteOptions(sizes=[1.0, "m"]), r"'sizes' .*: \[1.0, 'm'\], a list"),
        (KiteOptions(sizes=(1.0,)), "'sizes' of KiteOptions"),
        (KiteOptions(tail=LongTailOptions()), "'tail' .*, a LongTailOptions,"),
        (KiteOptions(colour=1), "'colour' .*: 1, a int"),
    ],
)
def test_what_would_not_come_back_is_refused_with_the_option_and_its_type(options, message):
    with pytest.raises(OptionError, match=message) as caught:
        options_to_json(options)
    assert "\n" not in str(caught.value)


@dataclass(frozen=True)
class DerivedOptions:
    side: float = 2.0
    area: float = field(init=False)
    scale: InitVar[float] = 1.0

    def __post_init__(self, scale):
        object.__setattr__(self, "area", scale * self.side**2)


def test_fields_that_follow_from_others_are_not_written():
    assert options_to_json(DerivedOptions(3.0)) == {"side": 3.0}
    assert options_from_json(DerivedOptions, {"side": 3.0}) == DerivedOptions(3.0)
    with pytest.raises(OptionError, match=r"'area' of DerivedOptions cannot be kept in a file: 18.0, a float"):
        options_to_json(DerivedOptions(3.0, scale=2.0))


@dataclass(frozen=True, kw_only=True)
class InheritedOptions(KiteOptions):
    plan: Path | None = Path("inherited")
    extra: tuple[Colour, ...] = (Colour.RED,)
    note: str | None = field(default=None, compare=False)


def test_inherited_fields_and_fields_by_keyword():
    options = InheritedOptions(shape=Shape.DELTA, extra=(Colour.BLUE,))
    assert options_from_json(InheritedOptions, options_to_json(options)) == options


@dataclass(frozen=True, eq=False)
class IdentityOptions:
    size: int = 1


def test_options_that_are_compared_by_identity_have_the_same_fields():
    assert options_from_json(IdentityOptions, options_to_json(IdentityOptions(5))).size == 5


def test_hints_that_are_evaluated_later():
    options = later_options.LaterOptions(
        Path("a"), later_options.Frame(2.0, later_options.Wing.BENT), later_options.Frame(), ((1, "a"),), "delta"
    )
    assert options_from_json(type(options), json.loads(json.dumps(options_to_json(options)))) == options


def test_hints_that_cannot_be_found_are_refused():
    with pytest.raises(OptionError, match=r"UnknownHintOptions cannot be kept in a file: name 'Kite' is not defined"):
        options_to_json(later_options.UnknownHintOptions())


def test_missing_fields_have_their_defaults_and_unknown_ones_are_refused():
    assert options_from_json(KiteOptions, {"shape": "delta"}) == KiteOptions(shape=Shape.DELTA)
    with pytest.raises(UnknownNameError, match=r"Unknown option of KiteOptions 'color'. Did you mean 'colour'\?"):
        options_from_json(KiteOptions, {"color": "RED"})


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (KiteOptions, {"colour": "GREEN"}, "'colour' of KiteOptions cannot be 'GREEN': .* Its hint is .*Colour"),
        (KiteOptions, {"tail": {"length": "long"}}, "'tail' of KiteOptions .* expected float @ value.length"),
        (KiteOptions, {"tail": {"size": 1.0}}, r"'tail' of KiteOptions .* extra fields found \(size\)"),
        (KiteOptions, {"tail": 3}, "'tail' of KiteOptions cannot be 3"),
        (KiteOptions, {"tails": [{"knots": [1.5]}]}, r"'tails' of .* expected int @ value\[0\].knots\[0\]"),
        (KiteOptions, {"tails": [{"length": True}]}, r"'tails' of .* expected float @ value\[0\].length"),
        (KiteOptions, {"seams": 3}, r"'seams' of KiteOptions cannot be 3"),
        (KiteOptions, {"sizes": [1.0]}, r"'sizes' of KiteOptions cannot be \[1.0\]"),
        (KiteOptions, {"name": {"type": "Colour", "value": "RED"}}, "'name' of KiteOptions cannot be"),
        (KiteOptions, [1], r"\[1\] is not an object with the fields of KiteOptions"),
    ],
)
def test_what_cannot_be_read_is_named(kind, values, message):
    with pytest.raises(OptionError, match=message):
        options_from_json(kind, values)


def test_values_written_by_hand_need_no_type():
    assert options_from_json(KiteOptions, {"name": "other", "tail": {"length": 3}}) == KiteOptions(
        name="other", tail=TailOptions(3.0)
    )


def test_numbers_of_json_take_the_type_of_the_hint():
    assert type(options_from_json(TailOptions, {"length": 3}).length) is float
    assert options_from_json(TailOptions, {"knots": [1.0, 2]}).knots == (1, 2)
