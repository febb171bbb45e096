"""Wind fields by name: those of this package and those that other packages bring.

Nothing here imports jax: the names can be listed before anything is computed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ble_sim import hookspecs
from ble_sim.plugins import Registration, Registry, hookimpl
from ble_sim.wind.configs import GenerativeConfig, GridFileConfig, UniformShearConfig

if TYPE_CHECKING:
    from ble_sim.wind.field import WindField


@dataclass(frozen=True)
class WindFieldRegistration(Registration):
    """A wind field that can be asked for by name; its constructor is called with the options as keywords."""

    kind: ClassVar[str] = "wind field"


class _BuiltinWindFields:
    @hookimpl
    def ble_register_wind_fields(self) -> Iterable[WindFieldRegistration]:
        return [
            WindFieldRegistration(
                "generative",
                "ble_sim.wind.generative:GenerativeWindField",
                GenerativeConfig,
                "Winds decoded by a generative model of the stratosphere, as in the benchmark.",
            ),
            WindFieldRegistration(
                "simple",
                "ble_sim.wind.static:SimpleStaticWindField",
                summary="Four layers of steady wind, for experiments.",
            ),
            WindFieldRegistration(
                "uniform_shear",
                "ble_sim.wind.shear:UniformShearWindField",
                UniformShearConfig,
                "A steady wind that turns and grows linearly with pressure, to teach and learn with.",
            ),
            WindFieldRegistration(
                "grid_file",
                "ble_sim.wind.grid_file:open_wind_grid",
                GridFileConfig,
                "Winds of a NetCDF file or Zarr folder around a station, such as ERA5's.",
            ),
        ]


WIND_FIELDS: Registry[WindFieldRegistration] = Registry(
    kind=WindFieldRegistration.kind,
    group="ble.wind_fields",
    hookspecs=hookspecs,
    hook="ble_register_wind_fields",
    builtins=[_BuiltinWindFields()],
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
