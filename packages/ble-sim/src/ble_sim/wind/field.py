"""The interface of wind fields, and the wind as the sum of a forecast and its error."""

import abc
import hashlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.wind.forecast_options import ForecastOptions
from ble_sim.wind.noise import WindNoise, wind_noise


class WindField(abc.ABC):
    """A source of wind forecasts.

    Instances are immutable and hashable, since compiled code is kept per instance. `sample` and `wind` are pure,
    traceable by JAX, and take one balloon; `jax.vmap` makes batches.
    """

    @property
    def forecast_options(self) -> ForecastOptions:
        """How good the forecasts are: the field's attribute `options` if they are such, else the defaults."""
        options = getattr(self, "options", None)
        return options if isinstance(options, ForecastOptions) else ForecastOptions()

    def parameters(self) -> Any:
        """Arrays that `sample` needs, such as weights: a pytree, the same at every call. None by default."""
        return ()

    def digest(self) -> str:
        """SHA-256 (hexadecimal) of the class's name and the arrays of `parameters`, to tell winds apart by content.

        A field whose winds depend on more than these and its options should override it.
        """
        sha = hashlib.sha256(f"{type(self).__module__}.{type(self).__qualname__}".encode())
        for path, leaf in jax.tree_util.tree_leaves_with_path(self.parameters()):
            is_key = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            array = np.asarray(jax.random.key_data(leaf) if is_key else leaf)
            sha.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
            sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()

    @abc.abstractmethod
    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> Any:
        """Sample the forecast of one episode.

        Args:
            parameters: what `parameters()` returned.
            key: a typed JAX random key (threefry2x32); draw from it within `ble_sim.precision.reference_draws`.
            start_time: int32, seconds since 1970 UTC.

        Returns:
            A pytree of arrays, the argument `forecast` of `wind`.
        """

    @abc.abstractmethod
    def wind(
        self, forecast: Any, x: jax.Array, y: jax.Array, pressure: jax.Array, elapsed: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Forecast wind (u, v) towards the east and the north [m/s], before it ages: agents see `forecast_at`.

        Args:
            forecast: what `sample` returned.
            x, y: scalars, m from the station.
            pressure: Pa, of any shape: a column is looked up at once.
            elapsed: int32 scalar, seconds since the start of the episode.

        Returns:
            Two arrays of the shape of `pressure`.
        """

    def wind_in_stack(
        self, forecasts: Any, place: jax.Array, x: jax.Array, y: jax.Array, pressure: jax.Array, elapsed: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """`wind` in one of many forecasts, which are stacked along a new leading axis.

        A field with large forecasts should override it and read only what it needs: this one takes the whole forecast,
        which `jax.vmap` over places turns into a copy for every balloon.

        Args:
            forecasts: forecasts as `sample` returned them, stacked.
            place: int32 scalar, index of the forecast in the stack.
            x, y, pressure, elapsed: see `wind`.
        """
        return self.wind(jax.tree.map(lambda leaf: leaf[place], forecasts), x, y, pressure, elapsed)


def forecast_at(
    wind_field: WindField, forecast: Any, x: jax.Array, y: jax.Array, pressure: jax.Array, elapsed: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The forecast (u, v) that agents see [m/s], as old as `ForecastOptions.forecast_age_hours` says.

    Args:
        wind_field, forecast, x, y, pressure, elapsed: see `WindField.wind`.

    Returns:
        Two arrays of the shape of `pressure`.
    """
    age = round(wind_field.forecast_options.forecast_age_hours * SECONDS_PER_HOUR)
    return wind_field.wind(forecast, x, y, pressure, jnp.maximum(elapsed - age, 0) if age else elapsed)


def forecast_error(
    wind_field: WindField,
    forecast: Any,
    noise: WindNoise,
    x: jax.Array,
    y: jax.Array,
    pressure: jax.Array,
    elapsed: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """What `forecast_at` misses at a point (scalars): (u, v) in m/s.

    It is the noise, scaled, and what has changed since the forecast that agents see.
    """
    options = wind_field.forecast_options
    u, v = wind_noise(noise, x, y, pressure, elapsed)
    if options.error_scale != 1.0:
        u, v = options.error_scale * u, options.error_scale * v
    if options.forecast_age_hours:
        u_now, v_now = wind_field.wind(forecast, x, y, pressure, elapsed)
        u_seen, v_seen = forecast_at(wind_field, forecast, x, y, pressure, elapsed)
        u, v = u + (u_now - u_seen), v + (v_now - v_seen)
    return u, v


def forecast_and_error(
    wind_field: WindField,
    forecast: Any,
    noise: WindNoise,
    x: jax.Array,
    y: jax.Array,
    pressure: jax.Array,
    elapsed: jax.Array,
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    """The forecast that agents see at a point (scalars) and its error, each (u, v) in m/s. Their sum is the wind."""
    seen = forecast_at(wind_field, forecast, x, y, pressure, elapsed)
    return seen, forecast_error(wind_field, forecast, noise, x, y, pressure, elapsed)
