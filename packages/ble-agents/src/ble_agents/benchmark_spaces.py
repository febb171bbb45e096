"""The environment that an agent must fly in when it reads the observation by the meaning of its features."""

from collections.abc import Sequence

from ble_env.observation.layout import NUM_FEATURES
from ble_sim.balloon.safety import Action

NUM_ACTIONS = len(Action)


def require_benchmark_spaces(agent: str, num_actions: int, observation_shape: Sequence[int]) -> None:
    """Refuse other actions or observations than those of the benchmark.

    Raises:
        ValueError: naming the agent and what it was offered.
    """
    if num_actions != NUM_ACTIONS or tuple(observation_shape) != (NUM_FEATURES,):
        raise ValueError(
            f"{agent} flies with {NUM_ACTIONS} actions and observations of shape ({NUM_FEATURES},),"
            f" not with {num_actions} actions and shape {tuple(observation_shape)}."
        )
