"""Any layout of one field gives the same winds, and any damaged one is refused with the name of the variable.

The datasets are drawn by hypothesis. Each layout changes the same winds, which are linear in every coordinate.
"""

import dataclasses
import re
import warnings

import numpy as np
import pytest

from ble_sim.wind.fields.reanalysis import WindGridError
from ble_sim.wind.fields.reanalysis_file import open_wind_grid, wind_field_of_dataset

xarray = pytest.importorskip("xarray")
hypothesis = pytest.importorskip("hypothesis")
pytest.importorskip("h5netcdf")
st = hypothesis.strategies

BASE = np.datetime64("2012-03-01T00", "ns")
HOUR = np.timedelta64(3600, "s").astype("timedelta64[ns]")
STATION = {"station_latitude": 1.0, "station_longitude": -1.0}
DIMS = ("time", "pressure", "latitude", "longitude")
PRESSURES = np.array([5000.0, 7000.0, 10_000.0, 12_500.0, 15_000.0])
ROUNDING = 0.01
"""Of packing into 16 bits, and of repeated winds [m/s]."""


def winds_at(hours, latitude, east, pressure):
    """u and v at hours since the base, Pa, and degrees."""
    u = 0.3 * hours + 2.0 * latitude - 0.5 * east + pressure / 2000.0 - 20.0
    v = -0.2 * hours + latitude + 1.5 * east - pressure / 1000.0 + 15.0
    return u, v


def plain(hours=tuple(range(0, 61, 6))):
    """Two days of winds in the plainest layout: CF names and units, ascending axes."""
    axes = {
        "time": np.asarray(hours, float),
        "pressure": PRESSURES,
        "latitude": np.arange(-6.0, 8.1, 2.0),
        "longitude": np.arange(-10.0, 8.1, 3.0),
    }
    hours, pressure, latitude, east = np.meshgrid(*axes.values(), indexing="ij")
    u, v = winds_at(hours, latitude, east, pressure)
    return xarray.Dataset(
        {
            "u": (DIMS, u.astype(np.float32), {"units": "m s-1", "standard_name": "eastward_wind"}),
            "v": (DIMS, v.astype(np.float32), {"units": "m s-1", "standard_name": "northward_wind"}),
        },
        {
            "time": ("time", BASE + (axes["time"] * 3600).astype("timedelta64[s]"), {"standard_name": "time"}),
            "pressure": ("pressure", axes["pressure"], {"units": "Pa", "standard_name": "air_pressure"}),
            "latitude": ("latitude", axes["latitude"], {"units": "degrees_north", "standard_name": "latitude"}),
            "longitude": ("longitude", axes["longitude"], {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )


def check_winds(field, words=""):
    """The winds at all points that are kept, and that those are the same points."""
    axes = field.axes
    hours = (axes.time - BASE.astype("datetime64[s]").astype(int)) / 3600.0
    east = axes.longitude + STATION["station_longitude"]
    np.testing.assert_allclose(hours, np.arange(0, 49, 6), err_msg=words)
    np.testing.assert_allclose(axes.pressure, PRESSURES, rtol=1e-6, err_msg=words)
    np.testing.assert_allclose(axes.latitude, np.arange(-4.0, 6.1, 2.0), err_msg=words)
    np.testing.assert_allclose(east, np.arange(-7.0, 5.1, 3.0), atol=1e-5, err_msg=words)
    expected = winds_at(*np.meshgrid(hours, axes.latitude, east, axes.pressure, indexing="ij"))
    found = np.asarray(field.parameters()["wind"])
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), rtol=0, atol=ROUNDING, err_msg=words)


# How the horizontal and vertical axes may lie.


@dataclasses.dataclass(frozen=True)
class Names:
    """The names of a kind of files, and what it says of its variables besides."""

    u: str
    v: str
    time: str
    pressure: str
    latitude: str
    longitude: str
    attributes: bool = True


NAMES = (
    Names("u", "v", "time", "level", "latitude", "longitude", attributes=False),  # ERA5, as it was
    Names("u", "v", "valid_time", "pressure_level", "latitude", "longitude"),  # ERA5, as it is
    Names("u_component_of_wind", "v_component_of_wind", "time", "level", "latitude", "longitude", attributes=False),
    Names("ua", "va", "time", "plev", "lat", "lon"),
    Names("UGRD", "VGRD", "time", "isobaric", "lat", "lon", attributes=False),
    Names("u-component_of_wind_isobaric", "v-component_of_wind_isobaric", "time1", "isobaric3", "lat", "lon"),
    Names("uwnd", "vwnd", "time", "lev", "LAT", "LON", attributes=False),
    Names("wind_a", "wind_b", "t", "z", "phi", "lambda"),
    Names("var131", "var132", "time", "plev", "lat", "lon", attributes=False),
    Names("U", "V", "Time", "p", "Latitude", "Longitude", attributes=False),
)
SPEEDS = {
    "m s**-1": 1.0,
    "m/s": 1.0,
    "m s-1": 1.0,
    "knots": 3600 / 1852,
    "km/h": 3.6,
    "kt": 3600 / 1852,
    "cm s-1": 100.0,
}
PRESSURE_UNITS = {"Pa": 1.0, "hPa": 0.01, "millibars": 0.01, "mbar": 0.01, "kPa": 0.001, "bar": 1e-5}


@st.composite
def layouts(draw):
    """A dataset of the plain winds in another layout, and a description of it."""
    dataset = plain()
    names = draw(st.sampled_from(NAMES))
    words = [names.u]

    unit = draw(st.sampled_from(sorted(SPEEDS)))
    for name in ("u", "v"):
        dataset[name] = (dataset[name] * SPEEDS[unit]).assign_attrs({**dataset[name].attrs, "units": unit})
    pressure_unit = draw(st.sampled_from(sorted(PRESSURE_UNITS)))
    attributes = {**dataset["pressure"].attrs, "units": pressure_unit}
    dataset = dataset.assign_coords(pressure=dataset["pressure"] * PRESSURE_UNITS[pressure_unit])
    dataset["pressure"].attrs.update(attributes)
    words += [unit, pressure_unit]

    convention = draw(st.sampled_from(["around 0", "0 to 360", "-360 to 0", "both ends"]))
    if convention == "0 to 360":
        dataset = moved(dataset, dataset["longitude"] % 360.0)
    elif convention == "-360 to 0":
        dataset = moved(dataset, dataset["longitude"] - 360.0)
    elif convention == "both ends":  # the first meridian is repeated 360 degrees further east
        dataset = xarray.concat(
            [dataset, moved(dataset.isel(longitude=[0]), dataset["longitude"][:1] + 360.0)], "longitude"
        )
    words.append(convention)

    for dim in ("pressure", "latitude", "longitude"):
        order = draw(st.sampled_from(["ascending", "descending", "shuffled"]))
        if order == "descending":
            dataset = dataset.isel({dim: slice(None, None, -1)})
        elif order == "shuffled":
            dataset = dataset.isel({dim: draw(st.permutations(range(dataset.sizes[dim])))})
        words.append(f"{dim} {order}")

    time = draw(st.sampled_from(sorted(TIMES)))
    dataset = TIMES[time](dataset)
    words.append(time)
    version = draw(st.sampled_from(sorted(VERSIONS)))
    if version == "none" or {"time"} <= set(dataset["u"].dims):
        dataset = VERSIONS[version](dataset)
        words.append(f"versions {version}")
    if draw(st.booleans()):
        dataset = dataset.expand_dims(number=[0]) if draw(st.booleans()) else dataset.assign_coords(number=0)
        words.append("number")
    if draw(st.booleans()):
        dataset = dataset.assign_coords(surface=0.0, heightAboveGround=10.0).expand_dims("band")
        words.append("scalars")

    horizontal = draw(st.sampled_from(["own axes", "y and x", "two-dimensional"]))
    rename = {"pressure": names.pressure, "u": names.u, "v": names.v}
    if "time" in dataset["u"].dims and "step" not in dataset.variables:
        rename["time"] = names.time
    if horizontal == "own axes":
        rename |= {"latitude": names.latitude, "longitude": names.longitude}
    if not names.attributes:
        for name in ("u", "v", "pressure", "latitude", "longitude"):
            dataset[name].attrs.pop("standard_name", None)
    dataset = dataset.rename({old: new for old, new in rename.items() if old != new})
    if horizontal != "own axes":
        dataset = with_auxiliary_places(dataset, names, two_dimensional=horizontal == "two-dimensional")
    words.append(horizontal)
    dims = list(dataset[names.u].dims)
    for name in (names.u, names.v):
        dataset[name] = dataset[name].transpose(*draw(st.permutations(dims)))
    if draw(st.booleans()):
        dataset = dataset.reset_coords([name for name in dataset.coords if name not in dataset.indexes])
        words.append("no coordinates attribute")
    dtype = draw(st.sampled_from(["float32", "float64", ">f4", ">f8"]))
    for name in (names.u, names.v):
        dataset[name] = dataset[name].astype(dtype)
    words.append(dtype)
    packed = draw(st.booleans()) and np.isfinite(dataset[names.u]).all()
    storage = draw(st.sampled_from(["memory", "netcdf4", "netcdf3", "zarr2", "zarr3"]))
    return dataset, names, packed, storage, " | ".join([*words, "packed" * bool(packed), storage])


def moved(dataset, longitude):
    attributes = dataset["longitude"].attrs
    dataset = dataset.assign_coords(longitude=longitude.values)
    dataset["longitude"].attrs.update(attributes)
    return dataset


def with_auxiliary_places(dataset, names, *, two_dimensional):
    places = {"latitude": dataset["latitude"], "longitude": dataset["longitude"]}
    dataset = dataset.rename_dims(latitude="y", longitude="x").drop_vars(["latitude", "longitude"])
    for (old, place), dim in zip(places.items(), "yx", strict=True):
        values, dims = place.values, (dim,)
        if two_dimensional:
            shape = (dataset.sizes["y"], dataset.sizes["x"])
            values = np.broadcast_to(values[:, None] if dim == "y" else values, shape).copy()
            dims = ("y", "x")
        dataset = dataset.assign_coords({getattr(names, old): (dims, values, place.attrs)})
    return dataset


def hours_of(dataset):
    return ((dataset["time"].values - BASE) / HOUR).astype(int)


def as_one_run(dataset):
    """One forecast: `time` is when it was made, and the winds lie along `step`."""
    step = (dataset["time"].values - BASE).astype("timedelta64[ns]")
    dataset = dataset.rename_dims(time="step").drop_vars("time")
    return dataset.assign_coords(
        time=((), BASE, {"standard_name": "forecast_reference_time"}),
        step=("step", step),
        valid_time=("step", BASE + step, {"standard_name": "time"}),
    )


def as_one_run_without_valid_time(dataset):
    return as_one_run(dataset).drop_vars("valid_time")


def as_runs(dataset):
    """The forecast of 6 hours of each of many runs."""
    valid = dataset["time"].values
    dataset = dataset.assign_coords(time=("time", valid - 6 * HOUR, {"standard_name": "forecast_reference_time"}))
    dataset = dataset.expand_dims(step=[6 * HOUR])
    return dataset.assign_coords(valid_time=(("step", "time"), valid[None], {"standard_name": "time"}))


def as_runs_without_valid_time(dataset):
    dataset = dataset.assign_coords(time=dataset["time"].values - 6 * HOUR, step=6 * HOUR)
    return dataset


def as_runs_and_steps(dataset):
    """Runs of every 12 hours with steps of 0 and 6."""
    valid = dataset["time"].values
    pairs = [dataset.isel(time=slice(first, None, 2)) for first in (0, 1)]
    pairs[0] = pairs[0].isel(time=slice(len(valid) // 2))
    runs = pairs[0]["time"].values
    pairs = [pair.isel(time=slice(runs.size)).assign_coords(init_time=("time", runs)) for pair in pairs]
    pairs = [pair.swap_dims(time="init_time").drop_vars("time") for pair in pairs]
    return xarray.concat(
        pairs, xarray.DataArray([0 * HOUR, 6 * HOUR], dims="prediction_timedelta", name="prediction_timedelta")
    )


def shuffled(dataset):
    return dataset.isel(time=np.random.default_rng(0).permutation(dataset.sizes["time"]))


def with_repeated_times(dataset):
    return xarray.concat([dataset, dataset.isel(time=[3, 5])], "time")


def with_missing_repeats(dataset):
    """Some times come twice, and each is missing once."""
    at = xarray.DataArray(np.arange(dataset.sizes["time"]), dims="time")
    north = dataset["latitude"] > 1.0
    parts = [
        dataset.where((at != 2) | north),
        dataset.where(~north).isel(time=[2, 7]),
    ]
    return xarray.concat(parts, "time", combine_attrs="override")


def with_text_calendar(dataset):
    hours = hours_of(dataset)
    attributes = {"units": "hours since 2012-03-01 01:00:00 +01:00", "calendar": "gregorian"}
    return dataset.assign_coords(time=("time", hours, attributes))


def with_cftime(dataset):
    cftime = pytest.importorskip("cftime")
    days = [cftime.DatetimeProlepticGregorian(2012, 3, 1 + hour // 24, hour % 24) for hour in hours_of(dataset)]
    return dataset.assign_coords(time=("time", np.array(days, object)))


TIMES = {
    "valid": lambda dataset: dataset,
    "one run": as_one_run,
    "one run without valid_time": as_one_run_without_valid_time,
    "runs": as_runs,
    "runs without valid_time": as_runs_without_valid_time,
    "runs and steps": as_runs_and_steps,
    "shuffled": shuffled,
    "repeated": with_repeated_times,
    "missing repeats": with_missing_repeats,
    "units with an offset": with_text_calendar,
    "cftime": with_cftime,
}


def as_version_dimension(dataset):
    late = xarray.DataArray(np.arange(dataset.sizes["time"]) > 5, dims="time")
    parts = [dataset.where(~late), dataset.where(late)]
    return xarray.concat(parts, xarray.DataArray(np.array([1, 5], np.int32), dims="expver", name="expver"))


def as_overlapping_versions(dataset):
    """Some times have both versions, along time: the preliminary one differs."""
    preliminary = dataset.isel(time=[2, 4])
    for name in ("u", "v"):
        preliminary[name] = preliminary[name] + 1.5
    both = xarray.concat([preliminary, dataset], "time", combine_attrs="override")
    versions = ["0005"] * 2 + ["0001"] * dataset.sizes["time"]
    return both.assign_coords(expver=("time", np.array(versions)))


VERSIONS = {
    "none": lambda dataset: dataset,
    "a scalar": lambda dataset: dataset.assign_coords(expver="0001"),
    "along time": lambda dataset: dataset.assign_coords(expver=("time", ["0001"] * dataset.sizes["time"])),
    "a dimension": as_version_dimension,
    "overlapping": as_overlapping_versions,
}


def stored(dataset, names, packed, storage, folder):
    """Open the winds as a user would, from memory or from a file."""
    if storage == "memory":
        return wind_field_of_dataset(dataset, start="2012-03-01T00:00", **STATION)
    encoding = {}
    if packed:
        for name in (names.u, names.v):
            low, high = float(dataset[name].min()), float(dataset[name].max())
            scale = (high - low) / 60_000 or 1.0
            encoding[name] = {
                "dtype": "int16",
                "scale_factor": scale,
                "add_offset": (low + high) / 2,
                "_FillValue": -32767,
            }
    if storage.startswith("netcdf"):
        file = folder / "winds.nc"
        if storage == "netcdf3":
            dataset.to_netcdf(file, engine="scipy", format="NETCDF3_64BIT", encoding=encoding)
        else:
            dataset.to_netcdf(file, engine="h5netcdf", encoding=encoding)
    else:
        pytest.importorskip("zarr")
        file = folder / "winds.zarr"
        dataset.to_zarr(
            file, mode="w", zarr_format=int(storage[-1]), consolidated=storage == "zarr2", encoding=encoding
        )
    return open_wind_grid(file, start="2012-03-01T00:00", **STATION)


def check_a_layout(layout, folder):
    dataset, names, packed, storage, words = layout
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        field = stored(dataset, names, packed, storage, folder)
    check_winds(field, words)


def settings(examples):
    return hypothesis.settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@settings(40)
@hypothesis.given(layout=layouts())
def test_any_layout_of_one_field_gives_the_same_winds(layout, tmp_path_factory):
    check_a_layout(layout, tmp_path_factory.mktemp("layout"))


@pytest.mark.long
@settings(1000)
@hypothesis.given(layout=layouts())
def test_many_more_layouts(layout, tmp_path_factory):
    check_a_layout(layout, tmp_path_factory.mktemp("layout"))


# What is damaged.


def with_units(name, unit):
    def damage(dataset):
        dataset[name].attrs["units"] = unit
        return dataset

    return damage


def with_text(name):
    def damage(dataset):
        attributes = dataset[name].attrs
        dataset = dataset.assign_coords({name: np.array([f"no. {index}" for index in range(dataset.sizes[name])])})
        dataset[name].attrs.update(attributes)
        return dataset

    return damage


def with_values(name, change):
    def damage(dataset):
        changed = (name, change(dataset[name].values), dataset[name].attrs)
        return dataset.assign_coords({name: changed})

    return damage


def with_hole(name, value=np.nan):
    def damage(dataset):
        dataset[name][3, 2, 4, 4] = value
        return dataset

    return damage


def repeated(name, difference):
    def damage(dataset):
        again = dataset.isel({name: [3]})
        again["v"] = again["v"] + difference
        return xarray.concat([dataset, again], name)

    return damage


def curved(dataset):
    dataset = dataset.rename_dims(latitude="y", longitude="x")
    latitude, longitude = dataset["latitude"].values, dataset["longitude"].values
    east, north = np.meshgrid(longitude, latitude)
    dataset = dataset.drop_vars(["latitude", "longitude"])
    return dataset.assign_coords(
        latitude=(("y", "x"), north + 0.1 * east, {"units": "degrees_north"}),
        longitude=(("y", "x"), east - 0.1 * north, {"units": "degrees_east"}),
    )


def staggered(dataset):
    dataset["v"] = dataset["v"].isel(latitude=slice(1, None)).rename(latitude="latitude_of_v")
    return dataset


def listed(dataset):
    return dataset.stack(place=("latitude", "longitude")).reset_index("place")


def with_model_levels(dataset):
    attributes = {"units": "1", "standard_name": "atmosphere_hybrid_sigma_pressure_coordinate"}
    return dataset.assign_coords(pressure=("pressure", np.arange(60, 65), attributes))


def with_months_between(dataset):
    days = np.arange(dataset.sizes["time"]) // 4
    return dataset.assign_coords(time=dataset["time"].values + days * np.timedelta64(60 * 24, "h"))


def with_reference_times(dataset):
    dataset["time"].attrs["standard_name"] = "forecast_reference_time"
    return dataset


def with_calendar(dataset):
    attributes = {"units": "hours since 2012-03-01", "calendar": "noleap", "standard_name": "time"}
    return dataset.assign_coords(time=("time", hours_of(dataset), attributes))


STRUCTURE = {
    "no u": (lambda dataset: dataset.drop_vars("u"), "There is no u"),
    "no v": (lambda dataset: dataset.drop_vars("v"), "There is no v"),
    "no latitude": (lambda dataset: dataset.drop_vars("latitude"), "There is no latitude"),
    "no longitude": (lambda dataset: dataset.drop_vars("longitude"), "There is no longitude"),
    "no pressure": (lambda dataset: dataset.drop_vars("pressure"), "There is no pressure"),
    "no time": (lambda dataset: dataset.drop_vars("time"), "There is no time"),
    "u in kelvin": (with_units("u", "K"), "'u' has the units 'K'"),
    "v in volts": (with_units("v", "V"), "'v' has the units 'V'"),
    "pressure in metres": (with_units("pressure", "m"), "'pressure' has the units 'm'"),
    "latitude in metres": (with_units("latitude", "m"), "'latitude' has the units 'm'"),
    "text for pressure": (with_text("pressure"), "'pressure' has no numbers"),
    "text for latitude": (with_text("latitude"), "'latitude' has no numbers"),
    "pressure in another unit": (
        with_values("pressure", lambda values: values / 100),
        "pressure goes from 50 to 150 Pa",
    ),
    "pressure too large": (with_values("pressure", lambda values: values * 100), "pressure goes .* no atmosphere"),
    "pressures below": (with_values("pressure", lambda values: values + 15_000), "pressure goes .* below all balloons"),
    "station to the south": (with_values("latitude", lambda values: values + 40), "The station's latitude 1 is not in"),
    "station to the west": (
        with_values("longitude", lambda values: values + 90),
        "The station's longitude -1 is not in",
    ),
    "latitude of no place": (with_values("latitude", lambda values: values * 40), "latitude goes from -240 to 320"),
    "one latitude": (lambda dataset: dataset.isel(latitude=[3]), "latitude has 1 point"),
    "one longitude": (lambda dataset: dataset.isel(longitude=3), "longitude has 1 point"),
    "one pressure": (lambda dataset: dataset.isel(pressure=[3]), "pressure has 1 point"),
    "one time": (lambda dataset: dataset.isel(time=3), "time has 1 point"),
    "holes in the axis": (
        with_values("longitude", lambda values: np.where(values > 0, np.nan, values)),
        "longitude has gaps",
    ),
    "a day": (lambda dataset: dataset.isel(time=slice(5)), "time goes from .* 24 hours, but an episode has 48"),
    "months between": (with_months_between, "time has gaps of up to 60.2 days"),
    "numbers for time": (with_values("time", lambda values: np.arange(values.size)), "'time' does not decode to dates"),
    "no time at one": (
        with_values("time", lambda values: np.where(values == BASE, np.datetime64("NaT"), values)),
        "time has gaps: 1 of 11",
    ),
    "another calendar": (with_calendar, "'time' has the calendar 'noleap'"),
    "reference times": (with_reference_times, "time: there are the reference times.* 'time'"),
    "model levels": (with_model_levels, "'pressure' numbers model levels"),
    "members": (lambda dataset: dataset.expand_dims(number=[0, 1]), "'u' has 2 points along 'number', the members"),
    "soundings": (lambda dataset: dataset.expand_dims(sounding=3), "'u' has 3 points along 'sounding'"),
    "curved": (curved, "'latitude' changes along both 'y' and 'x'"),
    "a list of places": (listed, "latitude and longitude both lie along 'place'"),
    "staggered": (staggered, "The two winds are on different points, 'u' .* 'v'"),
    "text for u": (lambda dataset: dataset.assign(u=dataset["u"].astype(str)), "'u' has no numbers"),
}
"""Damages that are found without reading the winds: what is done, and what the message says."""
VALUES = {
    "a hole in u": (with_hole("u"), "u has gaps: 1 of"),
    "infinity in v": (with_hole("v", np.inf), "v has gaps: 1 of"),
    "an undeclared mark": (with_hole("v", -9999.0), "v reaches 9999 m/s"),
    "no unit and too large": (lambda dataset: dataset.assign(u=dataset["u"].drop_attrs() * 100), "u reaches .* m/s"),
    "two winds at a time": (
        repeated("time", 3.0),
        "v has two values at 1 of .* points along time, first at time 2012-03-01T18",
    ),
    "two winds at a latitude": (repeated("latitude", 3.0), "v has two values at 1 of .* points along latitude, .* 0;"),
    "a level without winds": (
        lambda dataset: dataset.where(dataset["pressure"] != 7000.0),
        "u has gaps.* on 1 of 5 levels",
    ),
}
"""Damages of the winds themselves."""


def check_refusal(dataset, messages, storage, folder):
    file = folder / "winds.nc"
    if storage != "memory":
        dataset.to_netcdf(file, engine="h5netcdf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(WindGridError) as error:
            wind_field_of_dataset(dataset, **STATION) if storage == "memory" else open_wind_grid(file, **STATION)
    text = str(error.value)
    assert "\n" not in text
    assert storage == "memory" or text.startswith(f"{file}: ")
    for message in messages:
        assert re.search(message, text), f"{message!r} is not in {text!r}"


@pytest.mark.parametrize("damage", [*STRUCTURE, *VALUES])
def test_what_is_damaged_is_refused_with_the_name_of_the_variable(damage, tmp_path):
    change, message = (STRUCTURE | VALUES)[damage]
    check_refusal(change(plain()), [message], "memory", tmp_path)


INDEPENDENT = {
    "v in volts": "v",
    "pressure in metres": "pressure",
    "no pressure": "pressure",
    "model levels": "pressure",
    "text for latitude": "latitude",
    "station to the west": "longitude",
    "no longitude": "longitude",
    "a day": "time",
    "another calendar": "time",
    "members": "number",
    "text for u": "u",
}
"""Damages of which one does not hide another, if they are of different variables."""


def check_damages(damages, storage, folder):
    dataset = plain()
    for damage in damages:
        dataset = STRUCTURE[damage][0](dataset)
    check_refusal(dataset, [STRUCTURE[damage][1] for damage in damages], storage, folder)


@settings(25)
@hypothesis.given(
    damages=st.lists(st.sampled_from(sorted(INDEPENDENT)), min_size=2, max_size=4, unique_by=INDEPENDENT.get),
    storage=st.sampled_from(["memory", "netcdf4"]),
)
def test_everything_that_is_wrong_is_said_at_once(damages, storage, tmp_path_factory):
    check_damages(damages, storage, tmp_path_factory.mktemp("damages"))


# Layouts of particular sources.


def on_model_levels(dataset):
    attributes = {"standard_name": "atmosphere_hybrid_sigma_pressure_coordinate", "formula_terms": "ap: ap b: b ps: ps"}
    return dataset.rename(pressure="lev").assign_coords(lev=("lev", np.arange(60, 65), attributes))


def as_iris_does(dataset):
    """The reference time and the lead time lie along the valid time."""
    return dataset.assign_coords(
        forecast_period=("time", np.full(11, 6), {"units": "hours", "standard_name": "forecast_period"}),
        forecast_reference_time=("time", dataset["time"].values - 6 * HOUR),
    )


def as_cfgrib_does(dataset):
    attributes = {"standard_name": "forecast_reference_time", "long_name": "initial time of forecast"}
    dataset = dataset.rename(pressure="isobaricInhPa").assign_coords(
        isobaricInhPa=("isobaricInhPa", PRESSURES / 100.0, {"standard_name": "air_pressure"}),
        number=0,
        step=0 * HOUR,
        valid_time=("time", dataset["time"].values, {"standard_name": "time"}),
    )
    dataset["time"].attrs = attributes
    return dataset


def as_climate_models_do(dataset):
    """With bounds, and other variables of the same standard name."""
    dataset = dataset.rename(pressure="plev", latitude="lat", longitude="lon", u="ua", v="va")
    surface = {"standard_name": "eastward_wind", "units": "m s-1"}
    return dataset.isel(plev=slice(None, None, -1)).assign(
        uas=(("time", "lat", "lon"), np.zeros((11, 8, 7)), surface),
        lat_bnds=(("lat", "bnds"), np.zeros((8, 2))),
        time_bnds=(("time", "bnds"), np.zeros((11, 2), "datetime64[ns]")),
    )


def as_merra_does(dataset):
    attributes = {"units": "hPa", "long_name": "vertical level", "standard_name": "PLE_level"}
    dataset = dataset.rename(u="U", v="V", pressure="lev", latitude="lat", longitude="lon")
    return dataset.assign_coords(lev=("lev", PRESSURES / 100.0, attributes))


def with_pressures_of_model_levels(dataset):
    return on_model_levels(dataset).assign_coords(pressure=("lev", PRESSURES, {"units": "Pa"}))


def in_radians(dataset):
    for name in ("latitude", "longitude"):
        dataset = dataset.assign_coords({name: (name, np.radians(dataset[name].values), {"units": "radians"})})
    return dataset


def with_degrees_of_y_and_x(dataset):
    places = {"y": dataset["latitude"].values, "x": dataset["longitude"].values}
    return dataset.rename(latitude="y", longitude="x").assign_coords(places)


SOURCES = (
    as_iris_does,
    as_cfgrib_does,
    as_climate_models_do,
    as_merra_does,
    with_pressures_of_model_levels,
    in_radians,
    with_degrees_of_y_and_x,
)


@pytest.mark.parametrize("layout", SOURCES)
@pytest.mark.filterwarnings("error")
def test_layouts_of_particular_sources(layout):
    check_winds(wind_field_of_dataset(layout(plain()), start="2012-03-01T00:00", **STATION))


def test_units_that_are_missing_are_assumed_with_a_warning():
    bare = plain().drop_attrs()
    bare = bare.assign_coords(pressure=bare["pressure"] / 100.0)
    with pytest.warns(UserWarning, match="has no units") as warned:
        check_winds(wind_field_of_dataset(bare, start="2012-03-01T00:00", **STATION))
    assert [str(one.message) for one in warned] == [
        "'u' has no units: m/s is assumed.",
        "'v' has no units: m/s is assumed.",
        "'pressure' has no units: hPa is assumed.",
    ]


def with_an_ambiguous_period(dataset):
    dataset["time"].attrs.clear()
    return as_iris_does(dataset).drop_vars("forecast_reference_time")


def with_another_sum(dataset):
    return as_cfgrib_does(dataset).assign_coords(step=6 * HOUR)


def with_two_runs_at_a_time(dataset):
    runs = dataset.assign_coords(time=dataset["time"].values - 6 * HOUR)
    return xarray.concat([runs, runs + 3.0], xarray.DataArray([0 * HOUR, 6 * HOUR], dims="step", name="step"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (on_model_levels, "'lev' numbers model levels"),
        (
            lambda dataset: dataset.assign_coords(pressure=np.arange(60, 65)),
            "'pressure' has no units and goes from 60 to 64",
        ),
        (
            with_an_ambiguous_period,
            "lead times 'forecast_period', but no valid times .*valid_time=dataset.'time'. . dataset",
        ),
        (with_another_sum, r"'valid_time' is not time \+ step, they differ by up to 6 hours"),
        (
            lambda dataset: dataset.rename(u="eddy", v="flow").drop_attrs().drop_vars("latitude"),
            "There is no u, .* There is no v, .* There is no latitude: 'eddy' lies along",
        ),
        (with_two_runs_at_a_time, "u has two values .* along 'time' and 'step': select one.*v has two values"),
        (
            lambda dataset: dataset.assign(w=dataset["u"]).rename(u="a"),
            "'a', 'w' are all the wind to the east: keep one",
        ),
        (
            lambda dataset: dataset.assign(u=dataset["u"].assign_attrs(standard_name="sea_water_x_velocity")),
            "There is no u, .* with the standard_name sea_water_x_velocity",
        ),
        (
            lambda dataset: xarray.concat([dataset, dataset + 1.0], "expver"),
            r"u has two values .* 'time' and 'expver': select one, for instance by dataset.isel\(expver=\[0\]\)",
        ),
    ],
)
def test_what_is_unclear_is_refused(change, message):
    with pytest.raises(WindGridError, match=message):
        wind_field_of_dataset(change(plain()), **STATION)


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_the_remedy_for_a_calendar_works_when_obeyed(calendar):
    pytest.importorskip("cftime")
    attributes = {"units": "hours since 2012-03-02", "calendar": calendar, "standard_name": "time"}
    dataset = plain().assign_coords(time=("time", hours_of(plain()), attributes))
    with pytest.raises(WindGridError, match=r'dataset.convert_calendar\("standard"'):
        wind_field_of_dataset(dataset, **STATION)
    align = {"align_on": "date"} if calendar == "360_day" else {}
    wind_field_of_dataset(xarray.decode_cf(dataset).convert_calendar("standard", **align), **STATION)
