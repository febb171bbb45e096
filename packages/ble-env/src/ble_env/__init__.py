"""The Balloon Learning Environment for Gymnasium.

Importing it registers `BalloonLearningEnvironment-v0`; `gymnasium.make("ble_env:BalloonLearningEnvironment-v0")` does
so by itself. Public names are imported when they are first used, so that nothing imports JAX before it is needed.
"""

from typing import TYPE_CHECKING

import gymnasium

from ble_sim._lazy import lazy_names
from ble_sim.constants import EPISODE_STEPS

if TYPE_CHECKING:
    from ble_env.core import Transition
    from ble_env.diagnostics import Diagnostics
    from ble_env.gymnasium_envs.single import BalloonEnv
    from ble_env.gymnasium_envs.snapshot import Snapshot
    from ble_env.gymnasium_envs.vector import BalloonVectorEnv
    from ble_env.gymnax_env.env import BalloonGymnaxEnv
    from ble_env.observation.function import ObservationFunction
    from ble_env.observation.layout import NamedFeatures, named_features
    from ble_env.observation.perciatelli import PerciatelliObservation
    from ble_env.options import StationKeepingOptions
    from ble_env.rendering.renderer import Renderer
    from ble_env.reward import RewardFunction, StationKeepingReward
    from ble_env.task import Task, TaskArguments

__all__ = [
    "ENV_ID",
    "EPISODE_STEPS",
    "BalloonEnv",
    "BalloonGymnaxEnv",
    "BalloonVectorEnv",
    "Diagnostics",
    "NamedFeatures",
    "ObservationFunction",
    "PerciatelliObservation",
    "Renderer",
    "RewardFunction",
    "Snapshot",
    "StationKeepingOptions",
    "StationKeepingReward",
    "Task",
    "TaskArguments",
    "Transition",
    "named_features",
]

ENV_ID = "BalloonLearningEnvironment-v0"

_MODULES = {
    "BalloonEnv": "gymnasium_envs.single",
    "BalloonGymnaxEnv": "gymnax_env.env",
    "BalloonVectorEnv": "gymnasium_envs.vector",
    "Diagnostics": "diagnostics",
    "NamedFeatures": "observation.layout",
    "ObservationFunction": "observation.function",
    "PerciatelliObservation": "observation.perciatelli",
    "Renderer": "rendering.renderer",
    "RewardFunction": "reward",
    "Snapshot": "gymnasium_envs.snapshot",
    "StationKeepingOptions": "options",
    "StationKeepingReward": "reward",
    "Task": "task",
    "TaskArguments": "task",
    "Transition": "core",
    "named_features": "observation.layout",
}

gymnasium.register(
    ENV_ID,
    entry_point="ble_env.gymnasium_envs.single:BalloonEnv",
    vector_entry_point="ble_env.gymnasium_envs.vector:BalloonVectorEnv",
    max_episode_steps=EPISODE_STEPS,
)

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
