"""A wind field with options and with something drawn for each episode."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ble_sample.options import SeaBreezeOptions
from ble_sim.precision import reference_draws
from ble_sim.wind.field import WindField


@dataclass(frozen=True)
class SeaBreezeWindField(WindField):
    """Blows east and west by turns, at all heights alike; an episode begins at any time of its day."""

    options: SeaBreezeOptions = SeaBreezeOptions()

    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> jax.Array:
        with reference_draws():  # draws do not depend on the precision
            return jax.random.uniform(key)

    def wind(self, forecast, x, y, pressure, elapsed):
        turns = forecast + elapsed / (3600.0 * self.options.period_hours)
        u = self.options.speed * jnp.cos(2.0 * math.pi * turns)
        return jnp.full(pressure.shape, u, x.dtype), jnp.zeros(pressure.shape, x.dtype)
