"""Positions on the Earth, taken as a sphere."""

import jax
import jax.numpy as jnp

from ble_sim.constants import EARTH_RADIUS


def position(station_latitude: jax.Array, station_longitude: jax.Array, x: jax.Array, y: jax.Array):
    """Latitude and longitude [deg] of the point `x` metres east and `y` metres north of the station. Any shape.

    The point lies at the end of the great circle that leaves the station with the heading h = atan2(x, y), clockwise
    from north, after the angle a = sqrt(x^2 + y^2) / R on a sphere of the Earth's radius R:

        sin(latitude) = cos(a) sin(latitude_0) + sin(a) cos(latitude_0) cos(h)
        longitude     = longitude_0 + atan2(sin(a) cos(latitude_0) sin(h), cos(a) - sin(latitude_0) sin(latitude))

    Returns:
        Latitude, and longitude in [-180, 180).
    """
    distance = jnp.sqrt(x * x + y * y)
    is_station = distance == 0.0
    scale = jnp.where(is_station, 1.0, distance)
    sin_heading, cos_heading = x / scale, jnp.where(is_station, 1.0, y / scale)
    sin_angle, cos_angle = jnp.sin(distance / EARTH_RADIUS), jnp.cos(distance / EARTH_RADIUS)
    sin_start, cos_start = jnp.sin(jnp.radians(station_latitude)), jnp.cos(jnp.radians(station_latitude))

    sin_latitude = cos_angle * sin_start + sin_angle * cos_start * cos_heading
    turn = jnp.arctan2(sin_angle * cos_start * sin_heading, cos_angle - sin_start * sin_latitude)
    latitude = jnp.degrees(jnp.arcsin(jnp.clip(sin_latitude, -1.0, 1.0)))
    longitude = station_longitude + jnp.degrees(turn)
    return latitude, (longitude + 180.0) % 360.0 - 180.0
