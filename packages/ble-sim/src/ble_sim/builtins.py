"""The plugin of ble-sim: the wind field of the benchmark and others."""

from ble_sim.plugins import WindFieldRegistration, hookimpl
from ble_sim.wind.fields.options import GenerativeOptions, GridFileOptions, UniformShearOptions
from ble_sim.wind.forecast_options import ForecastOptions


@hookimpl
def ble_register_wind_fields() -> list[WindFieldRegistration]:
    """The benchmark's, two for experiments, and winds from files."""
    return [
        WindFieldRegistration(
            name="generative",
            constructor="ble_sim.wind.fields.generative:GenerativeWindField",
            options_type=GenerativeOptions,
            summary="Winds decoded by a generative model of the stratosphere, as in the benchmark.",
        ),
        WindFieldRegistration(
            name="simple",
            constructor="ble_sim.wind.fields.layers:SimpleStaticWindField",
            options_type=ForecastOptions,
            summary="Four layers of steady wind, for experiments.",
        ),
        WindFieldRegistration(
            name="uniform_shear",
            constructor="ble_sim.wind.fields.shear:UniformShearWindField",
            options_type=UniformShearOptions,
            summary="A steady wind that turns and grows linearly with pressure, to teach and learn with.",
        ),
        WindFieldRegistration(
            name="grid_file",
            constructor="ble_sim.wind.fields.reanalysis_file:wind_field_of_file",
            options_type=GridFileOptions,
            summary="Winds of a NetCDF file or Zarr folder around a station, such as ERA5's.",
        ),
    ]
