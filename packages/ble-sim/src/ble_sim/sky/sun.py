"""The sun: its elevation and flux, the attenuation of sunlight, sunrise and sunset.

Positions follow the equations of NOAA's solar calculator spreadsheet, after J. Meeus, Astronomical Algorithms. Times
are integers, seconds UTC since 1970: such numbers do not fit a float32.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.constants import SECONDS_PER_DAY
from ble_sim.precision import float_dtype
from ble_sim.structs import struct

HORIZON_ELEVATION = -4.242
"""Elevation above which a balloon at H = 17.5 km sees the sun, -acos(R / (R + H)) with the Earth's radius R [deg]."""
SEARCH_STEP = 180
"""Grid of the searches for noon, midnight, sunrise and sunset [s]."""

_DAYS_1970_TO_2000 = 10957
_DAYS_PER_CENTURY = 36525.0


@struct
class Sun:
    """The sun at one or more places and times; fields share one shape."""

    elevation: jax.Array
    """deg above the horizontal, with refraction"""
    flux: jax.Array
    """W/m2, above the atmosphere"""


def sun_at(latitude: jax.Array, longitude: jax.Array, time: jax.Array) -> Sun:
    """The sun at a place and time. Any shape.

    In NOAA's order, with the century c since noon of 2000-01-01: mean longitude and mean anomaly M of the sun,
    eccentricity e of the Earth's orbit, obliquity of the ecliptic (corrected for nutation), equation of time, hour
    angle, equation of the centre, apparent longitude, declination, elevation, refraction. The flux over the solar
    constant is the inverse square of the sun's distance to first order in cos(M): 1 + ((1 + e)^2 / (1 - e)^2 - 1)
    cos(M) / 2.

    Args:
        latitude, longitude: deg.
        time: int32, seconds since 1970; broadcasts with the position.
    """
    dtype = float_dtype()
    day, second = jnp.divmod(time, SECONDS_PER_DAY)
    day = day - _DAYS_1970_TO_2000
    day_fraction = second.astype(dtype) / SECONDS_PER_DAY
    days = day.astype(dtype) + (day_fraction - 0.5)  # Since noon of 2000-01-01.
    century = days / _DAYS_PER_CENTURY

    def angle_of_year(offset: float, degrees_per_century: float) -> jax.Array:
        # The sun gains about a degree a day: whole degrees are counted in integers, as a float32 has too few digits
        # for the thousands of them since 2000.
        excess = degrees_per_century / _DAYS_PER_CENTURY - 1.0
        return offset + (day % 360).astype(dtype) + (day_fraction - 0.5) + excess * days

    mean_longitude = jnp.radians(angle_of_year(280.46646, 36000.76983) + 0.0003032 * century * century)
    anomaly = jnp.radians(angle_of_year(357.52911, 35999.05029) - 0.0001537 * century * century)
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    sin_anomaly, cos_anomaly = jnp.sin(anomaly), jnp.cos(anomaly)
    sin_2_anomaly = 2.0 * sin_anomaly * cos_anomaly
    sin_3_anomaly = sin_anomaly * (3.0 - 4.0 * sin_anomaly * sin_anomaly)

    node = jnp.radians(125.04 - 1934.136 * century)
    arc_seconds = 21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))
    obliquity = jnp.radians(23.0 + (26.0 + arc_seconds / 60.0) / 60.0 + 0.00256 * jnp.cos(node))
    sin_obliquity, cos_obliquity = jnp.sin(obliquity), jnp.cos(obliquity)

    y = (1.0 - cos_obliquity) / (1.0 + cos_obliquity)  # tan(obliquity / 2)^2
    sin_longitude, cos_longitude = jnp.sin(mean_longitude), jnp.cos(mean_longitude)
    sin_2_longitude = 2.0 * sin_longitude * cos_longitude
    cos_2_longitude = 1.0 - 2.0 * sin_longitude * sin_longitude
    equation_of_time = 4.0 * jnp.degrees(  # Minutes.
        y * sin_2_longitude
        - 2.0 * eccentricity * sin_anomaly
        + 4.0 * eccentricity * y * sin_anomaly * cos_2_longitude
        - y * y * sin_2_longitude * cos_2_longitude
        - 1.25 * eccentricity * eccentricity * sin_2_anomaly
    )
    hour_angle = jnp.radians(360.0 * day_fraction + equation_of_time / 4.0 + longitude - 180.0)

    center = (
        sin_anomaly * (1.914602 - century * (0.004817 + 0.000014 * century))
        + sin_2_anomaly * (0.019993 - 0.000101 * century)
        + sin_3_anomaly * 0.000289
    )
    apparent_longitude = mean_longitude + jnp.radians(center - 0.00569 + 0.00478 * jnp.sin(node))
    sin_declination = sin_obliquity * jnp.sin(apparent_longitude)
    cos_declination = jnp.sqrt(1.0 - sin_declination * sin_declination)

    # The elevation is taken from both its sine and its cosine: an arcsine loses half of the digits near the zenith.
    sin_latitude, cos_latitude = jnp.sin(jnp.radians(latitude)), jnp.cos(jnp.radians(latitude))
    sin_hour, cos_hour = jnp.sin(hour_angle), jnp.cos(hour_angle)
    east = cos_declination * sin_hour
    north = cos_latitude * sin_declination - sin_latitude * cos_declination * cos_hour
    up = sin_latitude * sin_declination + cos_latitude * cos_declination * cos_hour
    elevation = _refracted(jnp.degrees(jnp.arctan2(up, jnp.sqrt(east * east + north * north))))

    ratio = (1.0 + eccentricity) / (1.0 - eccentricity)
    flux = 1366.0 * (1.0 + 0.5 * (ratio * ratio - 1.0) * cos_anomaly)
    return Sun(elevation, flux)


def attenuation(elevation: jax.Array, pressure: jax.Array) -> jax.Array:
    """Fraction of the light of a sun at `elevation` e [deg] that reaches the height of `pressure` p [Pa]. Any shape.

        m = 0.34764 (p / 101325 Pa) (sqrt(1229 + s^2) - s),     s = 614 sin(e)
        fraction = (exp(-0.65 m) + exp(-0.95 m)) / 2,     or 0 below the horizon

    The air mass m is the path of light through a spherical shell of even density over its thickness, if the Earth's
    radius is r = 614 such thicknesses: sqrt((r sin e)^2 + 2 r + 1) - r sin e (Kreith and Kreider 1978, Principles of
    Solar Engineering). The exponentials stand for two kinds of light, as in thermal models of balloons (Carlson and
    Horn 1983; Farley 2005). Those models have 0.095 for 0.95; it and the factor 0.34764 are from BLE 1.0.2, source
    unknown.
    """
    s = 614.0 * jnp.sin(jnp.radians(elevation))
    air_mass = 0.34764 * (pressure / 101325.0) * (jnp.sqrt(1229.0 + s * s) - s)
    transmitted = 0.5 * (jnp.exp(-0.65 * air_mass) + jnp.exp(-0.95 * air_mass))
    return jnp.where(elevation < HORIZON_ELEVATION, 0.0, transmitted)


def next_sunrise_sunset(latitude: jax.Array, longitude: jax.Array, time: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Times of the next sunrise and sunset, as the reference finds them.

    Noon and midnight are searched first, then the crossings of the horizon between them, each by a bisection that
    assumes a convex objective. Between noon and midnight it is not convex, so results may miss the true crossing by a
    quarter of an hour. The power safety layer and two features of the benchmark depend on these times.

    Args:
        latitude, longitude: scalars, deg; |latitude| < 60.
        time: scalar int32.

    Returns:
        Two int32 scalars, seconds since 1970, not before `time` and at most a day after it.
    """

    def elevation(times: jax.Array) -> jax.Array:
        return sun_at(latitude, longitude, times).elevation

    now, soon = elevation(time + jnp.arange(2, dtype=time.dtype))
    is_afternoon = soon < now
    # Of midnight and noon, the one that comes next lies within 12 hours and the other in the 12 hours after.
    half_day = SECONDS_PER_DAY // 2
    waits = half_day * jnp.stack([~is_afternoon, is_afternoon]).astype(time.dtype)

    def search(found: jax.Array, is_crossing: jax.Array) -> tuple[jax.Array, None]:
        # First for (midnight, noon), then for (sunrise, sunset), which lie between them.
        starts = jnp.where(is_crossing, found - 2 * waits, time + waits)
        ends = jnp.where(is_crossing, found[::-1], time + waits + half_day)

        def objective(times: jax.Array) -> jax.Array:
            elevations = elevation(times)
            to_turn = elevations * jnp.asarray([1.0, -1.0], elevations.dtype)
            return jnp.where(is_crossing, jnp.abs(elevations - HORIZON_ELEVATION), to_turn)

        return _grid_minimum(objective, starts, ends), None

    found, _ = jax.lax.scan(search, jnp.stack([time, time]), jnp.array([False, True]))
    found = found + SECONDS_PER_DAY * (found < time).astype(time.dtype)
    return found[0], found[1]


def _refracted(elevation: jax.Array) -> jax.Array:
    """Add atmospheric refraction, which NOAA gives by band of elevation [deg], in arc seconds."""
    tangent = jnp.tan(jnp.radians(elevation))
    cotangent = 1.0 / jnp.where(jnp.abs(tangent) < 1e-3, 1e-3, tangent)  # The band around zero does not use it.
    square = cotangent * cotangent
    high = cotangent * (58.1 - square * (0.07 - 0.000086 * square))
    low = 1735.0 + elevation * (-518.2 + elevation * (103.4 + elevation * (-12.79 + elevation * 0.711)))
    refraction = jnp.where(elevation > -0.575, low, -20.772 * cotangent)
    refraction = jnp.where(elevation > 5.0, high, refraction)
    refraction = jnp.where(elevation > 85.0, 0.0, refraction)
    return elevation + refraction / 3600.0


def _grid_minimum(objective: Callable[[jax.Array], jax.Array], start: jax.Array, end: jax.Array) -> jax.Array:
    """The time in `start + SEARCH_STEP * i`, up to `end`, that a bisection for the smallest objective finds.

    At each turn the end with the larger objective moves to the middle, rounded outwards; on a tie the lower end moves.
    """

    def narrow(turn, bracket):
        low, high, low_value, high_value = bracket
        moves_high = low_value < high_value
        span = high - low
        middle = low + jnp.where(moves_high, (span + 1) // 2, span // 2)
        # The first two turns evaluate the ends, so that the objective is compiled once.
        point = jnp.where(turn == 0, low, jnp.where(turn == 1, high, middle))
        value = objective(start + SEARCH_STEP * point)
        is_open = (turn >= 2) & (high > low + 1)
        replaces_low = (turn == 0) | (is_open & ~moves_high)
        replaces_high = (turn == 1) | (is_open & moves_high)
        return (
            jnp.where(replaces_low, point, low),
            jnp.where(replaces_high, point, high),
            jnp.where(replaces_low, value, low_value),
            jnp.where(replaces_high, value, high_value),
        )

    low, high = jnp.zeros_like(start), (end - start) // SEARCH_STEP
    unknown = jnp.zeros(start.shape, float_dtype())
    turns = 2 + int(np.ceil(np.log2(SECONDS_PER_DAY / SEARCH_STEP)))
    low, high, low_value, high_value = jax.lax.fori_loop(0, turns, narrow, (low, high, unknown, unknown))
    return start + SEARCH_STEP * jnp.where(low_value < high_value, low, high)
