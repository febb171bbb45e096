"""The Balloon Learning Environment for Gymnasium.

Importing it registers `BalloonLearningEnvironment-v0`; `gymnasium.make("ble_env:BalloonLearningEnvironment-v0")` does
so by itself. Nothing heavy is imported before it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

import gymnasium

from ble_env.observation.layout import NamedFeatures, named_features

if TYPE_CHECKING:
    from ble_env.gymnasium_envs.single import BalloonEnv, Snapshot
    from ble_env.gymnasium_envs.vector import BalloonVectorEnv
    from ble_env.gymnax_env.env import BalloonGymnaxEnv
    from ble_env.observation.perciatelli import ObservationFunction, PerciatelliObservation
    from ble_env.rendering.renderer import Renderer
    from ble_env.reward import RewardFunction, StationKeepingReward

__all__ = [
    "BalloonEnv",
    "BalloonGymnaxEnv",
    "BalloonVectorEnv",
    "ObservationFunction",
    "NamedFeatures",
    "PerciatelliObservation",
    "Renderer",
    "RewardFunction",
    "Snapshot",
    "StationKeepingReward",
    "named_features",
]

ENV_ID = "BalloonLearningEnvironment-v0"
MAX_EPISODE_STEPS = 960
"""Two days, as the benchmark flies."""

_LAZY = {
    "BalloonEnv": "gymnasium_envs.single",
    "Snapshot": "gymnasium_envs.single",
    "ObservationFunction": "observation.perciatelli",
    "PerciatelliObservation": "observation.perciatelli",
    "Renderer": "rendering.renderer",
    "RewardFunction": "reward",
    "StationKeepingReward": "reward",
    "BalloonVectorEnv": "gymnasium_envs.vector",
    "BalloonGymnaxEnv": "gymnax_env.env",
}

gymnasium.register(
    ENV_ID,
    entry_point="ble_env.gymnasium_envs.single:BalloonEnv",
    vector_entry_point="ble_env.gymnasium_envs.vector:BalloonVectorEnv",
    max_episode_steps=MAX_EPISODE_STEPS,
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"ble_env.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
