"""The balloon as data: every constant of the vehicle, with the benchmark's values as defaults."""

from ble_sim.structs import struct


@struct
class Vehicle:
    """Constants of one balloon; a different balloon is another instance.

    Leaves may be Python floats or scalar arrays.
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
    drag_coefficient: float = 0.25
    payload_mass: float = 92.5
    """Everything that flies but the envelope and the gases [kg]."""
    mols_lift_gas: float = 6830.0
    """Helium [mol]."""
    valve_diameter: float = 0.04
    """Opening through which the ballonet vents [m]."""
    valve_discharge_coefficient: float = 0.62
    day_power_load: float = 120.4
    """Consumption without the compressor while the sun is up [W]."""
    night_power_load: float = 183.7
    """[W]"""
    battery_capacity: float = 3058.56
    """[Wh]"""
    battery_initial_charge: float = 2905.6
    """[Wh]"""
    power_safety_enabled: bool = True
    """Whether the power safety layer acts."""
