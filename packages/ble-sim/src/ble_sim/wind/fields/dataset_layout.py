"""Where in a dataset the winds and their axes are, whatever they are called and however they lie.

Quantities are known by what the CF conventions say about them (`standard_name`, units), then by their names, then by
`long_name` or `axis`. docs/wind-files.md lists what is understood.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ble_sim.wind.fields.grid_axes import WindGridError
from ble_sim.wind.fields.valid_time import ValidTimes, find_valid_times
from ble_sim.wind.fields.wind_units import factor

if TYPE_CHECKING:
    import xarray

STANDARD_NAMES = {
    "u": ("eastward_wind", "x_wind", "grid_eastward_wind"),
    "v": ("northward_wind", "y_wind", "grid_northward_wind"),
    "pressure": ("air_pressure", "pressure"),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
}
NAMES = {
    "u": [
        "u",
        "ua",
        "ugrd",
        "uwnd",
        "uwind",
        "u_wind",
        "wind_u",
        "u_component_of_wind",
        "u-component_of_wind",
        "u-component_of_wind_isobaric",
        "eastward_wind",
        "zonal_wind",
        "u_component",
        "u_velocity",
        "ugrdprs",
        "var131",
        "u_pl",
    ],
    "v": [
        "v",
        "va",
        "vgrd",
        "vwnd",
        "vwind",
        "v_wind",
        "wind_v",
        "v_component_of_wind",
        "v-component_of_wind",
        "v-component_of_wind_isobaric",
        "northward_wind",
        "meridional_wind",
        "v_component",
        "v_velocity",
        "vgrdprs",
        "var132",
        "v_pl",
    ],
    "pressure": [
        "level",
        "pressure_level",
        "isobaricinhpa",
        "isobaricinpa",
        "plev",
        "air_pressure",
        "pressure",
        "pressure_levels",
        "pres",
        "press",
        "isobaric",
        "lev",
        "levels",
        "p",
        "plevel",
        "plevels",
        "pfull",
        "lv_isbl0",
        "z_pressure",
    ],
    "latitude": ["latitude", "lat", "latitudes", "lats", "nav_lat", "xlat", "lat_0", "g0_lat_1", "gridlat_0", "y"],
    "longitude": [
        "longitude",
        "lon",
        "longitudes",
        "lons",
        "long",
        "nav_lon",
        "xlong",
        "lon_0",
        "g0_lon_2",
        "gridlon_0",
        "x",
    ],
}
"""In lower case, the most usual first."""
LONG_NAMES = {
    "u": ("u component of wind", "u-component of wind", "eastward wind", "zonal wind"),
    "v": ("v component of wind", "v-component of wind", "northward wind", "meridional wind"),
}
POINTS_NORTH = ("degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn")
POINTS_EAST = ("degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese")
MODEL_LEVELS = ("hybrid", "sigma", "model level", "model_level", "ln_pressure", "modellevel", "eta")
FORMULA_TERMS = ("a", "b", "ap", "hyam", "hybm", "hyai", "hybi", "p0", "ps", "ptop")
VERSION_NAMES = ("expver", "experimentversionnumber", "experiment_version_number")
MEMBER_NAMES = ("number", "member", "members", "ensemble", "realization", "realisation", "ens", "ensemble_member")
LARGEST_HPA = 1200.0
"""Levels without units up to here are hPa, and Pa above."""
SAME_PLACE = 1e-3
"""Coordinates of two dimensions that differ by less along one of them do not vary along it [degrees]."""


@dataclass(frozen=True)
class Layout:
    """The winds of a dataset and their axes; what was not found or is wrong is None.

    Attributes:
        components: u and v, without the dimensions of one point that are no axis.
        factors: what their numbers are multiplied by to be in m/s.
        time: datetime64, along `time_dims`.
        rank: int, along `time_dims`: of two winds at one time, the one with the lower rank is taken.
        time_dims: the dimensions along which the time, or the version of the data, changes.
        pressure: float64, Pa.
        latitude, longitude: float64, degrees.
        place_dims: the dimensions of pressure, latitude and longitude.
        problems: what is missing or wrong.
    """

    components: "dict[str, xarray.DataArray]"
    factors: tuple[float | None, ...]
    time: np.ndarray | None
    rank: np.ndarray
    time_dims: tuple[str, ...]
    pressure: np.ndarray | None
    latitude: np.ndarray | None
    longitude: np.ndarray | None
    place_dims: tuple[str, ...]
    problems: list[str]


def find_layout(dataset: "xarray.Dataset") -> Layout:
    """Find the winds and their axes."""
    problems: list[str] = []
    winds: dict[str, xarray.DataArray] = {}
    for quantity in ("u", "v"):
        try:
            winds[quantity] = _find_wind(dataset, quantity)
        except WindGridError as error:
            problems.extend(error.problems)
    factors = tuple(_speed_factor(wind, problems) for wind in winds.values())
    if not dataset.data_vars:
        return Layout({}, (), None, np.zeros(0, int), (), None, None, None, (), problems)
    # Without winds, the axes are checked that the largest variable has.
    wind = next(iter(winds.values()), max(dataset.data_vars.values(), key=lambda array: len(_long_dims(array))))
    if len(winds) == 2 and _long_dims(winds["u"]) != _long_dims(winds["v"]):
        names = [f"{one.name!r} along ({', '.join(sorted(_long_dims(one)))})" for one in winds.values()]
        problems.append(
            f"The two winds are on different points, {' and '.join(names)}: interpolate them to the same points."
        )

    dims = [str(dim) for dim in wind.dims]
    found = _horizontal(dataset, wind, problems)
    taken = {dim for _, dim in found.values()}
    times: ValidTimes | None = None
    try:
        times = find_valid_times(dataset, [dim for dim in dims if wind.sizes[dim] > 1 and dim not in taken])
        taken.update(times.dims)
    except WindGridError as error:
        problems.extend(error.problems)
    versions = [dim for dim in dims if dim.lower() in VERSION_NAMES and wind.sizes[dim] > 1]
    try:
        vertical = _find(dataset, "pressure", [dim for dim in dims if dim not in taken and dim not in versions], wind)
        found["pressure"] = _pressure(vertical, problems)
    except WindGridError as error:
        problems.extend(error.problems)
    taken |= {*versions, *(dim for _, dim in found.values())}

    complete = len(found) == 3 and times is not None
    for dim in dims:
        # Where an axis was not found, another dimension may be that axis.
        if wind.sizes[dim] > 1 and dim not in taken and (complete or dim.lower() in MEMBER_NAMES):
            problems.append(_left_over(wind, dim))
    time_dims = (*(times.dims if times else ()), *(dim for dim in versions if not times or dim not in times.dims))
    time, rank = (None, np.zeros(0, int)) if times is None else _with_versions(dataset, wind, times, time_dims)
    place_dims = tuple(str(found[name][1]) for name in ("pressure", "latitude", "longitude") if name in found)
    return Layout(
        components={str(one.name): _without_short(one, {*time_dims, *place_dims}) for one in winds.values()},
        factors=factors,
        time=time,
        rank=rank,
        time_dims=time_dims,
        pressure=found["pressure"][0] if "pressure" in found else None,
        latitude=found["latitude"][0] if "latitude" in found else None,
        longitude=found["longitude"][0] if "longitude" in found else None,
        place_dims=place_dims,
        problems=problems,
    )


def _attribute(array: "xarray.DataArray", name: str) -> str:
    return str(array.attrs.get(name, "")).strip().lower()


def _long_dims(array: "xarray.DataArray") -> set[str]:
    return {str(dim) for dim in array.dims if array.sizes[dim] > 1}


def _without_short(array: "xarray.DataArray", kept: set[str]) -> "xarray.DataArray":
    return array.isel({dim: 0 for dim in array.dims if array.sizes[dim] == 1 and dim not in kept})


def _find_wind(dataset: "xarray.Dataset", quantity: str) -> "xarray.DataArray":
    """The variable with a component of the wind: one that has all four axes comes before winds at the surface."""
    other = "v" if quantity == "u" else "u"
    ranked = []
    for name in dataset.data_vars:
        array = dataset[name]
        standard, lower = _attribute(array, "standard_name"), str(name).lower()
        rank = NAMES[quantity].index(lower) if lower in NAMES[quantity] else None
        if rank is None and lower.startswith((f"{quantity}grd_p0_l100", f"{quantity}-component_of_wind_isob")):
            rank = 50
        if rank is None and _attribute(array, "long_name").startswith(LONG_NAMES[quantity]):
            rank = 60
        if standard in STANDARD_NAMES[quantity]:
            rank = (99 if rank is None else rank) - 1000 + 100 * STANDARD_NAMES[quantity].index(standard)
        elif _says_otherwise(standard, other):
            rank = None
        if rank is None:
            continue
        ranked.append((-min(len(_long_dims(array)), 4), rank, str(name)))
    direction = {"u": "east", "v": "north"}[quantity]
    if not ranked:
        listed = ", ".join(_described(dataset[name]) for name in list(dataset.data_vars)[:12])
        raise WindGridError(
            f"There is no {quantity}, the wind to the {direction}: it has {listed or 'no variables'}. Rename what is"
            f" meant to {quantity!r}, or give it the standard_name {STANDARD_NAMES[quantity][0]!r}."
        )
    ranked.sort()
    equal = [name for size, rank, name in ranked if (size, rank) == ranked[0][:2]]
    if len(equal) > 1:
        raise WindGridError(
            f"{', '.join(map(repr, equal))} are all the wind to the {direction}: keep one of them (with xarray:"
            f" dataset.drop_vars)."
        )
    return dataset[ranked[0][2]]


def _described(array: "xarray.DataArray") -> str:
    standard = _attribute(array, "standard_name")
    named = f", with the standard_name {standard}" if standard else ""
    return f"{array.name} (along {', '.join(map(str, array.dims)) or 'nothing'}{named})"


def _says_otherwise(standard_name: str, other: str) -> bool:
    """Whether a standard name is of something else than a wind, or of the other component."""
    return standard_name in STANDARD_NAMES[other] or ("_" in standard_name and "wind" not in standard_name)


def _speed_factor(wind: "xarray.DataArray", problems: list[str]) -> float | None:
    unit = str(wind.attrs.get("units", "")).strip()
    if wind.dtype.kind not in "fiu":
        problems.append(f"{wind.name!r} has no numbers, but values of type {wind.dtype}.")
        return None
    if not unit:
        warnings.warn(f"{wind.name!r} has no units: m/s is assumed.", stacklevel=2)
        return 1.0
    known = factor("speed", unit)
    if known is None:
        problems.append(
            f'{wind.name!r} has the units {unit!r}, which are no speed: convert it to m/s and set its attribute "units"'
            ' to "m s-1".'
        )
    return known


def _find(
    dataset: "xarray.Dataset", quantity: str, dims: Sequence[str], wind: "xarray.DataArray"
) -> "xarray.DataArray":
    """The coordinate of a quantity along some dimensions of the wind, without dimensions of one point."""
    ranked = []
    for name in dataset.variables:
        array = dataset[name]
        if name == wind.name or array.dtype.kind not in "fiuSUO":
            continue
        small = _without_short(array, set(dims) if array.ndim == 1 else set())
        if small.ndim > 2 or not set(map(str, small.dims)) <= set(dims) or _contradicts(array, quantity):
            continue
        rank = _rank(array, str(name), quantity)
        if rank is not None:
            ranked.append((rank, -small.ndim, str(name), small))
    if not ranked:
        raise WindGridError(_missing(dataset, quantity, dims, wind))
    return min(ranked, key=lambda one: one[:3])[3]


def _contradicts(array: "xarray.DataArray", quantity: str) -> bool:
    """Whether the standard name is of another quantity; names that the conventions do not have say nothing."""
    standard = _attribute(array, "standard_name")
    others = {name for key, names in STANDARD_NAMES.items() if key != quantity for name in names}
    return standard in others or standard.startswith(("grid_l", "projection_", "height", "altitude", "depth", "time"))


def _rank(array: "xarray.DataArray", name: str, quantity: str) -> int | None:
    """How well a variable fits; lower is better, and None not at all."""
    unit, lower = _attribute(array, "units"), name.lower()
    own_axis = array.dims == (name,)
    if _is_model_level(array):
        return (90 if own_axis else 91) if quantity == "pressure" else None
    if lower in FORMULA_TERMS or "formula term" in _attribute(array, "long_name"):
        return None
    if _attribute(array, "standard_name") in STANDARD_NAMES[quantity]:
        return 0
    if quantity == "latitude" and unit in POINTS_NORTH:
        return 1
    if quantity == "longitude" and unit in POINTS_EAST:
        return 1
    if quantity == "pressure" and factor("pressure", unit) is not None and (own_axis or array.ndim == 1):
        return 1 if own_axis else 2
    if lower in NAMES[quantity]:
        return 10 + NAMES[quantity].index(lower)
    if quantity == "pressure" and lower.startswith(("isobaric", "lv_isbl", "level", "lev_", "pressure", "plev")):
        return 60
    if quantity != "pressure" and _attribute(array, "axis") == {"latitude": "y", "longitude": "x"}[quantity]:
        return 70
    return None


def _is_model_level(array: "xarray.DataArray") -> bool:
    described = " ".join(
        _attribute(array, name) for name in ("standard_name", "long_name", "gridtype", "GRIB_typeOfLevel")
    )
    name = str(array.name).lower()
    return any(word in described for word in MODEL_LEVELS if word != "eta") or name in (
        "hybrid",
        "model_level",
        "model_levels",
        "modellevel",
        "hybrid_level",
        "sigma",
        "eta",
        "bottom_top",
        "nlev",
        "mlev",
    )


def _missing(dataset: "xarray.Dataset", quantity: str, dims: Sequence[str], wind: "xarray.DataArray") -> str:
    along = ", ".join(f"{dim} ({wind.sizes[dim]})" for dim in dims)
    there = ", ".join(
        str(name) for name in dataset.coords if set(map(str, dataset[name].dims)) <= set(map(str, wind.dims))
    )
    text = (
        f"There is no {quantity}: {wind.name!r} lies along {', '.join(map(str, wind.dims))}, and the coordinates are"
        f" {there or 'none'}."
    )
    if quantity != "pressure":
        return f"{text} Give the winds a coordinate {quantity!r} in degrees."
    high = [str(name) for name in dataset.data_vars if _attribute(dataset[name], "standard_name") == "air_pressure"]
    if high:
        return f"{text} {high[0]!r} changes from place to place: interpolate the winds to pressure levels first."
    over = f" along {along}" if dims else ""
    return (
        f"{text} Rename what is meant to 'level', or give the winds such a coordinate{over}, with the units hPa; or"
        " choose a file on pressure levels."
    )


def _horizontal(
    dataset: "xarray.Dataset", wind: "xarray.DataArray", problems: list[str]
) -> dict[str, tuple[np.ndarray, str | None]]:
    """Latitude and longitude: degrees, and the dimension along which they change."""
    dims = [str(dim) for dim in wind.dims]
    result: dict[str, tuple[np.ndarray, str | None]] = {}
    for quantity in ("latitude", "longitude"):
        try:
            array = _find(dataset, quantity, dims, wind)
            degrees = _numbers(array) * _degrees(array, quantity)
            result[quantity] = _along_one(degrees, array, quantity)
        except WindGridError as error:
            problems.extend(error.problems)
    if len(result) == 2 and result["latitude"][1] is not None and result["latitude"][1] == result["longitude"][1]:
        problems.append(
            f"latitude and longitude both lie along {result['latitude'][1]!r}: this is a list of places and no grid."
            " Interpolate it to a grid of latitudes and longitudes (for instance by cdo remapbil)."
        )
        return {}
    return result


def _degrees(array: "xarray.DataArray", quantity: str) -> float:
    unit = str(array.attrs.get("units", "")).strip()
    known = factor("angle", unit) if unit else 1.0
    if known is None:
        raise WindGridError(
            f"{array.name!r} has the units {unit!r}: convert it to degrees, or give the winds a coordinate {quantity!r}"
            ' in degrees and set its attribute "units" to that.'
        )
    return known


def _along_one(degrees: np.ndarray, array: "xarray.DataArray", quantity: str) -> tuple[np.ndarray, str | None]:
    """The coordinate along the dimension along which it changes."""
    if degrees.ndim == 0:
        return degrees[None], None
    if degrees.ndim == 1:
        return degrees, str(array.dims[0])
    compared = np.unwrap(degrees, axis=1, period=360.0) if quantity == "longitude" else degrees
    for axis, dim in enumerate(array.dims):
        line = np.take(compared, [0], axis=1 - axis)
        difference = np.abs(compared - line) % 360.0
        if np.nanmax(np.minimum(difference, 360.0 - difference)) < SAME_PLACE:
            return np.take(degrees, 0, axis=1 - axis), str(dim)
    raise WindGridError(
        f"{array.name!r} changes along both {array.dims[0]!r} and {array.dims[1]!r}: the grid is curved or rotated."
        " Interpolate it to a grid of latitudes and longitudes (for instance by cdo remapbil)."
    )


def _numbers(array: "xarray.DataArray") -> np.ndarray:
    try:
        return np.asarray(array.values).astype(np.float64)
    except (TypeError, ValueError):
        raise WindGridError(
            f"{array.name!r} has no numbers, but values such as {array.values.ravel()[0]!r}: give numbers."
        ) from None


def _pressure(array: "xarray.DataArray", problems: list[str]) -> tuple[np.ndarray, str | None]:
    """Pa, and the dimension along which they change."""
    if _is_model_level(array):
        raise WindGridError(
            f"{array.name!r} numbers model levels (hybrid or sigma), which have no fixed pressure: interpolate the"
            " winds to pressure levels (for instance by cdo ml2pl,5000,7000,10000,12500,15000), or download pressure"
            " levels, or give this dimension a coordinate 'pressure' in Pa."
        )
    values = np.atleast_1d(_numbers(array))
    dim = str(array.dims[0]) if array.ndim else None
    if values.ndim > 1:
        raise WindGridError(
            f"{array.name!r} changes from place to place: interpolate the winds to pressure levels first."
        )
    unit = str(array.attrs.get("units", "")).strip()
    lower = str(array.name).lower()
    known = factor("pressure", unit or {"isobaricinhpa": "hPa", "isobaricinpa": "Pa"}.get(lower, ""))
    if known is None and unit:
        raise WindGridError(
            f"{array.name!r} has the units {unit!r}, which are no pressure: convert it to hPa and set its attribute"
            ' "units" to that, or choose a file on pressure levels.'
        )
    if known is None:
        steps = np.diff(np.sort(values))
        if values.size > 2 and (steps == 1.0).all():
            raise WindGridError(
                f"{array.name!r} has no units and goes from {values.min():g} to {values.max():g} in steps of 1, which"
                ' numbers levels: give a coordinate "level" in hPa with the attribute "units".'
            )
        assumed = "hPa" if np.nanmax(values, initial=0.0) <= LARGEST_HPA else "Pa"
        warnings.warn(f"{array.name!r} has no units: {assumed} is assumed.", stacklevel=2)
        known = 100.0 if assumed == "hPa" else 1.0
    return values * known, dim


def _left_over(wind: "xarray.DataArray", dim: str) -> str:
    members = ", the members of an ensemble" if dim.lower() in MEMBER_NAMES else ""
    return (
        f"{wind.name!r} has {wind.sizes[dim]} points along {dim!r}{members}: select one of them, for instance with"
        f' xarray\'s dataset.isel({dim}=0).to_netcdf("one.nc").'
    )


def _with_versions(
    dataset: "xarray.Dataset", wind: "xarray.DataArray", times: ValidTimes, dims: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Times and ranks along `dims`, where the versions of the data may have a dimension of their own."""
    shape = tuple(wind.sizes[dim] for dim in dims)
    extra = len(dims) - len(times.dims)
    time = np.broadcast_to(times.values.reshape(times.values.shape + (1,) * extra), shape)
    for name in dataset.variables:
        array = dataset[name].squeeze()
        if str(name).lower() in VERSION_NAMES and array.ndim and set(array.dims) <= set(dims):
            rank = np.reshape([_version_rank(value) for value in array.values.ravel()], array.shape)
            axes = [array.dims.index(dim) for dim in dims if dim in array.dims]
            places = [slice(None) if dim in array.dims else None for dim in dims]
            return time, np.broadcast_to(rank.transpose(axes)[tuple(places)], shape)
    return time, np.zeros(shape, int)


def _version_rank(version: object) -> int:
    """ERA5 (1) comes before its preliminary ERA5T (5), and these before others."""
    text = version.decode() if isinstance(version, bytes) else str(version)
    try:
        return {1: 0, 5: 1}.get(int(float(text)), 2)
    except ValueError:
        return 2
