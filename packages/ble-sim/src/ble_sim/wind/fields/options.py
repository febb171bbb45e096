"""Options of the built-in wind fields. A command line turns the fields into flags, so nothing here imports jax."""

from dataclasses import dataclass

from ble_sim.wind.forecast_options import ForecastOptions


@dataclass(frozen=True)
class GenerativeOptions(ForecastOptions):
    """Which model decodes the winds."""

    weights: str = "offlineskies22"
    """The decoder's weights: "offlineskies22", the benchmark's, or the path of a file that
    `ble-train wind` wrote."""


@dataclass(frozen=True)
class UniformShearOptions(ForecastOptions):
    """How the wind changes with pressure; it is the same everywhere and at all times.

    With the defaults there is a wind in every direction within the balloon's reach, slow enough to stay.
    """

    reference_pressure: float = 9500.0
    """Where the wind has the speed and the heading below, Pa."""
    speed: float = 6.0
    """Speed at the reference pressure, m/s."""
    speed_shear: float = 0.5
    """How much faster the wind is for each 1000 Pa more, m/s; a speed below zero blows the other way."""
    heading: float = 0.0
    """Where the wind at the reference pressure blows to, in degrees counter-clockwise from east: 90 is north."""
    heading_shear: float = 72.0
    """How far the wind turns for each 1000 Pa more, in degrees counter-clockwise; 72 makes one turn in 5000 Pa."""


@dataclass(frozen=True)
class GridFileOptions(ForecastOptions):
    """Which file the winds are read from, and where and when in it the episodes are."""

    file: str = ""
    """A NetCDF file or a Zarr store of winds on pressure levels, such as ERA5's. A relative path begins at the working
    directory."""
    station_latitude: float = 0.0
    """Where in the file the station is, degrees north."""
    station_longitude: float = 0.0
    """Where in the file the station is, degrees east."""
    start: str = ""
    """UTC time in the file at which every episode begins, such as 2012-03-01T06:00. If empty, each episode begins
    at a time of the file that has two days without a gap after it, drawn from its seed."""
