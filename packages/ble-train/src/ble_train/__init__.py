"""Training of balloon agents: learners, algorithms, training loops, collectors, and the command `ble-train`.

Names are imported when they are first used, so that this package and its command line import neither jax nor gymnasium
before they need it.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

if TYPE_CHECKING:
    from ble_train.checkpoints import CheckpointError, Checkpoints
    from ble_train.collectors.collector import Collector
    from ble_train.collectors.construction import collector_names, create_collector_constructors
    from ble_train.collectors.dispatcher import CollectorDispatcher
    from ble_train.collectors.statistics_instance import StatisticsInstance
    from ble_train.learner import LaneStep, Learner
    from ble_train.loops.classic import run_training_loop
    from ble_train.loops.lanes import run_lane_training_loop
    from ble_train.loops.records import EpisodeRecord, IterationRecord

__version__ = "0.1.0"

_MODULES = {
    "CheckpointError": "checkpoints",
    "Checkpoints": "checkpoints",
    "Collector": "collectors.collector",
    "CollectorDispatcher": "collectors.dispatcher",
    "EpisodeRecord": "loops.records",
    "IterationRecord": "loops.records",
    "LaneStep": "learner",
    "Learner": "learner",
    "StatisticsInstance": "collectors.statistics_instance",
    "collector_names": "collectors.construction",
    "create_collector_constructors": "collectors.construction",
    "run_lane_training_loop": "loops.lanes",
    "run_training_loop": "loops.classic",
}

__all__ = [
    "CheckpointError",
    "Checkpoints",
    "Collector",
    "CollectorDispatcher",
    "EpisodeRecord",
    "IterationRecord",
    "LaneStep",
    "Learner",
    "StatisticsInstance",
    "collector_names",
    "create_collector_constructors",
    "run_lane_training_loop",
    "run_training_loop",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
