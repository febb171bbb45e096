"""Training of balloon agents: learners, algorithms, training loops, collectors, and the command `ble-train`.

Names are imported when they are first used, so that this package and its command line import neither jax nor gymnasium
before they need it.
"""

from typing import TYPE_CHECKING

from ble_sim._lazy import lazy_names

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ble_train.checkpoints import CheckpointError as CheckpointError
    from ble_train.checkpoints import Checkpoints as Checkpoints
    from ble_train.collectors.collector import Collector as Collector
    from ble_train.collectors.construction import collector_names as collector_names
    from ble_train.collectors.construction import create_collector_constructors as create_collector_constructors
    from ble_train.collectors.dispatcher import CollectorDispatcher as CollectorDispatcher
    from ble_train.collectors.statistics_instance import StatisticsInstance as StatisticsInstance
    from ble_train.learner import LaneStep as LaneStep
    from ble_train.learner import Learner as Learner
    from ble_train.loops.classic import run_training_loop as run_training_loop
    from ble_train.loops.compiled import run_compiled_training_loop as run_compiled_training_loop
    from ble_train.loops.lanes import run_lane_training_loop as run_lane_training_loop
    from ble_train.loops.records import EpisodeRecord as EpisodeRecord
    from ble_train.loops.records import IterationRecord as IterationRecord
    from ble_train.validation import score_agent as score_agent
    from ble_train.validation import validation_suite as validation_suite
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "checkpoints": "CheckpointError Checkpoints",
            "collectors.collector": "Collector",
            "collectors.construction": "collector_names create_collector_constructors",
            "collectors.dispatcher": "CollectorDispatcher",
            "collectors.statistics_instance": "StatisticsInstance",
            "learner": "LaneStep Learner",
            "loops.classic": "run_training_loop",
            "loops.compiled": "run_compiled_training_loop",
            "loops.lanes": "run_lane_training_loop",
            "loops.records": "EpisodeRecord IterationRecord",
            "validation": "score_agent validation_suite",
        },
    )
