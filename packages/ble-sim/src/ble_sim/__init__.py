"""Simulation of a station-keeping stratospheric balloon: its physics, the sky, and the wind that carries it.

Names are imported when they are first used, so that listing plugins does not import JAX.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ble_sim.balloon.altitude_control import Action as Action
    from ble_sim.balloon.vehicle import Compressor as Compressor
    from ble_sim.balloon.vehicle import Film as Film
    from ble_sim.balloon.vehicle import Panels as Panels
    from ble_sim.balloon.vehicle import Shadow as Shadow
    from ble_sim.balloon.vehicle import Vehicle as Vehicle
    from ble_sim.conditions import Conditions as Conditions
    from ble_sim.conditions import conditions_at as conditions_at
    from ble_sim.flight import initial_state as initial_state
    from ble_sim.flight import step as step
    from ble_sim.precision import precision_scope as precision_scope
    from ble_sim.precision import reference_draws as reference_draws
    from ble_sim.scenario import Params as Params
    from ble_sim.scenario import Scenario as Scenario
    from ble_sim.scenario import make_params as make_params
    from ble_sim.scenario import sample_scenario as sample_scenario
    from ble_sim.state import Balloon as Balloon
    from ble_sim.state import BalloonStatus as BalloonStatus
    from ble_sim.state import SimState as SimState
    from ble_sim.wind.field import WindField as WindField
    from ble_sim.wind.field import forecast_and_error as forecast_and_error
    from ble_sim.wind.field import forecast_at as forecast_at
    from ble_sim.wind.fields.generative import GenerativeWindField as GenerativeWindField
    from ble_sim.wind.fields.grid import GridWindField as GridWindField
    from ble_sim.wind.fields.grid import on_grid as on_grid
    from ble_sim.wind.fields.grid_axes import WindGridError as WindGridError
    from ble_sim.wind.fields.layers import SimpleStaticWindField as SimpleStaticWindField
    from ble_sim.wind.fields.options import GenerativeOptions as GenerativeOptions
    from ble_sim.wind.fields.options import GridFileOptions as GridFileOptions
    from ble_sim.wind.fields.options import UniformShearOptions as UniformShearOptions
    from ble_sim.wind.fields.reanalysis import GriddedWindField as GriddedWindField
    from ble_sim.wind.fields.reanalysis_file import open_wind_grid as open_wind_grid
    from ble_sim.wind.fields.reanalysis_file import wind_field_of_dataset as wind_field_of_dataset
    from ble_sim.wind.fields.shear import UniformShearWindField as UniformShearWindField
    from ble_sim.wind.forecast_options import ForecastOptions as ForecastOptions
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "balloon.altitude_control": "Action",
            "balloon.vehicle": "Compressor Film Panels Shadow Vehicle",
            "conditions": "Conditions conditions_at",
            "flight": "initial_state step",
            "precision": "precision_scope reference_draws",
            "scenario": "Params Scenario make_params sample_scenario",
            "state": "Balloon BalloonStatus SimState",
            "wind.field": "WindField forecast_and_error forecast_at",
            "wind.fields.generative": "GenerativeWindField",
            "wind.fields.grid": "GridWindField on_grid",
            "wind.fields.grid_axes": "WindGridError",
            "wind.fields.layers": "SimpleStaticWindField",
            "wind.fields.options": "GenerativeOptions GridFileOptions UniformShearOptions",
            "wind.fields.reanalysis": "GriddedWindField",
            "wind.fields.reanalysis_file": "open_wind_grid wind_field_of_dataset",
            "wind.fields.shear": "UniformShearWindField",
            "wind.forecast_options": "ForecastOptions",
        },
    )
