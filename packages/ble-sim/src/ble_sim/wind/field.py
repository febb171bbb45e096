"""The interface of wind fields, and the truth that a forecast misses."""

import abc
from typing import Any

import jax

from ble_sim.wind.noise import WindNoise, wind_noise


class WindField(abc.ABC):
    """A source of wind forecasts.

    Instances are immutable and hashable: compiled code is kept per instance. The methods that compute are pure and
    traceable by JAX; they see one balloon, batches come from `jax.vmap`.
    """

    def parameters(self) -> Any:
        """Arrays that `sample` needs, such as weights: a pytree, the same at every call. None by default."""
        return ()

    @abc.abstractmethod
    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> Any:
        """Sample the forecast of one episode.

        Args:
            parameters: what `parameters()` returned.
            key: uint32[2], a JAX random key; draw from it within `ble_sim.precision.reference_draws`.
            start_time: int32, seconds since 1970 UTC.

        Returns:
            A pytree of arrays, handed to `wind`.
        """

    @abc.abstractmethod
    def wind(
        self, forecast: Any, x: jax.Array, y: jax.Array, pressure: jax.Array, elapsed: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Forecast wind (u, v) towards the east and the north [m/s].

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

        A field with large forecasts should override it and read only what it needs: here the forecast is taken out
        whole, which `jax.vmap` over places makes a copy for every balloon.

        Args:
            forecasts: forecasts as `sample` returned them, stacked.
            place: int32 scalar, of the forecast in the stack.
            x, y, pressure, elapsed: as of `wind`.
        """
        return self.wind(jax.tree.map(lambda leaf: leaf[place], forecasts), x, y, pressure, elapsed)


def true_wind(
    wind_field: WindField,
    forecast: Any,
    noise: WindNoise,
    x: jax.Array,
    y: jax.Array,
    pressure: jax.Array,
    elapsed: jax.Array,
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    """The wind at a point (scalars), as (forecast, error); the true wind is their sum. Each is (u, v) in m/s."""
    return wind_field.wind(forecast, x, y, pressure, elapsed), wind_noise(noise, x, y, pressure, elapsed)
