"""How far each action moves a typical balloon, by night and by day, for planners that see observations alone.

The table is data of this package. `tools/make_motion_table.py` measures it in the simulator.
"""

import json
from importlib import resources

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents.planner.grid import PlanGrid
from ble_agents.planner.motion import NUM_HOURS, vertical_motion
from ble_env import Task, first_episode_keys
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.constants import SECONDS_PER_HOUR
from ble_sim.precision import precision_scope
from ble_sim.scenario import sample_scenario
from ble_sim.sky.sun import sun_at

TABLE = resources.files("ble_agents") / "data" / "vertical_motion.json"
_GRID = PlanGrid(4, 64, 5_600.0, 12_400.0)
_EPISODES = range(100_000, 100_016)
_MAX_NIGHT_ELEVATION, _MIN_DAY_ELEVATION = -8.0, 15.0
"""Of the sun [deg]: at dusk and dawn it is neither."""


def load_typical_motion(grid: PlanGrid) -> np.ndarray:
    """The motion in a stage by night and by day, float32[2, actions, pressures], in units of the grid's pressures.

    Outside the table's pressures it is that at its ends.
    """
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    rows = [[np.interp(grid.pressures, _GRID.pressures, row) for row in table[when]] for when in ("night", "day")]
    return (np.array(rows) / grid.pressure_spacing).astype(np.float32)


def measure_typical_motion() -> dict[str, list[list[float]]]:
    """The table: Pa in a stage, [actions][pressures], means over episodes and hours by night and by day."""

    @jax.jit
    def measure(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        scenario = sample_scenario(task.wind_field, params, key)
        times = scenario.start_time + SECONDS_PER_HOUR * jnp.arange(NUM_HOURS)
        sun = jax.vmap(sun_at, (None, None, 0))(scenario.latitude, scenario.longitude, times)
        return vertical_motion(_GRID, scenario), sun.elevation

    task = Task()
    with precision_scope("float32"):
        params = task.make_params(Vehicle())
        measured = [jax.device_get(measure(key)) for key in first_episode_keys(_EPISODES)]
    motion, elevation = map(np.concatenate, zip(*measured, strict=True))
    means = {
        "night": motion[elevation < _MAX_NIGHT_ELEVATION].mean(axis=0),
        "day": motion[elevation > _MIN_DAY_ELEVATION].mean(axis=0),
    }
    return {when: np.round(mean.astype(float) * _GRID.pressure_spacing, 1).tolist() for when, mean in means.items()}
