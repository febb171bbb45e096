"""Wind fields by name: those of this package and those that other packages bring.

Nothing here imports jax: the names can be listed before anything is computed.
"""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ble_sim import hookspecs
from ble_sim.plugins import NoConfig, Registry, hookimpl, resolve
from ble_sim.wind.configs import GenerativeConfig, GridFileConfig, UniformShearConfig

if TYPE_CHECKING:
    from ble_sim.wind.field import WindField


@dataclass(frozen=True)
class WindFieldRegistration:
    """A wind field that can be asked for by name."""

    name: str
    constructor: "str | Callable[..., WindField]"
    """What makes it, or "package.module:attribute", imported only when the field is used; called with the fields of a
    `config_type` as keywords."""
    summary: str = ""
    config_type: type = NoConfig
    """A frozen dataclass, all of whose fields have defaults; command lines turn the fields into flags with the
    docstrings as help. Its module should not import jax."""

    def __post_init__(self) -> None:
        if not dataclasses.is_dataclass(self.config_type):
            raise TypeError(f"The config_type of wind field {self.name!r} is no dataclass: {self.config_type!r}.")


class _BuiltinWindFields:
    @hookimpl
    def ble_register_wind_fields(self) -> Iterable[WindFieldRegistration]:
        return [
            WindFieldRegistration(
                "generative",
                "ble_sim.wind.generative:GenerativeWindField",
                "Winds decoded by a generative model of the stratosphere, as in the benchmark.",
                GenerativeConfig,
            ),
            WindFieldRegistration(
                "simple", "ble_sim.wind.static:SimpleStaticWindField", "Four layers of steady wind, for experiments."
            ),
            WindFieldRegistration(
                "uniform_shear",
                "ble_sim.wind.shear:UniformShearWindField",
                "A steady wind that turns and grows linearly with pressure, to teach and learn with.",
                UniformShearConfig,
            ),
            WindFieldRegistration(
                "grid_file",
                "ble_sim.wind.grid_file:open_wind_grid",
                "Winds of a NetCDF file or Zarr folder around a station, such as ERA5's.",
                GridFileConfig,
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
    registration = WIND_FIELDS.get(name)
    config = registration.config_type() if config is None else config
    if not isinstance(config, registration.config_type):
        wanted = f"{registration.config_type.__module__}.{registration.config_type.__qualname__}"
        raise TypeError(f"The options of wind field {name!r} are a {wanted}, not {config!r}.")
    options = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return resolve(registration.constructor)(**options)
