"""Simulation of a station-keeping stratospheric balloon: its physics, the sky, and the wind that carries it.

Names are imported when they are first used, so that listing plugins does not import JAX.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

if TYPE_CHECKING:
    from ble_sim.balloon.altitude_control import Action
    from ble_sim.balloon.vehicle import Compressor, Film, PanelGroup, Shadow, Vehicle
    from ble_sim.conditions import Conditions, conditions_at
    from ble_sim.flight import initial_state, step
    from ble_sim.precision import precision_scope, reference_draws
    from ble_sim.scenario import Params, Scenario, make_params, sample_scenario
    from ble_sim.state import Balloon, BalloonStatus, SimState
    from ble_sim.wind.field import WindField
    from ble_sim.wind.fields.generative import GenerativeWindField
    from ble_sim.wind.fields.grid import GridWindField
    from ble_sim.wind.fields.layers import SimpleStaticWindField
    from ble_sim.wind.fields.reanalysis import GriddedWindField, WindGridError
    from ble_sim.wind.fields.reanalysis_file import open_wind_grid
    from ble_sim.wind.fields.shear import UniformShearWindField

__version__ = "0.1.0"

_MODULES = {
    "Action": "balloon.altitude_control",
    "Balloon": "state",
    "BalloonStatus": "state",
    "Compressor": "balloon.vehicle",
    "Conditions": "conditions",
    "Film": "balloon.vehicle",
    "GenerativeWindField": "wind.fields.generative",
    "GridWindField": "wind.fields.grid",
    "GriddedWindField": "wind.fields.reanalysis",
    "PanelGroup": "balloon.vehicle",
    "Params": "scenario",
    "Scenario": "scenario",
    "Shadow": "balloon.vehicle",
    "SimState": "state",
    "SimpleStaticWindField": "wind.fields.layers",
    "UniformShearWindField": "wind.fields.shear",
    "Vehicle": "balloon.vehicle",
    "WindField": "wind.field",
    "WindGridError": "wind.fields.reanalysis",
    "conditions_at": "conditions",
    "initial_state": "flight",
    "make_params": "scenario",
    "open_wind_grid": "wind.fields.reanalysis_file",
    "precision_scope": "precision",
    "reference_draws": "precision",
    "sample_scenario": "scenario",
    "step": "flight",
}

__all__ = [
    "Action",
    "Balloon",
    "BalloonStatus",
    "Compressor",
    "Conditions",
    "Film",
    "GenerativeWindField",
    "GridWindField",
    "GriddedWindField",
    "PanelGroup",
    "Params",
    "Scenario",
    "Shadow",
    "SimState",
    "SimpleStaticWindField",
    "UniformShearWindField",
    "Vehicle",
    "WindField",
    "WindGridError",
    "conditions_at",
    "initial_state",
    "make_params",
    "open_wind_grid",
    "precision_scope",
    "reference_draws",
    "sample_scenario",
    "step",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
