"""Whether winds allow a balloon to stay where it is."""

import numpy as np

_ANGLES = np.arange(0.0, 2.0 * np.pi, np.pi / 360.0)
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])  # float[2, 720]


def least_drift(winds: np.ndarray, is_reachable: np.ndarray) -> np.ndarray:
    """The least speed of the mean wind that a balloon can have by sharing its time among the levels within reach.

    Any mean wind is a point of the convex hull of the winds (u, v), so this is the distance from that hull to calm. It
    is 0 where the hull contains calm: the winds blow in directions all around, or one of them is calm. Then a balloon
    that changes levels can stay over a place. The distance is the largest, over the directions d, of the least wind
    along d. With a direction every half degree it is too small by 0.001 % at most.

    It is a bound: a balloon needs time and power to change levels.

    Args:
        winds: float[..., levels, 2], m/s.
        is_reachable: bool[..., levels].

    Returns:
        float[...], m/s; NaN where no level is within reach.
    """
    shape = winds.shape[:-2]
    columns = winds.reshape(-1, *winds.shape[-2:]).astype(float)
    reaches = np.broadcast_to(is_reachable, winds.shape[:-1]).reshape(len(columns), -1)
    speeds = [_least(column[reach]) for column, reach in zip(columns, reaches, strict=True)]
    return np.array(speeds).reshape(shape)


def hull(winds: np.ndarray) -> np.ndarray:
    """The corners of the convex hull of winds, in the order of their directions: float[corners, 2] of float[n, 2]."""
    if len(winds) == 0:
        return winds
    farthest = np.argmax(winds @ _DIRECTIONS, axis=0)
    is_new = np.append(True, np.diff(farthest) != 0)
    return winds[farthest[is_new]]


def _least(winds: np.ndarray) -> float:
    return max(0.0, float(np.max(np.min(winds @ _DIRECTIONS, axis=0)))) if len(winds) else np.nan
