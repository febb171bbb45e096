"""Made-up infos of flights, as renderers receive them."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from ble_env.rendering.track import Track

START = 1_367_573_220  # 2013-05-03 09:27 UTC.
STEP = 180
DAY = 86400


def flight(num_steps: int, *, east: float = 30e3, north: float = 20e3, radius: float = 50e3) -> list[dict[str, Any]]:
    """The infos of a balloon that drifts 1 km north-east and 20 m up a step from (east, north), in m."""
    infos = []
    for step in range(num_steps + 1):
        x, y = east + 1e3 * step, north + 1e3 * step
        distance = float(np.hypot(x, y))
        infos.append(
            {
                "x": x,
                "y": y,
                "distance": distance,
                "altitude": 16e3 + 20.0 * step,
                "pressure": 10e3 - 30.0 * step,
                "lowest_pressure": 6e3,
                "highest_pressure": 11e3,
                "battery": 0.9 - 0.002 * step,
                "solar_power": 300.0,
                "wind_u": 5.0,
                "wind_v": 5.0,
                "inside_radius": distance <= radius,
                "paused_power": False,
                "paused_envelope": False,
                "paused_altitude": False,
                "effective_action": 2,
                "status": 0,
                "date_time": START + step * STEP,
                "time_elapsed": step * STEP,
                "action": 2 if step else None,
                "reward": 0.8 if step else None,
            }
        )
    return infos


def column(u: float, v: float) -> Any:
    """Winds that are the same at all levels, in an atmosphere with a scale height of 7 km."""
    height = np.arange(14e3, 21e3, 100.0)
    wind = np.broadcast_to([u, v], (len(height), 2))
    return SimpleNamespace(height=height, pressure=1e5 * np.exp(-height / 7e3), wind=wind)


def track_of(infos: list[dict[str, Any]], name: str = "", radius_km: float = 50.0) -> Track:
    """The track of a flight."""
    track = Track(name, radius_km)
    for info in infos:
        track.add(info)
    return track
