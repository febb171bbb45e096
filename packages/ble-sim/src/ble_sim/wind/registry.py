"""Wind fields by name: those of this package and those that other packages bring.

Nothing here imports jax: the names can be listed before anything is computed.
"""

from typing import TYPE_CHECKING, Any

from ble_sim import builtin_wind_fields, hookspecs
from ble_sim.plugins import Registry
from ble_sim.registration import WindFieldRegistration

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


def make_wind_field(name: str, config: Any = None) -> "WindField":
    """Construct the wind field called `name`.

    Args:
        name: as registered.
        config: its options, an instance of its registration's `config_type`; None for the defaults.

    Raises:
        UnknownNameError: no installed package brings it; the message lists those there are.
        DuplicateNameError: several do.
        TypeError: `config` is not that of this wind field.
    """
    return WIND_FIELDS.get(name).construct(config=config)
