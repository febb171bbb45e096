"""Winds out of files as ERA5 has them, written here by xarray."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.plugins.registries import WIND_FIELDS
from ble_sim.wind.fields.options import GridFileOptions
from ble_sim.wind.fields.reanalysis import WindGridError
from ble_sim.wind.fields.reanalysis_file import open_wind_grid

xarray = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

LEVELS = [50, 70, 100, 125, 150]
SPEED = {"units": "m s**-1"}


def era5():
    """Two days of winds that are the level in u and the hour in v, laid out like ERA5."""
    hours = np.arange(0, 55, 6)
    coordinates = {
        "time": ("time", np.datetime64("2012-03-01T00", "ns") + hours.astype("timedelta64[h]")),
        "level": ("level", np.array(LEVELS, np.int32), {"units": "millibars"}),
        "latitude": ("latitude", np.arange(6.0, -6.1, -1.5), {"units": "degrees_north"}),
        "longitude": ("longitude", np.arange(350.0, 370.1, 2.5) % 360.0, {"units": "degrees_east"}),
    }
    shape = tuple(len(values[1]) for values in coordinates.values())
    u = np.broadcast_to(np.reshape(LEVELS, (1, -1, 1, 1)), shape).astype(np.float32)
    v = np.broadcast_to(np.reshape(hours, (-1, 1, 1, 1)), shape).astype(np.float32)
    dimensions = ("time", "level", "latitude", "longitude")
    return xarray.Dataset({"u": (dimensions, u, SPEED), "v": (dimensions, v, SPEED)}, coordinates)


def check_winds(field):
    forecast = field.sample(field.parameters(), jax.random.PRNGKey(0), jnp.int32(0))
    place = (jnp.float32(10_000.0), jnp.float32(-20_000.0), jnp.float32([5000.0, 8500.0, 12_500.0]))
    u, v = field.wind(forecast, *place, jnp.int32(3 * 3600))
    np.testing.assert_allclose(u, [50.0, 85.0, 125.0], rtol=1e-6)
    np.testing.assert_allclose(v, 3.0, rtol=1e-6)


@pytest.mark.parametrize("netcdf", ["NETCDF3_64BIT", "NETCDF4"])
def test_winds_of_a_file_are_found_by_name(tmp_path, netcdf):
    file = tmp_path / "era5.nc"
    era5().to_netcdf(file, format=netcdf, engine="scipy" if netcdf == "NETCDF3_64BIT" else "h5netcdf")
    options = GridFileOptions(str(file), station_latitude=1.0, station_longitude=-1.0, start="2012-03-01T00:00")
    field = WIND_FIELDS.make("grid_file", options=options)
    check_winds(field)
    assert field == WIND_FIELDS.make("grid_file", options=options)


def test_a_zarr_folder(tmp_path):
    pytest.importorskip("zarr")
    era5().to_zarr(tmp_path / "era5.zarr")
    check_winds(open_wind_grid(str(tmp_path / "era5.zarr"), start="2012-03-01T00:00"))


def rename_as_the_new_store_does(dataset):
    dataset = dataset.rename(time="valid_time", level="pressure_level").expand_dims(number=[0])
    dataset["pressure_level"].attrs["units"] = "hPa"
    return dataset


def rename_to_conventions(dataset):
    dataset = dataset.rename(u="wind_a", v="wind_b", level="plev", latitude="lat", longitude="lon")
    dataset["wind_a"].attrs.update(standard_name="eastward_wind", units="m s-1")
    dataset["wind_b"].attrs.update(standard_name="northward_wind", units="m/s")
    dataset = dataset.assign_coords(plev=dataset["plev"] * 100.0)
    dataset["plev"].attrs["units"] = "Pa"
    return dataset.transpose("lon", "lat", "time", "plev").isel(time=slice(None), plev=slice(None, None, -1))


@pytest.mark.parametrize("rename", [rename_as_the_new_store_does, rename_to_conventions])
def test_other_names_units_and_layouts(tmp_path, rename):
    rename(era5()).to_netcdf(tmp_path / "winds.nc", engine="h5netcdf")
    check_winds(open_wind_grid(str(tmp_path / "winds.nc"), start="2012-03-01T00:00"))


def with_units(name, units):
    def change(dataset):
        dataset[name].attrs["units"] = units
        return dataset

    return change


def with_gap(dataset):
    dataset["u"][3, 2, 4, 4] = np.nan
    return dataset


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_units("u", "K"), "'u' has the units 'K', which are no speed: convert it to m/s"),
        (with_units("level", "m"), "'level' has the units 'm', which are no pressure: convert it to hPa"),
        (with_units("latitude", "m"), "'latitude' has the units 'm': convert it to degrees"),
        (with_gap, "u has gaps: 1 of "),
        (lambda dataset: dataset.drop_vars("v"), "There is no v, .* it has u .* Rename what is meant to 'v'"),
        (lambda dataset: dataset.isel(time=0), "time has 1 point: give 48 hours or more"),
        (lambda dataset: dataset.assign_coords(time=np.arange(10)), "'time' does not decode to dates"),
        (lambda dataset: dataset.expand_dims(number=[0, 1]), "'u' has 2 points along 'number', the members of"),
        (lambda dataset: dataset.isel(latitude=slice(2)), "station's latitude 0 is not in the grid"),
        (lambda dataset: dataset.drop_vars("level"), "There is no pressure: .* along level .5., with the units hPa"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_remedy(tmp_path, change, message):
    file = tmp_path / "winds.nc"
    change(era5()).to_netcdf(file, engine="h5netcdf")
    with pytest.raises(WindGridError, match=message) as error:
        open_wind_grid(str(file))
    assert str(error.value).startswith(f"{file}: ")
