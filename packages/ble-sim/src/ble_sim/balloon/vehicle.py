"""The balloon as data: every constant of the vehicle, with the benchmark's values as defaults."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from ble_sim.structs import struct


@struct
class Film:
    """The envelope's film."""

    specific_heat: float = 1500.0
    """[J/(kg K)]"""
    reflectivity: float = 0.0291
    """Fraction of radiation that one layer reflects."""
    solar_absorptivity: float = 0.01435
    """Fraction of sunlight that one layer absorbs."""
    infrared_absorptivity: float = 0.04587
    """Fraction of the radiation of a black body at 210 K that one layer absorbs; also its emissivity at 210 K."""
    infrared_absorptivity_slope: float = 0.000232
    """Change of the infrared absorptivity with temperature [1/K]."""


@struct
class Panels:
    """The solar panels below the envelope, in groups that share a tilt and a depth. They follow the sun's azimuth."""

    counts: tuple[float, ...] = (4.0, 2.0)
    """Panels of each group."""
    tilts: tuple[float, ...] = (35.0, 65.0)
    """Solar elevation at which the sun stands at right angles to a group's panels [deg]."""
    depths: tuple[float, ...] = (3.3, 2.7)
    """Distance of a group below the envelope [m]."""
    rated_power: float = 210.0
    """Power of one panel at right angles to an unattenuated sun [W]."""


@struct
class Shadow:
    """The shadow of the envelope on the panels.

    Panels at the depth d are shaded while the solar elevation is at least atan2(sqrt(d (height + d)), radius).
    """

    radius: float = 8.69275
    """Of the envelope [m]."""
    height: float = 10.41603
    """Of the envelope [m]."""
    transmission: float = 0.4392
    """Fraction of a panel's power that the shadow leaves."""


@struct
class Compressor:
    """The compressor that pumps air into the ballonet. Tables are linear between knots and flat beyond them."""

    power_ratios: tuple[float, ...] = (1.0, 1.05, 1.2, 1.25, 1.35)
    """Pressure ratios of `powers`, rising."""
    powers: tuple[float, ...] = (100.0, 100.0, 300.0, 400.0, 400.0)
    """Power at which the compressor runs [W]."""
    efficiency_ratios: tuple[float, ...] = tuple(np.linspace(1.05, 1.35, 13).tolist())
    """Pressure ratios of the rows of `efficiencies`, rising."""
    efficiency_powers: tuple[float, ...] = (100.0, 200.0, 300.0, 400.0)
    """Powers of the columns of `efficiencies`, rising [W]."""
    # The zeros near 1.10 and 1.20, where descending costs power and pumps nothing, are the benchmark's: scores depend
    # on them.
    efficiencies: tuple[tuple[float, ...], ...] = (
        (0.40, 0.40, 0.30, 0.20),
        (0.20, 0.00, 0.00, 0.00),
        (0.00, 0.00, 0.00, 0.00),
        (0.00, 0.40, 0.30, 0.30),
        (0.30, 0.25, 0.23, 0.20),
        (0.15, 0.12, 0.10, 0.00),
        (0.00, 0.00, 0.00, 0.30),
        (0.25, 0.25, 0.25, 0.20),
        (0.20, 0.20, 0.20, 0.15),
        (0.13, 0.12, 0.11, 0.00),
        (0.23, 0.23, 0.23, 0.23),
        (0.23, 0.20, 0.20, 0.20),
        (0.18, 0.16, 0.15, 0.13),
    )
    """Air moved per energy [kg/Wh], [pressure ratio, power]."""


@struct
class Vehicle:
    """Constants of one balloon; a different balloon is another instance.

    Numbers are floats and tables are tuples, so that vehicles can be compared and hashed. A `Scenario` holds the arrays
    that `vehicle_arrays` makes of them: vehicles with tables of the same sizes share compiled code. The
    values are those of BLE 1.0.2, which gives no source for them.
    """

    envelope_volume_base: float = 1804.0
    """Volume of the fully inflated envelope without superpressure [m3]."""
    envelope_volume_per_pressure: float = 0.0199
    """Growth of the volume with superpressure [m3/Pa]."""
    envelope_mass: float = 68.5
    """[kg]"""
    envelope_max_superpressure: float = 2380.0
    """The envelope bursts above it [Pa]."""
    safety_max_superpressure: float = 2380.0
    """The burst limit that the envelope safety layer assumes [Pa]."""
    film: Film = Film()
    drag_coefficient: float = 0.25
    payload_mass: float = 92.5
    """Mass of everything but the envelope and the gases [kg]."""
    mols_lift_gas: float = 6830.0
    """Helium [mol]."""
    valve_diameter: float = 0.04
    """Opening through which the ballonet vents [m]."""
    valve_discharge_coefficient: float = 0.62
    compressor: Compressor = Compressor()
    day_power_load: float = 120.4
    """Consumption without the compressor while the sun is up [W]."""
    night_power_load: float = 183.7
    """[W]"""
    battery_capacity: float = 3058.56
    """[Wh]"""
    battery_initial_charge: float = 2905.6
    """[Wh]"""
    panels: Panels = Panels()
    shadow: Shadow = Shadow()
    power_safety_enabled: bool = True
    """Whether the power safety layer acts."""


def vehicle_arrays(vehicle: Vehicle, dtype: Any = np.float64) -> Vehicle:
    """The vehicle with an array in place of each number and table: bool, or float of `dtype`.

    Numbers become numpy arrays and JAX arrays stay such. Tables may have leading batch axes.
    """

    def as_array(leaf: Any) -> Any:
        array = leaf if isinstance(leaf, jax.Array) else np.asarray(leaf)
        return array if array.dtype == bool else array.astype(dtype)

    return jax.tree.map(as_array, vehicle, is_leaf=lambda node: isinstance(node, tuple))


def check_vehicle(vehicle: Vehicle) -> None:
    """Check that each field of a vehicle has a value that physics allows.

    Raises:
        TypeError: `vehicle` is not a `Vehicle`.
        ValueError: a field has no such value; the message names it.
    """
    if type(vehicle) is not Vehicle:
        raise TypeError(f"vehicle is of the type {type(vehicle).__name__}: give a ble_sim.Vehicle.")
    for path, value in _numbers("vehicle", vehicle):
        name = path.rsplit(".", 1)[-1]
        if name == "power_safety_enabled":
            continue
        array = np.asarray(value, float)
        holds, rule = True, "finite"
        if name in _FRACTIONS:
            holds, rule = (array >= 0.0) & (array <= 1.0), "a fraction from 0 to 1"
        elif name in _KNOTS:
            holds, rule = array.size > 1 and np.diff(array) > 0.0, "two or more rising numbers"
        elif name in _NOT_NEGATIVE:
            holds, rule = array >= 0.0, "at least 0"
        elif name not in _ANY_SIGN:
            holds, rule = array > 0.0, "above 0"
        if not (np.isfinite(array).all() and np.all(holds)):
            raise ValueError(f"{path} is {value!r}: it must be {rule}.")

    film, compressor = vehicle.film, vehicle.compressor
    for name in ("solar_absorptivity", "infrared_absorptivity"):
        if np.any(np.asarray(getattr(film, name)) + film.reflectivity >= 1.0):
            raise ValueError(f"vehicle.film.{name} and vehicle.film.reflectivity must add up to less than 1.")
    panels, num_groups = vehicle.panels, np.shape(vehicle.panels.counts)
    for path, table, shape in (
        ("compressor.powers", compressor.powers, np.shape(compressor.power_ratios)),
        (
            "compressor.efficiencies",
            compressor.efficiencies,
            np.shape(compressor.efficiency_ratios) + np.shape(compressor.efficiency_powers),
        ),
        ("panels.tilts", panels.tilts, num_groups),
        ("panels.depths", panels.depths, num_groups),
    ):
        if np.shape(table) != shape:
            raise ValueError(f"vehicle.{path} has the shape {np.shape(table)}: it must be {shape}.")
    if np.any(np.asarray(vehicle.battery_initial_charge) > vehicle.battery_capacity):
        raise ValueError("vehicle.battery_initial_charge is larger than vehicle.battery_capacity.")


_FRACTIONS = {"reflectivity", "solar_absorptivity", "infrared_absorptivity", "transmission"}
_KNOTS = {"power_ratios", "efficiency_ratios", "efficiency_powers"}
_NOT_NEGATIVE = {
    "envelope_volume_per_pressure",
    "payload_mass",
    "valve_diameter",
    "valve_discharge_coefficient",
    "powers",
    "efficiencies",
    "day_power_load",
    "night_power_load",
    "battery_initial_charge",
    "counts",
    "depths",
    "rated_power",
}
_ANY_SIGN = {"infrared_absorptivity_slope", "tilts"}


def _numbers(path: str, node: Any) -> Iterator[tuple[str, Any]]:
    """The numbers and tables of a vehicle, each with the path of its field."""
    if dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            yield from _numbers(f"{path}.{field.name}", getattr(node, field.name))
    else:
        yield path, node
