"""The Balloon Learning Environment for Gymnasium.

Importing it registers `BalloonLearningEnvironment-v0`; `gymnasium.make("ble_env:BalloonLearningEnvironment-v0")` does
so by itself. Nothing heavy is imported before it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

import gymnasium

from ble_env.named_features import NamedFeatures, named_features

if TYPE_CHECKING:
    from ble_env.features import FeatureConstructor, PerciatelliFeatures
    from ble_env.gym_env import BalloonEnv, SimulatorState
    from ble_env.gymnax_env import BalloonGymnaxEnv
    from ble_env.rendering.renderer import Renderer
    from ble_env.reward import RewardFunction, StationKeepingReward
    from ble_env.vector_env import BalloonVectorEnv

__all__ = [
    "BalloonEnv",
    "BalloonGymnaxEnv",
    "BalloonVectorEnv",
    "FeatureConstructor",
    "NamedFeatures",
    "PerciatelliFeatures",
    "Renderer",
    "RewardFunction",
    "SimulatorState",
    "StationKeepingReward",
    "named_features",
]

ENV_ID = "BalloonLearningEnvironment-v0"
MAX_EPISODE_STEPS = 960
"""Two days, as the benchmark flies."""

_LAZY = {
    "BalloonEnv": "gym_env",
    "SimulatorState": "gym_env",
    "FeatureConstructor": "features",
    "PerciatelliFeatures": "features",
    "Renderer": "rendering.renderer",
    "RewardFunction": "reward",
    "StationKeepingReward": "reward",
    "BalloonVectorEnv": "vector_env",
    "BalloonGymnaxEnv": "gymnax_env",
}

gymnasium.register(
    ENV_ID,
    entry_point="ble_env.gym_env:BalloonEnv",
    vector_entry_point="ble_env.vector_env:BalloonVectorEnv",
    max_episode_steps=MAX_EPISODE_STEPS,
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"ble_env.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
