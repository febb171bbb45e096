"""Four layers of steady wind, for tests and first experiments."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ble_sim.wind.field import WindField
from ble_sim.wind.forecast_options import ForecastOptions

_SPEED = 10.0


@dataclass(frozen=True)
class SimpleStaticWindField(WindField):
    """Wind to the east above 8000 Pa, and below it to the north, the west and the south every 2000 Pa."""

    options: ForecastOptions = ForecastOptions()

    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> tuple[()]:
        return ()

    def wind(self, forecast, x, y, pressure, elapsed):
        layer = sum((pressure >= bound).astype(jnp.int32) for bound in (8000.0, 10000.0, 12000.0))
        u = jnp.where(layer == 0, _SPEED, jnp.where(layer == 2, -_SPEED, 0.0))
        v = jnp.where(layer == 1, _SPEED, jnp.where(layer == 3, -_SPEED, 0.0))
        return u.astype(x.dtype), v.astype(x.dtype)
