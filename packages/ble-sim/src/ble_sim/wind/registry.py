"""Wind fields by name: those of this package and those that other packages bring.

Nothing here imports jax: the names can be listed before anything is computed.
"""

from typing import TYPE_CHECKING, Any

from ble_sim import builtins as builtin_wind_fields
from ble_sim.plugins import hookspecs
from ble_sim.plugins.records import WindFieldRegistration
from ble_sim.plugins.registry import Registry

if TYPE_CHECKING:
    from ble_sim.wind.field import WindField

WIND_FIELDS: Registry[WindFieldRegistration] = Registry(
    kind=WindFieldRegistration.kind,
    group="ble.wind_fields",
    hookspecs=hookspecs,
    hook="ble_register_wind_fields",
    builtins=(builtin_wind_fields,),
    record_type=WindFieldRegistration,
)


def make_wind_field(name: str, options: Any = None) -> "WindField":
    """Construct the wind field called `name`.

    Args:
        name: as registered.
        options: its options, an instance of its registration's `options_type`; None for the defaults.

    Raises:
        UnknownNameError: no installed package brings it; the message lists those there are.
        DuplicateNameError: several do.
        TypeError: `options` is not that of this wind field.
    """
    return WIND_FIELDS.get(name).construct(options=options)
