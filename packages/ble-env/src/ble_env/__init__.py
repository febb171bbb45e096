"""The Balloon Learning Environment for Gymnasium.

Importing it registers `BalloonLearningEnvironment-v0`; `gymnasium.make("ble_env:BalloonLearningEnvironment-v0")` does
so by itself. Public names are imported when they are first used, so that nothing imports JAX before it is needed.
"""

from typing import TYPE_CHECKING

import gymnasium

from ble_sim._lazy import lazy_names
from ble_sim.constants import EPISODE_STEPS as EPISODE_STEPS

ENV_ID = "BalloonLearningEnvironment-v0"
"""The environment's name in Gymnasium."""

gymnasium.register(
    ENV_ID,
    entry_point="ble_env.gymnasium_envs.single:BalloonEnv",
    vector_entry_point="ble_env.gymnasium_envs.entry_points:make_balloons",
    max_episode_steps=EPISODE_STEPS,
)

if TYPE_CHECKING:
    from ble_env.checks import NotFiniteError as NotFiniteError
    from ble_env.core import Transition as Transition
    from ble_env.diagnostics import Diagnostics as Diagnostics
    from ble_env.gymnasium_envs.single import BalloonEnv as BalloonEnv
    from ble_env.gymnasium_envs.vector import BalloonVectorEnv as BalloonVectorEnv
    from ble_env.gymnax_env.env import BalloonGymnaxEnv as BalloonGymnaxEnv
    from ble_env.gymnax_env.env import EnvParams as EnvParams
    from ble_env.host.seeding import first_episode_keys as first_episode_keys
    from ble_env.host.snapshot import Snapshot as Snapshot
    from ble_env.information import FlightView as FlightView
    from ble_env.information import InformationError as InformationError
    from ble_env.information import InformationTrack as InformationTrack
    from ble_env.information import view_of as view_of
    from ble_env.observation.function import ObservationFunction as ObservationFunction
    from ble_env.observation.layout import CENTER_LEVEL as CENTER_LEVEL
    from ble_env.observation.layout import FIRST_WIND_FEATURE as FIRST_WIND_FEATURE
    from ble_env.observation.layout import NUM_RELATIVE_LEVELS as NUM_RELATIVE_LEVELS
    from ble_env.observation.layout import NamedFeatures as NamedFeatures
    from ble_env.observation.layout import named_features as named_features
    from ble_env.observation.perciatelli import PerciatelliObservation as PerciatelliObservation
    from ble_env.observation.perciatelli import perciatelli_observation as perciatelli_observation
    from ble_env.options import MatplotlibOptions as MatplotlibOptions
    from ble_env.options import StationKeepingOptions as StationKeepingOptions
    from ble_env.options import TextOptions as TextOptions
    from ble_env.rendering.renderer import Renderer as Renderer
    from ble_env.reward import RewardFunction as RewardFunction
    from ble_env.reward import StationKeepingReward as StationKeepingReward
    from ble_env.task import Task as Task
    from ble_env.task import TaskArguments as TaskArguments
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "checks": "NotFiniteError",
            "core": "Transition",
            "diagnostics": "Diagnostics",
            "gymnasium_envs.single": "BalloonEnv",
            "host.snapshot": "Snapshot",
            "gymnasium_envs.vector": "BalloonVectorEnv",
            "gymnax_env.env": "BalloonGymnaxEnv EnvParams",
            "host.seeding": "first_episode_keys",
            "information": "FlightView InformationError InformationTrack view_of",
            "observation.function": "ObservationFunction",
            "observation.layout": "CENTER_LEVEL FIRST_WIND_FEATURE named_features NamedFeatures NUM_RELATIVE_LEVELS",
            "observation.perciatelli": "perciatelli_observation PerciatelliObservation",
            "options": "MatplotlibOptions StationKeepingOptions TextOptions",
            "rendering.renderer": "Renderer",
            "reward": "RewardFunction StationKeepingReward",
            "task": "Task TaskArguments",
        },
        eager="ENV_ID EPISODE_STEPS",
    )
