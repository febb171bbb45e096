"""Options that travel through JSON."""

import enum
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from ble_sim.plugins import UnknownNameError
from ble_sim.plugins.options import options_from_json, options_to_json


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Shape(enum.StrEnum):
    BOX = "box"
    DELTA = "delta"


@dataclass(frozen=True)
class TailOptions:
    length: float = 1.0
    knots: tuple[int, ...] = (1, 2)


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


def test_missing_fields_have_their_defaults_and_unknown_ones_are_refused():
    assert options_from_json(KiteOptions, {"shape": "delta"}) == KiteOptions(shape=Shape.DELTA)
    with pytest.raises(UnknownNameError, match=r"Unknown option of KiteOptions 'color'. Did you mean 'colour'\?"):
        options_from_json(KiteOptions, {"color": "RED"})
    with pytest.raises(ValueError, match="'GREEN' is not a valid Colour"):
        options_from_json(KiteOptions, {"colour": "GREEN"})
