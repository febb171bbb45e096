"""Winds read from a NetCDF file or a Zarr store, such as ERA5 on pressure levels.

Reading needs xarray and a backend: `pip install "ble-sim[grid]"` (for Zarr, the package `zarr` as well).
docs/wind-files.md lists what is understood: names, units, layouts, and what is refused. Only what is around the station
is read into memory.
"""

import contextlib
import os
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ble_sim.wind.fields.dataset_layout import Layout, find_layout
from ble_sim.wind.fields.file_kind import check_kind, check_there, local_path
from ble_sim.wind.fields.grid_axes import GridAxes, Start, WindGridError, choose_axes
from ble_sim.wind.fields.options import GridFileOptions
from ble_sim.wind.fields.reanalysis import GriddedWindField, check_size, component_problems, gridded_wind_field
from ble_sim.wind.forecast_options import ForecastOptions

if TYPE_CHECKING:
    import xarray

UNREADABLE_DATA = (OSError, EOFError, KeyError, RuntimeError, ValueError, zlib.error)
"""Exceptions that backends raise for data that they cannot read."""


def wind_field_of_file(options: GridFileOptions = GridFileOptions()) -> GriddedWindField:
    """The wind field "grid_file": `open_wind_grid` with options."""
    field = open_wind_grid(
        options.file,
        station_latitude=options.station_latitude,
        station_longitude=options.station_longitude,
        start=options.start or None,
    )
    return field.with_forecasts(
        ForecastOptions(error_scale=options.error_scale, forecast_age_hours=options.forecast_age_hours)
    )


def open_wind_grid(
    file: str | os.PathLike[str],
    *,
    station_latitude: float = 0.0,
    station_longitude: float = 0.0,
    start: Start = None,
) -> GriddedWindField:
    """A wind field from a NetCDF file (3 or 4) or a Zarr store (version 2 or 3).

    Args:
        file: a path, relative to the working directory; `~` is expanded, and file:// is understood.
        station_latitude, station_longitude: where in the file the station is, degrees.
        start: see `GriddedWindField.from_arrays`.

    Raises:
        WindGridError: the file cannot be read or understood, or makes no wind field around this station. The message
            lists everything that was found.
        ImportError: xarray is not installed.
    """
    path = local_path(file)
    check_there(path)
    with _open(path) as dataset:
        try:
            return wind_field_of_dataset(
                dataset, station_latitude=station_latitude, station_longitude=station_longitude, start=start
            )
        except WindGridError as error:
            raise WindGridError(f"{path}: {error}") from error
        except UNREADABLE_DATA as error:
            raise WindGridError(_damaged(path, error)) from error


def wind_field_of_dataset(
    dataset: "xarray.Dataset",
    *,
    station_latitude: float = 0.0,
    station_longitude: float = 0.0,
    start: Start = None,
) -> GriddedWindField:
    """A wind field from a dataset that is open, such as of several files or of an address.

    Args:
        dataset: with decoded or undecoded times.
        station_latitude, station_longitude, start: see `open_wind_grid`.

    Raises:
        WindGridError: the dataset cannot be understood, or makes no wind field around this station.
    """
    layout = find_layout(dataset)
    axes, problems = choose_axes(
        None if layout.time is None else layout.time.ravel(),
        layout.pressure,
        layout.latitude,
        layout.longitude,
        station_latitude=station_latitude,
        station_longitude=station_longitude,
        start=start,
        rank=layout.rank.ravel() if layout.time is not None else 0,
    )
    problems = [*layout.problems, *problems]
    if axes is None or not layout.components:
        raise WindGridError(*problems)
    check_size(axes)
    components = {}
    for (name, array), factor in zip(layout.components.items(), layout.factors, strict=True):
        values = _read(array, layout, axes, problems)
        if values is not None:
            components[name] = values * (factor or 1.0)
    hint = ""
    if len(layout.time_dims) > 1:
        along = " and ".join(map(repr, layout.time_dims))
        hint = f" The times lie along {along}: select one, for instance by dataset.isel({layout.time_dims[-1]}=[0])."
    if problems:
        raise WindGridError(*problems, *component_problems(axes, components, hint))
    return gridded_wind_field(axes, components, hint)


@contextlib.contextmanager
def _open(path: Path) -> "Iterator[xarray.Dataset]":
    """The dataset of a path, with undecoded times: those that matter are decoded where they are needed."""
    try:
        import xarray
    except ImportError as error:
        raise ImportError('Reading gridded winds needs xarray: pip install "ble-sim[grid]"') from error
    check_kind(path)
    try:
        with warnings.catch_warnings():
            # A store without consolidated metadata is as good here.
            warnings.filterwarnings("ignore", message=".*consolidated", category=RuntimeWarning)
            dataset = xarray.open_dataset(path, engine="zarr" if path.is_dir() else None, decode_times=False)
    except Exception as error:  # each backend has errors of its own
        raise WindGridError(_unreadable(path, error)) from error
    with dataset:
        if not dataset.data_vars and (groups := _groups(path)):
            raise WindGridError(
                f"{path} has its variables in the groups {', '.join(groups)}: copy one to a file of its own (with"
                f' xarray: xarray.open_dataset(FILE, group={groups[0]!r}).to_netcdf("winds.nc")).'
            )
        yield dataset


def _groups(path: Path) -> list[str]:
    import xarray

    try:
        groups = xarray.open_groups(path, engine="zarr" if path.is_dir() else "h5netcdf", decode_times=False)
    except Exception:  # the names are only a help, and each backend has errors of its own
        return []
    return [name for name, group in groups.items() if group.data_vars]


def _unreadable(path: Path, error: Exception) -> str:
    reason = " ".join(str(error).split())
    zarr = path.is_dir()
    if isinstance(error, ImportError) or "installed IO backends" in reason or "unrecognized engine" in reason:
        package = "zarr" if zarr else '"ble-sim[grid]"'
        also = "" if zarr else " (and NetCDF 3 files of 64-bit data need netCDF4)"
        kind = "Zarr" if zarr else "NetCDF"
        return f"{path} is {kind}, but what reads it is not installed: pip install {package}{also}."
    return _damaged(path, error)


def _damaged(path: Path, error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"{path} cannot be read, it is damaged or cut short ({reason}): copy or download it again."


def _read(array: "xarray.DataArray", layout: Layout, axes: GridAxes, problems: list[str]) -> np.ndarray | None:
    """The part of an array around the station, [time, pressure, latitude, longitude]."""
    dims = (*layout.time_dims, *layout.place_dims)
    if set(map(str, array.dims)) != set(dims) or array.dtype.kind not in "fiu":
        missing = [dim for dim in dims if dim not in array.dims]
        if missing:
            problems.append(f"{array.name!r} does not extend along {', '.join(missing)}: it needs all axes.")
        return None
    time, *places = axes.choices
    shape = tuple(array.sizes[dim] for dim in layout.time_dims)
    along_time = np.unravel_index(time.sources, shape) if shape else ()
    wanted = [*along_time, *(choice.sources for choice in places)]
    unique = [np.unique(indices) for indices in wanted]
    part = array.isel({dim: _slice(indices) for dim, indices in zip(dims, unique, strict=True)}).transpose(*dims).values
    positions = [np.searchsorted(known, indices) for known, indices in zip(unique, wanted, strict=True)]
    times = tuple(positions[: len(shape)])
    part = part[times]  # [time, pressure, latitude, longitude]: the dimensions of time become one
    for axis, indices in enumerate(positions[len(shape) :], start=1):
        part = np.take(part, indices, axis=axis)
    return part.astype(np.float32)


def _slice(indices: np.ndarray) -> slice | np.ndarray:
    """Neighbours as a slice, which backends read at once."""
    first, last = int(indices[0]), int(indices[-1])
    return slice(first, last + 1) if last - first + 1 == indices.size else indices
