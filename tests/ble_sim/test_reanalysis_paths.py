"""How users name a file of winds, and files that are something else."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import shutil
import tarfile
import zipfile

import numpy as np
import pytest

from ble_sim.plugins.registries import WIND_FIELDS
from ble_sim.wind.fields.options import GridFileOptions
from ble_sim.wind.fields.reanalysis import WindGridError
from ble_sim.wind.fields.reanalysis_file import open_wind_grid

xarray = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

DIMS = ("time", "level", "latitude", "longitude")


def winds():
    calm = (DIMS, np.ones((10, 5, 9, 9), np.float32), {"units": "m s**-1"})
    coordinates = {
        "time": np.datetime64("2023-01-08T00", "ns") + 6 * np.arange(10).astype("timedelta64[h]"),
        "level": ("level", [50, 70, 100, 125, 150], {"units": "hPa"}),
        "latitude": np.arange(6.0, -6.1, -1.5),
        "longitude": np.arange(-10.0, 10.1, 2.5),
    }
    return xarray.Dataset({"u": calm, "v": calm}, coordinates)


@pytest.fixture(scope="module")
def netcdf(tmp_path_factory):
    """The bytes of a NetCDF 4 file."""
    file = tmp_path_factory.mktemp("winds") / "winds.nc"
    winds().to_netcdf(file, engine="h5netcdf")
    return file.read_bytes()


@pytest.fixture
def file(netcdf, tmp_path):
    path = tmp_path / "some winds.nc"
    path.write_bytes(netcdf)
    return path


def test_paths_that_are_understood(file, tmp_path, monkeypatch):
    expected = open_wind_grid(file)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "no_suffix").write_bytes(file.read_bytes())
    for name in (
        "~/some winds.nc",
        "some winds.nc",
        "./some winds.nc",
        f"file://{tmp_path}/some%20winds.nc",
        f"file://localhost{tmp_path}/some%20winds.nc",
        "link",
        "no_suffix",
    ):
        assert WIND_FIELDS.make("grid_file", options=GridFileOptions(file=name)) == expected


@pytest.mark.parametrize(
    "address",
    [
        "gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3",
        "s3://bucket/winds.zarr",
        "https://server.example/winds.nc",
        "gs:/bucket/winds.zarr",
    ],
)
def test_addresses_are_refused_as_they_are_written(address):
    with pytest.raises(
        WindGridError, match="is an address, but winds are read from local files: copy the part"
    ) as error:
        WIND_FIELDS.make("grid_file", options=GridFileOptions(file=address))
    assert str(error.value).startswith(address)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "No file is given"),
        ("none.nc", r"There is no file none.nc \(from the folder .*\)"),
        ("folder/none.nc", "there is no folder folder either"),
        ("$DATA/winds.nc", r"Variables such as \$HOME are not expanded"),
        ("*.nc", r"patterns are not expanded. Join several .*xarray.open_mfdataset\('\*.nc'\)"),
        ("broken", "is a link to gone.nc, which is not there"),
        ("file://server/winds.nc", "is a file of another machine, server"),
        (".", "is a folder and no Zarr store .* choose the file in it, some winds.nc"),
        ("empty", "is an empty folder"),
        ("several", "but has 2 files: choose one, such as several/a.nc, or join them"),
        ("pipe", "is no file but a device or a pipe"),
        ("a" * 300, "cannot be read: File name too long"),
        ("~nobody-of-that-name/winds.nc", "the home folder is not known .*: write the whole path"),
    ],
)
def test_paths_at_which_there_is_nothing(file, monkeypatch, name, message):
    monkeypatch.chdir(file.parent)
    os.symlink("gone.nc", "broken")
    os.mkdir("empty")
    os.mkdir("several")
    os.mkfifo("pipe")
    for member in ("a.nc", "b.nc"):
        (file.parent / "several" / member).touch()
    with pytest.raises(WindGridError, match=message):
        open_wind_grid(name)


def in_zip(netcdf):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data_stream-oper_stepType-instant.nc", netcdf)
    return buffer.getvalue()


def in_tar(netcdf):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("winds.nc")
        member.size = len(netcdf)
        archive.addfile(member, io.BytesIO(netcdf))
    return buffer.getvalue()


def as_npz(netcdf):
    buffer = io.BytesIO()
    np.savez(buffer, u=np.zeros(3))
    return buffer.getvalue()


OTHERS = {
    "empty": (lambda netcdf: b"", "is empty: download it again"),
    "blank": (lambda netcdf: b" \n\n", "is blank"),
    "zip": (in_zip, r"is a zip archive: unpack it by unzip .*data_stream-oper_stepType-instant.nc"),
    "damaged zip": (lambda netcdf: in_zip(netcdf)[:2000], "is a zip archive: it is damaged or cut short"),
    "gzip": (gzip.compress, "is a gzip archive: unpack it by gunzip"),
    "bzip2": (bz2.compress, "is a bzip2 archive"),
    "xz": (lzma.compress, "is an xz archive"),
    "tar": (in_tar, "is a tar archive: unpack it by tar"),
    "npz": (as_npz, "numpy arrays .*from_arrays"),
    "pickle": (lambda netcdf: pickle.dumps({"u": 1}), "is a Python pickle, such as an index of cfgrib"),
    "grib": (lambda netcdf: b"GRIB\x00\x00\x00\x01\x02" + bytes(99), 'is a GRIB file: .*engine="cfgrib"'),
    "grib with a header": (lambda netcdf: b"\x01\r\r\n123\r\r\nHUXX99 ECMF 010000\r\r\nGRIB\x00\x02", "is a GRIB file"),
    "grib index": (
        lambda netcdf: b"1:0:d=2023010800:UGRD:50 mb:anl:\n2:4:d=2023010800:",
        "is the index of a GRIB file",
    ),
    "html": (
        lambda netcdf: b"\n<!DOCTYPE html><html><body>Sign in</body></html>",
        "is an HTML page, such as of a login",
    ),
    "xml": (lambda netcdf: b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "is an XML file"),
    "json": (lambda netcdf: json.dumps({"detail": "not found"}).encode(), "is a JSON file, such as of an error"),
    "csv": (lambda netcdf: b"time,level,latitude,longitude,u,v\n2023-01-08,50,0,0,1,2\n", "is a table as text"),
    "cdl": (
        lambda netcdf: b"netcdf winds {\ndimensions:\n time = 10 ;\n}",
        r"is a NetCDF file as text \(CDL\): .* ncgen",
    ),
    "lfs": (lambda netcdf: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS"),
    "text": (lambda netcdf: "schöne Winde\n".encode(), "is a text, which begins 'schöne Winde'"),
    "noise": (lambda netcdf: bytes(range(256)) * 40, "is neither NetCDF nor Zarr .*00 01 02"),
    "half": (lambda netcdf: netcdf[: len(netcdf) // 2], r"cannot be read, it is damaged or cut short \("),
    "beginning": (lambda netcdf: netcdf[:60], r"cannot be read, it is damaged or cut short \("),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_files_that_are_something_else_are_called_that(netcdf, tmp_path, kind):
    make, message = OTHERS[kind]
    path = tmp_path / "winds.nc"
    path.write_bytes(make(netcdf))
    with pytest.raises(WindGridError, match=message) as error:
        open_wind_grid(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


@pytest.mark.parametrize("length", [0.3, 0.9, 0.99])
def test_a_netcdf_3_file_that_is_cut_short(tmp_path, length):
    pytest.importorskip("scipy")
    path = tmp_path / "winds.nc"
    winds().to_netcdf(path, engine="scipy", format="NETCDF3_CLASSIC")
    path.write_bytes(path.read_bytes()[: int(length * path.stat().st_size)])
    with pytest.raises(WindGridError, match="cannot be read, it is damaged or cut short"):
        open_wind_grid(path)


def test_the_winds_of_a_group_are_named(tmp_path):
    path = tmp_path / "winds.nc"
    winds().to_netcdf(path, engine="h5netcdf", group="analysis/upper")
    with pytest.raises(
        WindGridError, match=r"has its variables in the groups /analysis/upper: copy one to a file"
    ) as error:
        open_wind_grid(path)
    # What the message says works.
    assert "group='/analysis/upper'" in str(error.value)
    xarray.open_dataset(path, engine="h5netcdf", group="/analysis/upper").to_netcdf(
        tmp_path / "copy.nc", engine="h5netcdf"
    )
    open_wind_grid(tmp_path / "copy.nc")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("consolidated", [False, True])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_zarr_stores(file, tmp_path, version, consolidated):
    pytest.importorskip("zarr")
    expected = open_wind_grid(file)
    store = tmp_path / "winds.zarr"
    winds().to_zarr(store, zarr_format=version, consolidated=consolidated and version == 2)
    assert open_wind_grid(store) == open_wind_grid(f"{store}/") == expected
    with pytest.raises(WindGridError, match=r"is a zip archive: it holds a Zarr store, unpack it .* -d winds\.zarr"):
        open_wind_grid(shutil.make_archive(str(store), "zip", store))
    with pytest.raises(WindGridError, match="is one array of a Zarr store: give the folder of the store"):
        open_wind_grid(store / "u")


def test_a_zarr_store_with_a_damaged_chunk(tmp_path):
    pytest.importorskip("zarr")
    winds().to_zarr(tmp_path / "winds.zarr", zarr_format=2, consolidated=False)
    (tmp_path / "winds.zarr" / "v" / "0.0.0.0").write_bytes(b"no chunk")
    with pytest.raises(WindGridError, match=r"winds.zarr cannot be read, it is damaged or cut short \("):
        open_wind_grid(tmp_path / "winds.zarr")


def test_a_remedy_for_an_ensemble_works_when_obeyed(tmp_path):
    path = tmp_path / "winds.nc"
    xarray.concat([winds(), winds() + 1.0], "number").assign_coords(number=[0, 1]).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(WindGridError, match=r"dataset.isel\(number=0\).to_netcdf"):
        open_wind_grid(path)
    xarray.open_dataset(path, engine="h5netcdf").isel(number=0).to_netcdf(tmp_path / "one.nc", engine="h5netcdf")
    open_wind_grid(tmp_path / "one.nc")
