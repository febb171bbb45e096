"""Wind fields by name: those of this package and those that other packages bring.

Nothing here imports jax: the names can be listed before anything is computed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ble_sim import hookspecs
from ble_sim.plugins import Registry, hookimpl, resolve

if TYPE_CHECKING:
    from ble_sim.wind.field import WindField


@dataclass(frozen=True)
class WindFieldRegistration:
    """A wind field that can be asked for by name."""

    name: str
    constructor: "str | Callable[[], WindField]"
    """What makes it, or "package.module:attribute", imported only when the field is used."""
    summary: str = ""


class _BuiltinWindFields:
    @hookimpl
    def ble_register_wind_fields(self) -> Iterable[WindFieldRegistration]:
        return [
            WindFieldRegistration(
                "generative",
                "ble_sim.wind.generative:GenerativeWindField",
                "winds decoded by a generative model of the stratosphere, as in the benchmark",
            ),
            WindFieldRegistration(
                "simple", "ble_sim.wind.static:SimpleStaticWindField", "four layers of steady wind, for experiments"
            ),
        ]


WIND_FIELDS: Registry[WindFieldRegistration] = Registry(
    kind="wind field",
    group="ble.wind_fields",
    hookspecs=hookspecs,
    hook="ble_register_wind_fields",
    builtins=[_BuiltinWindFields()],
    record_type=WindFieldRegistration,
)


def make_wind_field(name: str) -> "WindField":
    """Construct the wind field called `name`.

    Raises:
        UnknownNameError: no installed package brings it; the message lists those there are.
        DuplicateNameError: several do.
    """
    return resolve(WIND_FIELDS.get(name).constructor)()
