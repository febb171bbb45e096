"""A steady wind that turns and grows linearly with pressure, for teaching and experiments."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ble_sim.wind.field import WindField
from ble_sim.wind.fields.options import UniformShearOptions


@dataclass(frozen=True)
class UniformShearWindField(WindField):
    """Wind that depends on pressure alone, steady and the same everywhere.

    With the options, and d = (p - `reference_pressure`) / 1000 Pa, it has the speed s = `speed` + `speed_shear` d and
    blows to the heading a = `heading` + `heading_shear` d: (u, v) = s (cos a, sin a). As with every wind field, the
    balloon flies in this forecast plus the forecast error.
    """

    options: UniformShearOptions = UniformShearOptions()

    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> tuple[()]:
        return ()

    def wind(self, forecast, x, y, pressure, elapsed):
        options = self.options
        steps = (pressure - options.reference_pressure) / 1000.0
        speed = options.speed + options.speed_shear * steps
        heading = jnp.radians(options.heading + options.heading_shear * steps)
        return (speed * jnp.cos(heading)).astype(x.dtype), (speed * jnp.sin(heading)).astype(x.dtype)
