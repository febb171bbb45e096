"""Physical constants and the clock of the benchmark (SI units)."""

from typing import Final

GRAVITY: Final = 9.80665
"""Standard gravity [m/s2]."""
GAS_CONSTANT: Final = 8.3144621
"""Universal gas constant [J/(mol K)]."""
AIR_MOLAR_MASS: Final = 0.028964922481160
"""Molar mass of dry air [kg/mol]."""
HELIUM_MOLAR_MASS: Final = 0.004002602
"""Molar mass of helium [kg/mol]."""
AIR_GAS_CONSTANT: Final = GAS_CONSTANT / AIR_MOLAR_MASS
"""Specific gas constant of dry air [J/(kg K)]."""

EARTH_RADIUS: Final = 6_371_000.0
"""Radius of the spherical Earth [m]."""
METERS_PER_FOOT: Final = 0.3048
METERS_PER_KM: Final = 1000.0

SECONDS_PER_HOUR: Final = 3600
SECONDS_PER_DAY: Final = 86_400

STRIDE_SECONDS: Final = 10
"""Length of one explicit Euler stride of the physics [s]."""
STRIDES_PER_STEP: Final = 18
STEP_SECONDS: Final = STRIDE_SECONDS * STRIDES_PER_STEP
"""Length of one agent step [s]."""
EPISODE_STEPS: Final = 960
"""Agent steps in an episode: two days."""

STATION_KEEPING_RADIUS_KM: Final = 50.0
"""Distance from the station within which a step counts for TWR50 [km]."""
