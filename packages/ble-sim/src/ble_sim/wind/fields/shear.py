"""A field to teach and to learn with: the wind turns and grows linearly with pressure."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ble_sim.wind.field import WindField
from ble_sim.wind.fields.options import UniformShearOptions


@dataclass(frozen=True)
class UniformShearWindField(UniformShearOptions, WindField):
    """Wind that depends on pressure alone, steady and the same everywhere.

    With d = (p - `reference_pressure`) / 1000 Pa it has the speed `speed` + `speed_shear` d and blows to the heading
    a = `heading` + `heading_shear` d, so (u, v) = speed (cos a, sin a). The arguments are those of
    `UniformShearOptions`. The forecast errors that every field has come on top: the balloon does not fly in exactly
    this wind.
    """

    def sample(self, parameters: Any, key: jax.Array, start_time: jax.Array) -> tuple[()]:
        return ()

    def wind(self, forecast, x, y, pressure, elapsed):
        steps = (pressure - self.reference_pressure) / 1000.0
        speed = self.speed + self.speed_shear * steps
        heading = jnp.radians(self.heading + self.heading_shear * steps)
        return (speed * jnp.cos(heading)).astype(x.dtype), (speed * jnp.sin(heading)).astype(x.dtype)
