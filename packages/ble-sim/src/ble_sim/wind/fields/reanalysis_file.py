"""Winds read from a NetCDF file or a Zarr folder, such as ERA5 on pressure levels.

Reading needs xarray and a backend: `pip install "ble-sim[grid]"` (for Zarr, the package `zarr` as well).

Variables and coordinates are known by their names or by their attribute `standard_name`, and their units are read:

| quantity | names | units |
|---|---|---|
| wind to the east | u, eastward_wind, u_component_of_wind | m s**-1, m s-1, m/s |
| wind to the north | v, northward_wind, v_component_of_wind | the same |
| pressure | level, pressure_level, isobaricInhPa, plev, air_pressure, pressure | hPa, millibars, mbar, mb; Pa |
| latitude | latitude, lat | degrees_north, degrees |
| longitude | longitude, lon | degrees_east, degrees |
| time | time, valid_time | what xarray decodes to dates |

Further dimensions of one point are dropped. Only what is around the station is read into memory.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ble_sim.wind.fields.options import GridFileOptions
from ble_sim.wind.fields.reanalysis import GridAxes, GriddedWindField, WindGridError, stack_wind

if TYPE_CHECKING:
    import xarray

NAMES = {
    "u": ("u", "eastward_wind", "u_component_of_wind"),
    "v": ("v", "northward_wind", "v_component_of_wind"),
    "pressure": ("level", "pressure_level", "isobaricInhPa", "plev", "air_pressure", "pressure"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "time": ("time", "valid_time"),
}
"""What the quantities are called in files, or have as their `standard_name`."""

SPEED_UNITS = ("m s**-1", "m s-1", "m s^-1", "m/s", "meters per second", "metres per second")
PRESSURE_UNITS = {"pa": 1.0, "hpa": 100.0, "millibars": 100.0, "millibar": 100.0, "mbar": 100.0, "mb": 100.0}
"""Lower case, to Pa."""


def open_wind_grid(options: GridFileOptions = GridFileOptions()) -> GriddedWindField:
    """A wind field from a NetCDF file (3 or 4) or a Zarr folder.

    Raises:
        WindGridError: the file cannot be read or understood, or makes no wind field around this station.
        ImportError: xarray is not installed.
    """
    if not options.file:
        raise WindGridError('No file is given: name one by "file" (on a command line, --wind-field.file).')
    path = Path(options.file)
    if not path.exists():
        raise WindGridError(f"There is no file {path}.")
    with _open(path) as dataset:
        try:
            return _read(dataset, options.station_latitude, options.station_longitude, options.start or None)
        except WindGridError as error:
            raise WindGridError(f"{path}: {error}") from error


def _open(path: Path) -> "xarray.Dataset":
    try:
        import xarray
    except ImportError as error:
        raise ImportError('Reading gridded winds needs xarray: pip install "ble-sim[grid]"') from error
    try:
        return xarray.open_dataset(path, engine="zarr" if path.is_dir() else None)
    except Exception as error:  # each backend has errors of its own
        reason = " ".join(str(error).split())
        raise WindGridError(
            f"{path} cannot be read as NetCDF, or as Zarr if it is a folder: {reason}."
            ' The backends come with: pip install "ble-sim[grid]", and zarr.'
        ) from error


def _read(dataset: "xarray.Dataset", latitude: float, longitude: float, start: str | None) -> GriddedWindField:
    u, v = (_find(dataset, quantity, dataset.data_vars) for quantity in ("u", "v"))
    for component in (u, v):
        if (unit := _unit(component)) not in SPEED_UNITS:
            raise _wrong_unit(component, unit, "m s**-1")
    coordinates = {name: _find(dataset, name, dataset.coords) for name in ("time", "pressure", "latitude", "longitude")}
    time = coordinates["time"]
    if not np.issubdtype(time.dtype, np.datetime64):
        raise WindGridError(
            f"{time.name!r} does not decode to dates of the common calendar: give it units such as"
            ' "hours since 1900-01-01" and the calendar "standard".'
        )
    for name in ("latitude", "longitude"):
        if (unit := _unit(coordinates[name])) and not unit.lower().startswith("degree"):
            raise _wrong_unit(coordinates[name], unit, "degrees")
    pressure = coordinates["pressure"]
    if (unit := _unit(pressure)).lower() not in PRESSURE_UNITS:
        raise _wrong_unit(pressure, unit, "hPa")

    axes = GridAxes.around(
        np.atleast_1d(time.values),
        np.atleast_1d(pressure.values) * PRESSURE_UNITS[unit.lower()],
        np.atleast_1d(coordinates["latitude"].values),
        np.atleast_1d(coordinates["longitude"].values),
        station_latitude=latitude,
        station_longitude=longitude,
        start=start,
    )
    dimensions = [coordinate.dims[0] for coordinate in coordinates.values()]
    return GriddedWindField(axes, stack_wind(_values(u, dimensions, axes), _values(v, dimensions, axes)))


def _find(dataset: "xarray.Dataset", quantity: str, among: Any) -> "xarray.DataArray":
    names = NAMES[quantity]
    for name in names:
        if name in among:
            return dataset[name]
    for name in among:
        if dataset[name].attrs.get("standard_name") in names:
            return dataset[name]
    found = ", ".join(map(str, among)) or "none"
    raise WindGridError(f"There is no {quantity}: it has {found}. Rename what is meant to {names[0]!r}.")


def _unit(array: "xarray.DataArray") -> str:
    return str(array.attrs.get("units", "")).strip()


def _wrong_unit(array: "xarray.DataArray", unit: str, wanted: str) -> WindGridError:
    has = f"the units {unit!r}" if unit else "no units"
    return WindGridError(f'{array.name!r} has {has}: convert it to {wanted} and set its attribute "units" to that.')


def _values(array: "xarray.DataArray", dimensions: list[Any], axes: GridAxes) -> np.ndarray:
    """The part of an array around the station, [time, pressure, latitude, longitude]."""
    for dimension in array.dims:
        if dimension in dimensions:
            continue
        if array.sizes[dimension] != 1:
            raise WindGridError(
                f"{array.name!r} has {array.sizes[dimension]} points along {dimension!r}: select one of them,"
                f" for instance with xarray's dataset.isel({dimension}=0)."
            )
        array = array.isel({dimension: 0})
    if missing := [str(dimension) for dimension in dimensions if dimension not in array.dims]:
        raise WindGridError(f"{array.name!r} does not extend along {', '.join(missing)}: it needs all four axes.")
    return array.isel(dict(zip(dimensions, axes.selection, strict=True))).transpose(*dimensions).values
