"""Recordings of the original environment, and states restored from them.

A table of columns is a dict of numpy arrays that share their leading axes; restored structs have those axes too.
"""

import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.balloon.altitude_control import Action
from ble_sim.balloon.safety import SafetyState
from ble_sim.balloon.vehicle import Vehicle, vehicle_arrays
from ble_sim.constants import STEP_SECONDS
from ble_sim.precision import float_dtype, reference_draws
from ble_sim.scenario import Scenario
from ble_sim.sky.atmosphere import make_atmosphere
from ble_sim.state import Balloon
from ble_sim.wind.noise import WindNoise

DATA = Path(__file__).parents[1] / "data"
POLICIES = ("random", "stay", "sweep")
NUM_SEEDS = 8
"""Each policy flew the seeds 0 to 7."""

Columns = dict[str, np.ndarray]

BALLOON_FIELDS = (
    "x",
    "y",
    "pressure",
    "ambient_temperature",
    "internal_temperature",
    "mols_air",
    "volume",
    "superpressure",
    "acs_power",
    "acs_mass_flow",
    "solar_power",
    "power_load",
    "battery_charge",
)
SAFETY_FIELDS = ("power_paused", "sunrise", "sunset", "envelope", "altitude")
_EPISODE_FIELDS = ("alpha", "latitude", "longitude", "start_time", "upwelling_infrared")
_VEHICLE_FIELDS = (
    "mols_lift_gas",
    "envelope_max_superpressure",
    "safety_max_superpressure",
    "power_safety_enabled",
)


@functools.cache
def load(name: str) -> Columns:
    """The arrays of `tests/data/<name>.npz`."""
    with np.load(DATA / f"{name}.npz") as archive:
        return dict(archive)


@functools.cache
def flights(policy: str) -> Columns:
    """The eight flights of a policy, [seed, row], with what was drawn for their episodes."""
    columns = dict(load(f"flights_{policy}"))
    resets = load("resets")
    shape = columns["x"].shape
    for name in _EPISODE_FIELDS:
        columns[name] = np.broadcast_to(resets[name][:NUM_SEEDS, None], shape)
    for name in _VEHICLE_FIELDS:
        columns[name] = np.broadcast_to(getattr(Vehicle(), name), shape)
    columns["elapsed"] = np.broadcast_to(STEP_SECONDS * np.arange(shape[1], dtype=np.int32), shape)
    return columns


def concatenate(parts: list[Columns]) -> Columns:
    """Tables one after the other; a column that one of them lacks is left out."""
    names = set.intersection(*map(set, parts))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name in names}


@functools.cache
def flown_steps() -> tuple[Columns, Columns]:
    """Every step of the 24 flights, [flight * step]: before it, with `action`, and after it."""
    parts = [_steps(flights(policy)) for policy in POLICIES]
    return concatenate([before for before, _ in parts]), concatenate([after for _, after in parts])


@functools.cache
def stress_steps() -> tuple[Columns, Columns]:
    """Every step of the 31 flights of altered balloons, up to their failures."""
    columns = dict(load("stress"))
    columns["alpha"] = alphas(columns.pop("atmosphere_seed"))
    length, shape = columns.pop("length"), columns["x"].shape
    for name in (*_EPISODE_FIELDS, *_VEHICLE_FIELDS):
        columns[name] = np.broadcast_to(columns[name][:, None], shape)
    before, after = _steps(columns)
    is_flown = (np.arange(shape[1] - 1) < length[:, None]).ravel()
    return _select(before, is_flown), _select(after, is_flown)


def alphas(atmosphere_seeds: np.ndarray) -> np.ndarray:
    """What the original drew for its atmosphere from `PRNGKey(seed)`."""
    with reference_draws():
        draw = jax.vmap(lambda seed: jax.random.uniform(jax.random.PRNGKey(seed)))
        return np.asarray(draw(jnp.asarray(atmosphere_seeds, jnp.uint32)), np.float64)


def episode_keys(num_seeds: int) -> jax.Array:
    """The key of the first episode of each seed from 0, uint32[seed, 2]."""
    with reference_draws():
        first = jax.vmap(lambda seed: jax.random.split(jax.random.PRNGKey(seed))[1])
        return first(jnp.arange(num_seeds, dtype=jnp.uint32))


def restore_scenario(columns: Columns) -> Scenario:
    """The episodes of rows, in the precision in force; without wind and start, which `step_in_wind` does not use."""
    dtype, shape = float_dtype(), columns["x"].shape
    vehicle = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape + leaf.shape), vehicle_arrays(Vehicle(), dtype))
    altered = {name: jnp.asarray(columns[name]) for name in _VEHICLE_FIELDS if name in columns}
    vehicle = vehicle_arrays(dataclasses.replace(vehicle, **altered), dtype)
    unused = jnp.zeros(shape, dtype)
    return Scenario(
        vehicle=vehicle,
        atmosphere=jax.vmap(make_atmosphere)(jnp.asarray(columns["alpha"], dtype)),
        start_time=jnp.asarray(columns["start_time"], jnp.int32),
        latitude=jnp.asarray(columns["latitude"], dtype),
        longitude=jnp.asarray(columns["longitude"], dtype),
        upwelling_infrared=jnp.asarray(columns["upwelling_infrared"], dtype),
        start_x=unused,
        start_y=unused,
        start_pressure=unused,
        forecast=(),
        noise=WindNoise(permutations=(), offsets=()),
    )


def restore_balloon(columns: Columns) -> Balloon:
    """The balloons of rows, in the precision in force."""
    shape = columns["x"].shape
    return Balloon(
        **{name: jnp.asarray(columns[name], float_dtype()) for name in BALLOON_FIELDS},
        status=jnp.asarray(columns["status"], jnp.int32),
        last_command=jnp.asarray(columns["last_command"], jnp.int32),
        effective_action=jnp.full(shape, Action.STAY, jnp.int32),
    )


def restore_safety(columns: Columns) -> SafetyState:
    """The safety layers of rows."""
    layers = {name: columns[name] for name in SAFETY_FIELDS}
    return SafetyState(
        power_paused=jnp.asarray(layers.pop("power_paused"), bool),
        **{name: jnp.asarray(column, jnp.int32) for name, column in layers.items()},
    )


def restore_wind(columns: Columns) -> jax.Array:
    """The wind of rows, [..., 2], in the precision in force."""
    return jnp.asarray(np.stack([columns["wind_u"], columns["wind_v"]], axis=-1), float_dtype())


def _steps(columns: Columns) -> tuple[Columns, Columns]:
    """Rows [flight, row] as steps [flight * step], before and after; what is known by step belongs to `after`."""
    num_rows = columns["x"].shape[1]
    before, after = {}, {}
    for name, column in columns.items():
        if column.shape[1] == num_rows:
            before[name], after[name] = column[:, :-1].ravel(), column[:, 1:].ravel()
        else:
            (before if name in ("wind_u", "wind_v") else after)[name] = column.ravel()
    before["action"] = after["last_command"]
    return before, after


def _select(columns: Columns, index: np.ndarray) -> Columns:
    return {name: column[index] for name, column in columns.items()}
