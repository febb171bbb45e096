"""From an episode's key to its scenario: all that is fixed for an episode."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.balloon.safety import MIN_ALTITUDE
from ble_sim.balloon.vehicle import Vehicle, check_vehicle, vehicle_arrays
from ble_sim.keys import as_key
from ble_sim.precision import float_dtype, reference_draws, reference_layout
from ble_sim.sky.atmosphere import Atmosphere, make_atmosphere, pressure_at_height
from ble_sim.sky.geodesy import position
from ble_sim.sky.sun import Sun, sun_at
from ble_sim.structs import struct
from ble_sim.wind.field import WindField
from ble_sim.wind.noise import WindNoise, sample_wind_noise

FIRST_START = 1293840000
"""2011-01-01T00:00Z, the earliest start of an episode."""
START_RANGE = 126144000
"""Time up to 2014-12-31T00:00Z [s]."""
MIN_START_PRESSURE = 6500.0
"""[Pa]"""
_MAX_START_DISTANCE = 200_000.0


@struct
class Params:
    """The parameters of a simulation: data that all episodes share."""

    vehicle: Vehicle
    wind: Any
    """The arrays of `wind_field.parameters()`."""


@struct
class Scenario:
    """All that is fixed for one episode. Scalars unless noted."""

    vehicle: Vehicle
    """Of arrays, see `vehicle_arrays`."""
    atmosphere: Atmosphere
    start_time: jax.Array
    """int32, seconds since 1970 UTC"""
    latitude: jax.Array
    """deg, of the station"""
    longitude: jax.Array
    """deg, of the station"""
    upwelling_infrared: jax.Array
    """W/m2"""
    start_x: jax.Array
    """m"""
    start_y: jax.Array
    """m"""
    start_pressure: jax.Array
    """Pa"""
    forecast: Any
    """The forecast that the wind field's `sample` returned"""
    noise: WindNoise
    """Error of the forecast"""


@struct
class Draws:
    """The random numbers of an episode, drawn from its key as the reference does. 32-bit scalars unless noted."""

    alpha: jax.Array
    """In [0, 1), see `make_atmosphere`"""
    start_offset: jax.Array
    """int32, s after `FIRST_START`"""
    radius: jax.Array
    """Start distance over the largest one: Beta(1.2, 2)"""
    heading: jax.Array
    """rad, counter-clockwise from east"""
    latitude: jax.Array
    """deg"""
    longitude: jax.Array
    """deg"""
    pressure: jax.Array
    """Place in the range of start pressures, in [0, 1)"""
    upwelling_infrared: jax.Array
    """W/m2"""
    forecast_key: jax.Array
    """A typed key"""
    noise: WindNoise


def draw(episode_key: jax.Array) -> Draws:
    """Draw an episode's random numbers from its key (uint32[2], or typed)."""
    with reference_draws():
        rng, atmosphere_key, time_key = jax.random.split(as_key(episode_key), 3)
        rng, radius_key, heading_key, place_key, pressure_key, infrared_key = jax.random.split(rng, 6)
        latitude_key, longitude_key = jax.random.split(place_key)
        _, wind_key = jax.random.split(rng)
        noise_key, forecast_key = jax.random.split(wind_key)
        uniform_keys = [atmosphere_key, heading_key, latitude_key, longitude_key, pressure_key]
        uniform_data = jnp.stack([jax.random.key_data(key) for key in uniform_keys])
        alpha, heading, latitude, longitude, pressure = jax.vmap(jax.random.uniform)(as_key(uniform_data))
        return Draws(
            alpha=alpha,
            start_offset=jax.random.choice(time_key, START_RANGE),
            radius=_draw_beta(radius_key, 1.2, 2.0),
            heading=_between(0.0, 2.0 * np.pi, heading),
            latitude=_between(-10.0, 10.0, latitude),
            longitude=_between(-175.0, 175.0, longitude),
            pressure=pressure,
            upwelling_infrared=_draw_upwelling_infrared(infrared_key),
            forecast_key=forecast_key,
            noise=sample_wind_noise(noise_key),
        )


def make_params(wind_field: WindField, vehicle: Vehicle = Vehicle()) -> Params:
    """The parameters of a simulation as arrays, made once and used for every episode.

    Raises:
        TypeError: `vehicle` is not a `Vehicle`.
        ValueError: a field of `vehicle` has no sane value; the message names it.
    """
    check_vehicle(vehicle)
    return Params(vehicle_arrays(vehicle), wind_field.parameters())


def sample_scenario(wind_field: WindField, params: Params, episode_key: jax.Array) -> Scenario:
    """Sample an episode from its key (uint32[2], or typed), in the precision in force. Pure and traceable by JAX."""
    dtype = float_dtype()
    draws = draw(episode_key)
    start_time = FIRST_START + draws.start_offset
    with reference_layout():  # Also for fields that draw outside `reference_draws`.
        forecast = wind_field.sample(params.wind, draws.forecast_key, start_time)

    atmosphere = make_atmosphere(draws.alpha.astype(dtype))
    distance = _MAX_START_DISTANCE * draws.radius.astype(dtype)
    heading = draws.heading.astype(dtype)
    max_pressure = pressure_at_height(atmosphere, jnp.asarray(MIN_ALTITUDE, dtype))
    pressure = _between(MIN_START_PRESSURE, max_pressure, draws.pressure)
    return Scenario(
        vehicle=jax.tree.map(jnp.asarray, vehicle_arrays(params.vehicle, dtype)),
        atmosphere=atmosphere,
        start_time=start_time,
        latitude=draws.latitude.astype(dtype),
        longitude=draws.longitude.astype(dtype),
        upwelling_infrared=draws.upwelling_infrared.astype(dtype),
        start_x=jnp.cos(heading) * distance,
        start_y=jnp.sin(heading) * distance,
        start_pressure=pressure.astype(dtype),
        forecast=forecast,
        noise=draws.noise,
    )


def sun_over(scenario: Scenario, x: jax.Array, y: jax.Array, elapsed: jax.Array) -> Sun:
    """The sun over points given in m from the station, at elapsed times (int32, s) of the same shape."""
    latitude, longitude = position(scenario.latitude, scenario.longitude, x, y)
    return sun_at(latitude, longitude, scenario.start_time + elapsed)


def _between(low: jax.Array | float, high: jax.Array | float, fraction: jax.Array) -> jax.Array:
    """Scale a uniform draw from [0, 1), in float32 as the reference does."""
    low, high = jnp.asarray(low, jnp.float32), jnp.asarray(high, jnp.float32)
    return jnp.maximum(fraction * (high - low) + low, low)


def _draw_beta(key: jax.Array, a: float, b: float) -> jax.Array:
    """Beta(a, b) from two gamma variables, as `jax.random.beta` draws it, with one compiled sampler for both."""
    logs = jax.vmap(jax.random.loggamma)(jax.random.split(key), jnp.array([a, b], jnp.float32))
    gamma_a, gamma_b = jnp.exp(logs - jnp.max(logs))
    return gamma_a / (gamma_a + gamma_b)


def _draw_upwelling_infrared(key: jax.Array) -> jax.Array:
    """Upwelling infrared [W/m2]: 315 sigmoid(2 + 315 N(0, 1)), drawn again while under 225.

    The normal distribution is so wide that about 97 % of draws are 315. Source unknown, from BLE 1.0.2.
    """

    def value(key: jax.Array) -> jax.Array:
        # A clone, because the check of reused keys does not know that a key is split only if its value is not taken.
        return 315.0 * jax.nn.sigmoid(2.0 + 315.0 * jax.random.normal(jax.random.clone(key)))

    key = jax.lax.while_loop(lambda key: value(key) < 225.0, lambda key: jax.random.split(key)[0], key)
    return value(key)
