"""The actions and observations of the benchmark, for agents that use the meaning of the features."""

from collections.abc import Sequence

from ble_env.observation.layout import NUM_FEATURES
from ble_sim.balloon.altitude_control import Action

NUM_ACTIONS = len(Action)


def require_benchmark_spaces(agent: str, num_actions: int, observation_shape: Sequence[int]) -> None:
    """Check that actions and observations are those of the benchmark.

    Raises:
        ValueError: they are not; the message names the agent and the spaces.
    """
    if num_actions != NUM_ACTIONS or tuple(observation_shape) != (NUM_FEATURES,):
        raise ValueError(
            f"{agent} flies with {NUM_ACTIONS} actions and observations of shape ({NUM_FEATURES},),"
            f" not with {num_actions} actions and shape {tuple(observation_shape)}."
        )
