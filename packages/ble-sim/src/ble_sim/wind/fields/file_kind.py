"""What a file is, by its first bytes: those that hold no winds are called what they are, with the remedy."""

import json
import os
import re
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ble_sim.wind.fields.grid_axes import WindGridError

HDF5 = b"\x89HDF\r\n\x1a\n"
NETCDF3 = (b"CDF\x01", b"CDF\x02")
NETCDF3_64BIT_DATA = b"CDF\x05"
ZARR_FILES = ("zarr.json", ".zgroup", ".zmetadata", ".zattrs")
_ADDRESS = re.compile(r"^([a-z][a-z0-9+.\-]+):/+", re.IGNORECASE)
_GRIB_REMEDY = (
    "convert it to NetCDF, for instance by xarray with the package cfgrib:"
    ' xarray.open_dataset(FILE, engine="cfgrib").to_netcdf("winds.nc")'
)
_ARCHIVES = {
    b"\x1f\x8b": ("a gzip archive", "unpack it by gunzip (or tar -xzf)"),
    b"BZh": ("a bzip2 archive", "unpack it by bunzip2"),
    b"\xfd7zXZ\x00": ("an xz archive", "unpack it by unxz"),
    b"(\xb5/\xfd": ("a zstandard archive", "unpack it by unzstd"),
    b"7z\xbc\xaf'\x1c": ("a 7z archive", "unpack it by 7z x"),
    b"Rar!": ("a rar archive", "unpack it by unrar"),
}
_OTHERS = {
    b"GRIB": ("a GRIB file", _GRIB_REMEDY),
    b"BUFR": ("a BUFR file, of observations", "choose a NetCDF file of winds on pressure levels"),
    b"\x0e\x03\x13\x01": ("an HDF 4 file", "convert it to NetCDF 4 by h4tonccf or ncl_convert2nc"),
    b"\x93NUMPY": ("a numpy array", "give the array to ble_sim.GriddedWindField.from_arrays"),
    b"PAR1": ("a Parquet table", "choose a NetCDF file or a Zarr store"),
    b"\x80": ("a Python pickle, such as an index of cfgrib", "choose the data file that it belongs to"),
    b"II*\x00": ("a TIFF picture", "choose a NetCDF file or a Zarr store"),
    b"MM\x00*": ("a TIFF picture", "choose a NetCDF file or a Zarr store"),
    b"%PDF": ("a PDF document", "choose a NetCDF file or a Zarr store"),
    b"version https://git-lfs": ("a pointer of Git LFS and not the file itself", "fetch it by git lfs pull"),
}
_AGAIN = "open it in an editor to see what the server said, and download again"


def local_path(file: str | os.PathLike[str]) -> Path:
    """The path of a local file: `~` is expanded, and file:// is understood.

    Raises:
        WindGridError: no file is named, or it is elsewhere.
    """
    name = os.fsdecode(file)
    if not name.strip():
        raise WindGridError('No file is given: name one by "file" (on a command line, --wind-field.file).')
    address = _ADDRESS.match(name)
    if address and len(address[1]) > 1:
        parts = urlsplit(name)
        if address[1].lower() != "file":
            raise WindGridError(
                f"{name} is an address, but winds are read from local files: copy the part that you need, for instance"
                f' by xarray: xarray.open_dataset({name!r}, engine="zarr", chunks=None).sel(time=slice(...), latitude='
                'slice(...), longitude=slice(...))[[U, V]].to_netcdf("winds.nc").'
            )
        if parts.netloc not in ("", "localhost"):
            raise WindGridError(f"{name} is a file of another machine, {parts.netloc}: copy it, or write file:///PATH.")
        name = unquote(parts.path)
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise WindGridError(f"{name}: the home folder is not known ({error}): write the whole path.") from error


def check_there(path: Path) -> None:
    """Refuse a path at which nothing can be read.

    Raises:
        WindGridError: there is nothing, or no permission.
    """
    try:
        there = path.exists()
    except OSError as error:  # a folder that may not be entered, or a name that is too long
        raise WindGridError(f"{path} cannot be read: {error.strerror}.") from error
    if not there:
        raise WindGridError(_absent(path))
    if not os.access(path, os.R_OK):
        raise WindGridError(f"{path} cannot be read: it belongs to another user (see ls -l).")
    if not path.is_dir() and not path.is_file():
        raise WindGridError(f"{path} is no file but a device or a pipe: choose a NetCDF file or a Zarr store.")


def _absent(path: Path) -> str:
    if path.is_symlink():
        return f"There is no file {path}: it is a link to {os.readlink(path)}, which is not there."
    if any(letter in str(path) for letter in "*?["):
        return (
            f"There is no file {path}: one file is read, and patterns are not expanded. Join several (with xarray and"
            f' dask: xarray.open_mfdataset({str(path)!r}).to_netcdf("winds.nc")).'
        )
    relative = "" if path.is_absolute() else f" (from the folder {Path.cwd()})"
    hint = ". Variables such as $HOME are not expanded: write the path out" if "$" in str(path) else ""
    parent = path.parent
    if not parent.is_dir():
        hint = hint or f": there is no folder {parent} either"
    return f"There is no file {path}{relative}{hint}."


def check_kind(path: Path) -> None:
    """Refuse what is neither NetCDF nor Zarr, and call it what it is.

    Raises:
        WindGridError: the file or folder is something else.
    """
    if path.is_dir():
        if not _is_zarr(path):
            raise WindGridError(_folder(path))
        return
    kind = _foreign(path)
    if kind is not None:
        what, remedy = kind
        raise WindGridError(f"{path} is {what}: {remedy}.")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _foreign(path: Path) -> tuple[str, str] | None:
    """What a file is, and the remedy; None for NetCDF."""
    begin = _first_bytes(path)
    if not begin:
        return "empty", "download it again"
    if begin[257:262] == b"ustar":
        return "a tar archive", "unpack it by tar -xf and choose the file in it"
    if begin.startswith((HDF5, *NETCDF3, NETCDF3_64BIT_DATA)) or any(
        begin[offset:].startswith(HDF5) for offset in (512, 1024, 2048)
    ):
        return None
    if begin.startswith(b"PK"):
        return "a zip archive", _zip_remedy(path)
    for magic, kind in {**_ARCHIVES, **_OTHERS}.items():
        if begin.startswith(magic):
            return kind
    text = _text(begin)
    if text is None:
        if b"GRIB" in begin[:1024]:
            return "a GRIB file", _GRIB_REMEDY
        return (
            f"neither NetCDF nor Zarr (its first bytes are {begin[:8].hex(' ')})",
            "choose a NetCDF file or a Zarr store, or download it again",
        )
    return _kind_of_text(path, text)


def _kind_of_text(path: Path, text: str) -> tuple[str, str]:
    stripped = text.lstrip("\ufeff \t\r\n")
    begin = stripped.lower()
    if not begin:
        return "blank", "download it again"
    if begin.startswith(("<!doctype html", "<html", "<head", "<body")) or "<html" in begin[:500]:
        return "an HTML page, such as of a login or an error", _AGAIN
    if begin.startswith("<"):
        return "an XML file, such as of an error", _AGAIN
    if path.name in ZARR_FILES:
        return "a part of a Zarr store", f"give the folder, {path.parent}"
    if begin.startswith(("{", "[")):
        return "a JSON file, such as of an error", _AGAIN
    if re.match(r"\d+:\d+:d=\d+", begin):
        return "the index of a GRIB file", f"choose the data file, and {_GRIB_REMEDY}"
    if begin.startswith("netcdf ") and "{" in begin:
        return "a NetCDF file as text (CDL)", "convert it by ncgen -o winds.nc"
    first = stripped.splitlines()[0]
    if first.count(",") >= 2 or first.count("\t") >= 2 or first.count(";") >= 2:
        return "a table as text (CSV)", "convert it to NetCDF, for instance by pandas and xarray: DataFrame.to_xarray()"
    return f"a text, which begins {first[:40]!r}", "choose a NetCDF file or a Zarr store"


def _text(begin: bytes) -> str | None:
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        return begin.decode("utf-16", "replace")
    if b"\x00" in begin:
        return None
    try:
        text = begin[: len(begin) - 4 if len(begin) > 4000 else None].decode("utf-8")
    except UnicodeDecodeError:
        text = begin.decode("latin-1")
        if sum(letter.isprintable() or letter.isspace() for letter in text) < 0.95 * len(text):
            return None
    return text if sum(ord(letter) < 32 and not letter.isspace() for letter in text) == 0 else None


def _zip_remedy(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return "it is damaged or cut short, download it again"
    if any(name in ZARR_FILES for name in names):
        return f"it holds a Zarr store, unpack it into a folder: unzip {path.name} -d winds.zarr"
    if any(name.endswith(".npy") for name in names):
        return "it holds numpy arrays (.npz), give them to ble_sim.GriddedWindField.from_arrays"
    listed = f" (it has {', '.join(names[:4])}{', ...' if len(names) > 4 else ''})" if names else ""
    return f"unpack it by unzip and choose the file in it{listed}"


def _folder(path: Path) -> str:
    stores = sorted(str(child) for child in path.iterdir() if child.is_dir() and _is_zarr(child))
    files = sorted(str(child) for child in path.iterdir() if child.suffix in (".nc", ".nc4", ".cdf"))
    if not any(path.iterdir()):
        return f"{path} is an empty folder: choose a NetCDF file or a Zarr store."
    if _is_zarr_array(path):
        return f"{path} is one array of a Zarr store: give the folder of the store, {path.parent}."
    text = f"{path} is a folder and no Zarr store (there is no zarr.json or .zgroup in it)"
    if stores:
        return f"{text}: choose a store in it, such as {stores[0]}."
    if len(files) == 1:
        return f"{text}: choose the file in it, {files[0]}."
    if files:
        return (
            f"{text}, but has {len(files)} files: choose one, such as {files[0]}, or join them (with xarray and dask:"
            f' xarray.open_mfdataset("{path}/*.nc").to_netcdf("winds.nc")).'
        )
    return f"{text}: choose a NetCDF file or a Zarr store."


def _is_zarr(path: Path) -> bool:
    return any((path / name).exists() for name in ZARR_FILES) and not _is_zarr_array(path)


def _is_zarr_array(path: Path) -> bool:
    if (path / ".zarray").exists():
        return True
    try:
        return json.loads((path / "zarr.json").read_text(encoding="utf-8")).get("node_type") == "array"
    except (OSError, ValueError, AttributeError):
        return False
