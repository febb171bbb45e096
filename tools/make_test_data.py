"""Make the small data files of the tests from the recordings of the original environment.

    python tools/make_test_data.py GOLDEN_FOLDER

Columns that follow from others or never change are left out, once that has been checked. What the tests
restore a flight from keeps its 64 bits; what they only compare with, to 1e-6 at best, is stored in 32.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]

DATA = Path(__file__).parents[1] / "tests" / "data"
POLICIES = ("random", "stay", "sweep")
SEEDS = range(8)

# Column of a recorded state -> name in the test data, which is that of the field it fills.
PRECISE = {
    "x": "x",
    "y": "y",
    "pressure": "pressure",
    "ambient_temperature": "ambient_temperature",
    "internal_temperature": "internal_temperature",
    "mols_air": "mols_air",
    "envelope_volume": "volume",
    "superpressure": "superpressure",
    "battery_charge": "battery_charge",
}
COMPARED = {
    "acs_power": "acs_power",
    "acs_mass_flow": "acs_mass_flow",
    "solar_charging": "solar_power",
    "power_load": "power_load",
}
DISCRETE = {
    "status": ("status", np.int8),
    "last_command": ("last_command", np.int8),
    "nav_paused_power": ("power_paused", np.bool_),
    "power_sunrise_hyst": ("sunrise", np.int32),
    "power_sunset": ("sunset", np.int32),
    "envelope_sm_state": ("envelope", np.int8),
    "altitude_sm_state": ("altitude", np.int8),
    "excess_energy": ("excess_energy", np.bool_),
}
WIND_PRECISE = {"wind_u": "wind_u", "wind_v": "wind_v"}
WIND_COMPARED = {
    "forecast_u": "forecast_u",
    "forecast_v": "forecast_v",
    "range_min_pressure": "lowest_pressure",
    "range_max_pressure": "highest_pressure",
}


def main() -> None:
    """Write every file of the table below."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("golden", type=Path, help="folder of the recordings")
    parser.add_argument("--output", type=Path, default=DATA, help="folder of the test data")
    arguments = parser.parse_args()
    for name, arrays in files(arguments.golden):
        path = arguments.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, arrays)
        print(f"{path.stat().st_size:9d} {name}")


def files(golden: Path) -> Iterator[tuple[str, Arrays]]:
    """Name and content of each file."""
    yield "resets.npz", resets(golden)
    yield "fields.npz", fields(golden)
    yield "rounding_spread.npz", rounding_spread(golden)
    yield "stress.npz", stress(golden)
    for policy in POLICIES:
        flights = [read(golden / "traj" / f"seed{seed:02d}_{policy}.npz") for seed in SEEDS]
        yield f"flights_{policy}.npz", flight_states(flights)
        yield f"flight_observations_{policy}.npz", flight_observations(flights)
    for name, select in UNITS.items():
        yield f"units/{name}.npz", select(read(golden / "units" / f"{name}.npz"))


def read(path: Path) -> Arrays:
    """The arrays of an .npz file."""
    with np.load(path) as archive:
        return dict(archive)


def save(path: Path, arrays: Arrays) -> None:
    """Write an .npz file as a whole or not at all."""
    temporary = path.with_suffix(".partial")
    with temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    os.replace(temporary, path)


def resets(golden: Path) -> Arrays:
    """What was drawn for seeds 0 to 99, and the state and observation that follow from it."""
    recorded = read(golden / "resets.npz")
    state = by_field(recorded)
    return {
        "alpha": recorded["alpha"],
        "latitude": recorded["center_latlng_deg"][:, 0],
        "longitude": recorded["center_latlng_deg"][:, 1],
        "start_time": exact(state["date_time"], np.int32),
        "upwelling_infrared": state["upwelling_infrared"],
        "field_key": recorded["field_key"],
        "latents": recorded["latents"],
        "simplex_seeds": exact(recorded["simplex_seeds"], np.int32),
        "simplex_offsets": exact(recorded["simplex_offsets"], np.float32),
        "lapse_rates": recorded["lapse_rates"],
        "pressure_transitions": recorded["pressure_transitions"],
        "temperature_transitions": recorded["temperature_transitions"],
        **balloon_columns(state),
        **wind_columns(state),
        "obs": recorded["obs"],
    }


def fields(golden: Path) -> Arrays:
    """The decoded wind of seed 0 whole, and that of seeds 0 to 9 thinned out."""
    field = read(golden / "fields_0_9.npz")["fields"]
    return {"seed0": field[0], "thinned": field[:, ::4, ::4, ::3, ::2]}


def rounding_spread(golden: Path) -> Arrays:
    """How far rounding alone moves each flight, [seed, step]."""
    recorded = read(golden / "rounding_spread.npz")
    names = recorded["flight"].tolist()
    arrays = {}
    for policy in POLICIES:
        rows = [names.index(f"seed{seed:02d}_{policy}") for seed in SEEDS]
        arrays[f"{policy}_pressure"] = recorded["pressure"][rows]
        arrays[f"{policy}_position"] = recorded["position"][rows]
    return arrays


def flight_states(flights: list[Arrays]) -> Arrays:
    """States of flights over the same seeds, [seed, step]."""
    states = [by_field(flight) for flight in flights]
    state = {name: np.stack([state[name] for state in states]) for name in states[0]}
    actions = np.stack([flight["actions"] for flight in flights])
    require(state["last_command"][:, 1:] == actions)
    require(np.stack([flight["terminal"] for flight in flights]) == (state["status"][:, 1:] != 0))
    return {
        **balloon_columns(state),
        **wind_columns(state),
        "effective_action": np.stack([exact(flight["effective_action"], np.int8) for flight in flights]),
        "num_strides": np.stack([exact(flight["n_inner_strides"], np.int8) for flight in flights]),
        "reward": np.stack([flight["reward"].astype(np.float32) for flight in flights]),
    }


def flight_observations(flights: list[Arrays]) -> Arrays:
    """Observations during those flights, [seed, number], and the steps after which they were made."""
    steps = flights[0]["obs_step"]
    for flight in flights:
        require(flight["obs_step"] == steps)
    return {"step": exact(steps, np.int32), "obs": np.stack([flight["obs"] for flight in flights])}


def stress(golden: Path) -> Arrays:
    """Flights of altered balloons up to their failures, [flight, step]; NaN or 0 beyond `length`."""
    recorded = read(golden / "stress_physics.npz")
    config = dict(zip(recorded["config_fields"].tolist(), recorded["config"].T, strict=True))
    state = by_field(recorded)
    flown = np.arange(recorded["state"].shape[1]) <= recorded["length"][:, None]
    require(np.where(flown, state["mols_lift_gas"] == config["mols_lift_gas"][:, None], True))
    state = {
        name: np.where(flown, column, np.nan if name in (PRECISE | COMPARED) else 0.0)
        for name, column in state.items()
        if name != "mols_lift_gas"
    }
    steps = flown[:, 1:]
    require(np.where(steps, state["last_command"][:, 1:] == recorded["actions"], True))
    return {
        "length": exact(recorded["length"], np.int16),
        "atmosphere_seed": exact(config["atmosphere_key_seed"], np.uint32),
        "latitude": config["center_lat_deg"],
        "longitude": config["center_lng_deg"],
        "start_time": state["date_time"][:, 0].astype(np.int32),
        "upwelling_infrared": config["upwelling_infrared"],
        "mols_lift_gas": config["mols_lift_gas"],
        "envelope_max_superpressure": config["envelope_max_superpressure"],
        "safety_max_superpressure": config["envelope_layer_max_superpressure"],
        "power_safety_enabled": exact(config["power_safety_enabled"], np.bool_),
        **balloon_columns(state, flown),
        "elapsed": exact(state["time_elapsed"], np.int32),
        "effective_action": exact(np.where(steps, recorded["effective_action"], 0), np.int8),
        "num_strides": exact(np.where(steps, recorded["n_inner_strides"], 0), np.int8),
        "wind_u": np.ascontiguousarray(recorded["wind_uv"][..., 0]),
        "wind_v": np.ascontiguousarray(recorded["wind_uv"][..., 1]),
    }


def by_field(recorded: Arrays) -> Arrays:
    """The columns of recorded states by name."""
    names = recorded["state_fields"].tolist()
    return {name: np.ascontiguousarray(recorded["state"][..., i]) for i, name in enumerate(names)}


def balloon_columns(state: Arrays, flown: np.ndarray | bool = True) -> Arrays:
    """A balloon and its safety layers; what is left out follows from what is kept wherever it has `flown`."""

    def follows(name: str, value: np.ndarray) -> None:
        require(np.where(flown, state[name] == value, True))

    envelope, altitude = state["envelope_sm_state"] != 0, state["altitude_sm_state"] != 0
    follows("nav_paused_envelope", envelope)
    follows("nav_paused_altitude", altitude)
    follows("nav_paused", envelope | altitude | (state["nav_paused_power"] != 0))
    with np.errstate(invalid="ignore"):
        pressure, superpressure = state["pressure"], state["superpressure"]
        follows("pressure_ratio", (pressure + np.maximum(superpressure, 0.0)) / pressure)
    return {
        **{new: state[name] for name, new in PRECISE.items()},
        **{new: state[name].astype(np.float32) for name, new in COMPARED.items()},
        **{new: exact(state[name], dtype) for name, (new, dtype) in DISCRETE.items()},
    }


def wind_columns(state: Arrays) -> Arrays:
    """The wind at a balloon, its forecast, and the range of pressures within reach."""
    return {
        **{new: state[name] for name, new in WIND_PRECISE.items()},
        **{new: state[name].astype(np.float32) for name, new in WIND_COMPARED.items()},
    }


def exact(array: np.ndarray, dtype: type) -> np.ndarray:
    """`array` in a smaller type that holds all its values."""
    require(array == array.astype(dtype))
    return array.astype(dtype)


def require(condition: np.ndarray) -> None:
    """Stop where the recordings are not what this script takes them for."""
    if not condition.all():
        raise ValueError("the recordings contradict what is left out of the test data")


def keep(*names: str) -> Callable[[Arrays], Arrays]:
    """Selects arrays by name."""
    return lambda recorded: {name: recorded[name] for name in names}


def atmosphere(recorded: Arrays) -> Arrays:
    """Look-ups by pressure and by height; density follows from both."""
    at_pressure = recorded["at_pressure_height_temp_density"]
    at_height = recorded["at_height_pressure_temp_density"]
    selected = keep("key_seed", "alpha", "lapse_rates", "pressure_transitions", "temperature_transitions")(recorded)
    return {
        **selected,
        "pressure": recorded["pressure"],
        "height_at_pressure": at_pressure[..., 0],
        "temperature_at_pressure": at_pressure[..., 1],
        "height": recorded["height"],
        "pressure_at_height": at_height[..., 0],
    }


def wind_gp(recorded: Arrays) -> Arrays:
    """Measurements, queries and answers by the number of measurements."""
    arrays = {"sizes": recorded["sizes"]}
    for n in recorded["sizes"].tolist():
        arrays[f"n{n}_points"] = recorded[f"n{n}_obs_x_y_p_t"]
        arrays[f"n{n}_errors"] = recorded[f"n{n}_obs_wind_uv"] - recorded[f"n{n}_obs_forecast_uv"]
        arrays[f"n{n}_query"] = recorded[f"n{n}_query"]
        arrays[f"n{n}_mean"] = recorded[f"n{n}_mean_uv"] - recorded[f"n{n}_query_forecast_uv"]
        arrays[f"n{n}_uncertainty"] = recorded[f"n{n}_deviation"]
    return arrays


def pressure_range(recorded: Arrays) -> Arrays:
    """Inputs and outputs by name; every draw had a range."""
    require(recorded["errors"] == "")
    inputs = dict(zip(recorded["input_fields"].tolist(), recorded["inputs"].T, strict=True))
    outputs = dict(zip(recorded["output_fields"].tolist(), recorded["outputs"].T, strict=True))
    return {"atmosphere_seed": recorded["atmosphere_key_seed"], **inputs, **outputs}


UNITS: dict[str, Callable[[Arrays], Arrays]] = {
    "acs": keep(
        "pressure_ratio",
        "power_w",
        "efficiency",
        "mass_flow_kg_s",
        "grid_pressure_ratio",
        "grid_power",
        "grid_efficiency",
    ),
    "atmosphere": atmosphere,
    "grid_forecast": keep("env_seed", "points_x_y_p_t", "forecast_uv", "ground_truth_uv"),
    "latlng_from_offset": keep("center_deg", "x_m", "y_m", "latlng_deg"),
    "power_table": keep("pressure_ratio", "soc", "power"),
    "pressure_range_and_stable_init": pressure_range,
    "prng": keep(
        "seed",
        "key",
        "split2",
        "split3",
        "split5",
        "split6",
        "uniform",
        "uniform4_pm1",
        "normal64",
        "beta_1p2_2",
        "choice_1634753849",
        "choice_126144000",
    ),
    "solar_calculator": keep("lat_deg", "lng_deg", "unix_s", "el_deg", "flux"),
    "solar_power": keep("el_deg", "pressure", "attenuation", "solar_power_w"),
    "sunrise_sunset": keep("lat_deg", "lng_deg", "unix_s", "sunrise", "sunset"),
    "superpressure_volume": keep("mols_lift_gas", "mols_air", "internal_temp", "pressure", "volume", "superpressure"),
    "thermal": keep(
        "volume",
        "mass",
        "balloon_temp",
        "ambient_temp",
        "pressure",
        "el_deg",
        "solar_flux",
        "earth_flux",
        "dT_dt",
    ),
    "wind_gp": wind_gp,
}

if __name__ == "__main__":
    main()
